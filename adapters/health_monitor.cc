#include "adapters/health_monitor.h"

#include <algorithm>
#include <utility>

namespace ringside::adapters {
namespace {

constexpr std::chrono::milliseconds kGoneAfter{100};  // nobody listens
constexpr std::chrono::milliseconds kRefusedRecheck{25};
constexpr std::chrono::milliseconds kDownRecheck{100};

}  // namespace

HealthMonitor::HealthMonitor(net::Loop& loop, std::chrono::milliseconds interval, std::chrono::milliseconds down_after,
                             Events events)
    : interval_(interval),
      down_after_(down_after),
      events_(std::move(events)),
      timer_(loop),
      last_healthy_(net::Clock::now()) {}

HealthMonitor::~HealthMonitor() = default;

void HealthMonitor::start() {
  last_healthy_ = net::Clock::now();
  check();
}

void HealthMonitor::look_now() {
  if (checking_) {
    again_ = true;  // the check under way may have been answered before whatever just happened
  } else {
    check();
  }
}

void HealthMonitor::check() {
  timer_.cancel();
  checking_ = true;
  events_.check([this, alive = std::weak_ptr<bool>(alive_)](const HealthResult& result) {
    if (alive.expired()) return;
    checking_ = false;
    checked(result);
  });
}

void HealthMonitor::check_in(std::chrono::milliseconds delay) {
  timer_.expires_after(std::exchange(again_, false) ? std::chrono::milliseconds(0) : delay);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !checking_) check();
  });
}

void HealthMonitor::checked(const HealthResult& result) {
  const auto now = net::Clock::now();
  if (result.healthy) {
    last_healthy_ = now;
    refused_since_ = net::Clock::time_point::max();
    const bool changed = !instance_.empty() && !result.instance.empty() && instance_ != result.instance;
    if (!result.instance.empty()) instance_ = result.instance;
    if (state_ != State::kUp) {
      state_ = State::kUp;
      events_.up();
    } else if (changed) {
      events_.restarted();
    }
    return check_in(interval_);
  }
  if (result.refused) {
    refused_since_ = std::min(refused_since_, now);
  } else {
    refused_since_ = net::Clock::time_point::max();
  }
  const bool gone = result.refused && now - refused_since_ >= kGoneAfter;
  const bool sick = now - last_healthy_ >= down_after_ || (state_ == State::kUnknown && !result.refused);
  if (state_ != State::kDown && (gone || sick)) set_down(result.why);
  if (state_ == State::kDown) return check_in(std::min(interval_, kDownRecheck));
  check_in(result.refused ? kRefusedRecheck : std::min(interval_, kDownRecheck));
}

void HealthMonitor::set_down(const std::string& why) {
  state_ = State::kDown;
  instance_.clear();
  events_.down(why);
}

}  // namespace ringside::adapters
