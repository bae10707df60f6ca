#include "tests/sim/traffic.h"

#include <algorithm>

namespace ringside::sim {
namespace {

constexpr std::uint64_t kForEachPair = 8;            // questions of one change
constexpr std::uint64_t kForEachHostInASecond = 60;  // questions of one host to one other, repeats and pings included

// What one change costs one host: of N hosts, and P points of each.
constexpr std::uint64_t kQuestionsOfAStart = 5;
constexpr std::uint64_t kQuestionsOfAnEnd = 12;  // and min(N, P) / 2: who inherits asks everybody
constexpr std::uint64_t kQuestionsOfAHardship = 2;
constexpr std::uint64_t kPingsOfAChange = 6;  // and N / 20
constexpr double kPingsInASecond = 28;        // of those that are watched, and of all others from time to time
constexpr double kPingsOfAPair = 2.1;         // in a second, in a cluster where everybody is watched

bool tells_of_an_end(const core::PeerRequest& request) {
  return std::holds_alternative<core::EndedRequest>(request) ||
         std::holds_alternative<core::LegacyExpiryRequest>(request) ||
         std::holds_alternative<core::OwnershipRequest>(request);
}

}  // namespace

void Traffic::question(std::size_t from, const core::PeerRequest& request, std::int64_t now) {
  ++sent_[from].questions[request.index()];
  Second& second = this_second_[from];
  if (second.second != now / 1'000'000) second = {now / 1'000'000, 0};
  if (tells_of_an_end(request)) {
    ++expiries_;  // one for some activations: bounded by what lives, not by the number of hosts
    return;
  }
  most_[from] = std::max(most_[from], ++second.sent);
  if (std::holds_alternative<core::PingRequest>(request)) {
    ++pings_;
  } else {
    ++questions_;
    ++sent_[from].asked;
  }
}

void Traffic::answer(std::size_t from, const core::PeerAnswer& says) {
  if (std::holds_alternative<core::PingAnswer>(says) || std::holds_alternative<core::EndedAnswer>(says) ||
      std::holds_alternative<core::AckAnswer>(says)) {
    return;
  }
  ++sent_[from].answered;
}

std::string Traffic::broken(bool nothing_lost) const {
  const std::uint64_t others = hosts_;
  for (std::size_t host = 0; host < hosts_; ++host) {
    if (most_[host] > kForEachHostInASecond * others) {
      return "host " + std::to_string(host + 1) + " sent " + std::to_string(most_[host]) + " questions in a second";
    }
  }
  const std::uint64_t allowed = kForEachPair * changes() * hosts_ * (hosts_ - 1);
  if (nothing_lost && questions_ > allowed) {
    return std::to_string(changes()) + " changes cost " + std::to_string(questions_) + " questions, and not at most " +
           std::to_string(allowed);
  }
  return "";
}

std::uint64_t Traffic::allowed_questions() const {
  return kQuestionsOfAStart * starts_ + kQuestionsOfAHardship * hardships_ + kQuestionsOfAnEnd * ends_ +
         ends_ * std::min<std::uint64_t>(hosts_, points_) / 2;
}

std::uint64_t Traffic::allowed_pings(std::int64_t run_us) const {
  const double in_a_second = std::min(kPingsInASecond, kPingsOfAPair * static_cast<double>(hosts_ - 1));
  return static_cast<std::uint64_t>(in_a_second * static_cast<double>(run_us) / 1e6) + kPingsOfAChange * changes() +
         changes() * hosts_ / 20;
}

std::string Traffic::broken_by_changes(std::int64_t run_us) const {
  const std::string of_changes = " for " + std::to_string(starts_) + " starts and " + std::to_string(ends_) + " ends";
  for (std::size_t host = 0; host < hosts_; ++host) {
    const Sent& sent = sent_[host];
    const auto too_many = [&](std::uint64_t count, const std::string& what, std::uint64_t allowed) {
      return "host " + std::to_string(host + 1) + " sent " + std::to_string(count) + " " + what + of_changes +
             ", and not at most " + std::to_string(allowed);
    };
    if (sent.asked > allowed_questions()) return too_many(sent.asked, "questions", allowed_questions());
    if (sent.answered > allowed_questions()) return too_many(sent.answered, "answers", allowed_questions());
    if (sent.pings() > allowed_pings(run_us)) return too_many(sent.pings(), "pings", allowed_pings(run_us));
  }
  return "";
}

}  // namespace ringside::sim
