#include "adapters/health_monitor.h"

#include <algorithm>
#include <utility>

namespace ringside::adapters {
namespace {

constexpr std::chrono::milliseconds kGoneAfter{100};  // nobody listens
constexpr std::chrono::milliseconds kRefusedRecheck{25};
constexpr std::chrono::milliseconds kDownRecheck{100};
constexpr std::chrono::milliseconds kHangingAfter{300};
constexpr std::chrono::milliseconds kShortestTimeout{1'000};
constexpr int kNewInARow = 4;  // checks: who names a new instance at more of them restarts at each, or is several
constexpr std::size_t kMostRemembered = 64;
constexpr int kSteady = 30;  // checks that must name one instance, after several have been met
constexpr const char* kSeveral =
    "its ringside-app-instance changes between checks: several processes answer there, and the contract says that an "
    "app is one process";

}  // namespace

HealthMonitor::HealthMonitor(net::Loop& loop, HealthTimes times, Events events)
    : times_(times), events_(std::move(events)), timer_(loop) {}

HealthMonitor::~HealthMonitor() = default;

void HealthMonitor::start() {
  last_well_ = last_answer_ = net::Clock::now();
  check();
}

void HealthMonitor::look_now() {
  if (checking_) {
    again_ = true;  // the check under way may have been answered before whatever just happened
  } else {
    check();
  }
}

void HealthMonitor::no_listener() {
  refused_once_ = true;
  look_now();
}

void HealthMonitor::answered() { last_answer_ = net::Clock::now(); }

void HealthMonitor::check() {
  checking_ = true;
  check_began_ = net::Clock::now();
  timer_.after(kHangingAfter, [this] {
    if (checking_ && events_.hanging) events_.hanging();
  });
  const auto deadline = check_began_ + std::max(kShortestTimeout, times_.down_after);
  events_.check(deadline, life_.bind([this](HealthResult result) {
    checking_ = false;
    if (std::exchange(replaced_meanwhile_, false)) result.instance.clear();
    checked(result);
  }));
}

void HealthMonitor::check_in(std::chrono::milliseconds delay) {
  timer_.after(std::exchange(again_, false) ? std::chrono::milliseconds(0) : delay, [this] {
    if (!checking_) check();
  });
}

void HealthMonitor::checked(const HealthResult& result) {
  if (result.healthy) {
    well(result);
    return check_in(times_.interval);
  }
  if (result.no_listener) {
    nobody_listens(result.why);
  } else {
    const auto now = net::Clock::now();
    refused_since_ = net::Clock::time_point::max();
    if (result.timed_out && works_on_turns()) last_well_ = now;
    if (state_ == State::kUnknown || now - last_well_ >= times_.down_after) set_unhealthy(result.why);
  }
  const bool soon = result.no_listener && (state_ == State::kUnknown || state_ == State::kUp);
  check_in(soon ? kRefusedRecheck : std::min(times_.interval, kDownRecheck));
}

void HealthMonitor::well(const HealthResult& result) {
  const bool changed = !instance_.empty() && !result.instance.empty() && instance_ != result.instance;
  const bool was_refused = std::exchange(refused_once_, false) && !result.same_listener;
  last_answer_ = net::Clock::now();
  refused_since_ = net::Clock::time_point::max();
  if (several_processes(result, was_refused)) return set_unhealthy(kSeveral);
  last_well_ = last_answer_;
  const bool another = was_refused || changed;
  if (!result.instance.empty()) instance_ = result.instance;
  const State before = std::exchange(state_, State::kUp);
  if (before == State::kUp) {
    if (another) events_.restarted();
    return;
  }
  if (before == State::kUnhealthy && another) events_.gone("another instance answers");
  events_.up();
}

// Several processes come back to an instance that was named before; one that is replaced again and again does not.
// `explained`: there is another sign that this is another process. Old instances are forgotten when one has been
// steady.
bool HealthMonitor::several_processes(const HealthResult& result, bool explained) {
  if (result.instance.empty()) return unsteady_ > 0 && --unsteady_ > 0;
  if (explained) {
    earlier_.clear();
    unsteady_ = new_in_a_row_ = 0;
    return false;
  }
  if (instance_.empty() || instance_ == result.instance) {
    if (unsteady_ > 0) --unsteady_;
    new_in_a_row_ = 0;
    steady_ = std::min(steady_ + 1, kSteady);
    if (steady_ == kSteady) earlier_.clear();
    return unsteady_ > 0;
  }
  steady_ = 0;
  const bool back = std::find(earlier_.begin(), earlier_.end(), result.instance) != earlier_.end();
  earlier_.push_back(instance_);
  instance_ = result.instance;
  if (earlier_.size() > kMostRemembered) earlier_.pop_front();
  ++new_in_a_row_;
  if (back || new_in_a_row_ > kNewInARow) unsteady_ = kSteady;
  return unsteady_ > 0;
}

void HealthMonitor::replaced() {
  refused_once_ = false;
  replaced_meanwhile_ = checking_;
  instance_.clear();
  earlier_.clear();
  unsteady_ = new_in_a_row_ = 0;
  if (state_ == State::kUp) {
    events_.restarted();
  } else if (state_ == State::kUnhealthy) {
    set_gone("another process listens there");
  }
  look_now();
}

void HealthMonitor::nobody_listens(const std::string& why) {
  const auto now = net::Clock::now();
  refused_once_ = true;
  refused_since_ = std::min(refused_since_, now);
  if (now - refused_since_ < kGoneAfter) return;
  if (events_.working()) {
    set_unhealthy(why);
  } else {
    set_gone(why);
  }
}

bool HealthMonitor::works_on_turns() const {
  if (last_answer_ > check_began_) return true;
  const auto patience = std::max(times_.down_after, times_.turn_timeout);
  return events_.working() && net::Clock::now() - last_answer_ < patience;
}

void HealthMonitor::set_unhealthy(const std::string& why) {
  const bool told = state_ == State::kUnhealthy || state_ == State::kGone;
  if (told && why == why_) return;
  why_ = why;
  if (state_ != State::kGone) state_ = State::kUnhealthy;
  events_.unhealthy(why);
}

void HealthMonitor::set_gone(const std::string& why) {
  if (state_ == State::kGone) return;
  state_ = State::kGone;
  why_ = why;
  instance_.clear();
  events_.gone(why);
}

}  // namespace ringside::adapters
