#include "tests/sim/traffic.h"

#include <algorithm>

namespace ringside::sim {
namespace {

constexpr std::uint64_t kForEachPair = 8;            // questions of one change
constexpr std::uint64_t kForEachHostInASecond = 60;  // questions of one host to one other, repeats and pings included

}  // namespace

void Traffic::question(std::size_t from, const core::PeerRequest& request, std::int64_t now) {
  Second& second = this_second_[from];
  if (second.second != now / 1'000'000) second = {now / 1'000'000, 0};
  const bool expiry = std::holds_alternative<core::EndedRequest>(request) ||
                      std::holds_alternative<core::LegacyExpiryRequest>(request) ||
                      std::holds_alternative<core::OwnershipRequest>(request);
  if (expiry) {
    ++expiries_;  // one for some activations: bounded by what lives, not by the number of hosts
    return;
  }
  most_[from] = std::max(most_[from], ++second.sent);
  if (std::holds_alternative<core::PingRequest>(request)) {
    ++pings_;
  } else {
    ++questions_;
  }
}

std::string Traffic::broken(bool nothing_lost) const {
  const std::uint64_t others = hosts_;
  for (std::size_t host = 0; host < hosts_; ++host) {
    if (most_[host] > kForEachHostInASecond * others) {
      return "host " + std::to_string(host + 1) + " sent " + std::to_string(most_[host]) + " questions in a second";
    }
  }
  const std::uint64_t allowed = kForEachPair * changes_ * hosts_ * (hosts_ - 1);
  if (nothing_lost && questions_ > allowed) {
    return std::to_string(changes_) + " changes cost " + std::to_string(questions_) + " questions, and not at most " +
           std::to_string(allowed);
  }
  return "";
}

}  // namespace ringside::sim
