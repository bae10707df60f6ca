#include "tests/sim/costs.h"

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <utility>

namespace ringside::sim {
namespace {

double in_ms(LoopTimes::Time time) { return std::chrono::duration<double, std::milli>(time).count(); }

}  // namespace

Costs::Costs(const Traffic& traffic, const LoopTimes& loop_times, std::int64_t run_us) {
  const auto changes = static_cast<double>(traffic.starts() + traffic.ends());
  const double seconds = static_cast<double>(run_us) / 1e6;
  allowed_ = static_cast<double>(traffic.allowed_questions()) / changes;
  allowed_pings_ = static_cast<double>(traffic.allowed_pings(run_us)) / seconds;
  const auto widen = [](double& most, std::uint64_t count, double of) {
    most = std::max(most, static_cast<double>(count) / of);
  };
  for (const Sent& sent : traffic.sent()) {
    for (std::size_t kind = 0; kind < kKindsOfQuestion; ++kind) widen(questions_[kind], sent.questions[kind], changes);
    widen(asked_, sent.asked, changes);
    widen(answered_, sent.answered, changes);
    widen(pings_, sent.pings(), seconds);
  }
  for (const LoopTimes::OfHost& times : loop_times.all()) {
    longest_ms_ = std::max(longest_ms_, in_ms(times.longest));
    total_ms_ = std::max(total_ms_, in_ms(times.total));
  }
}

void Costs::add(const Costs& other) {
  const auto widen = [](double& most, double value) { most = std::max(most, value); };
  for (std::size_t kind = 0; kind < kKindsOfQuestion; ++kind) widen(questions_[kind], other.questions_[kind]);
  widen(asked_, other.asked_);
  widen(answered_, other.answered_);
  widen(allowed_, other.allowed_);
  widen(pings_, other.pings_);
  widen(allowed_pings_, other.allowed_pings_);
  widen(longest_ms_, other.longest_ms_);
  widen(total_ms_, other.total_ms_);
}

std::string Costs::to_text() const {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1);
  text << "what the host sent that sent most: for each change " << asked_ << " questions and " << answered_
       << " answers, of each at most " << allowed_ << " (";
  const char* comma = "";
  for (std::size_t kind = 1; kind < kKindsOfQuestion; ++kind) {
    if (questions_[kind] == 0) continue;
    text << std::exchange(comma, ", ") << kKindNames[kind] << " " << questions_[kind];
  }
  text << "); in each second " << pings_ << " pings, at most " << allowed_pings_ << "\n";
  text << "time in the event handlers of one host: " << longest_ms_ << " ms in the longest, " << total_ms_
       << " ms in all\n";
  return text.str();
}

}  // namespace ringside::sim
