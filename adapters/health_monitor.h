// Judges whether the application is up: by its health checks, and by what its connections say meanwhile.
//
// Up with the first healthy answer. Down when nothing has listened for 100 ms, or when it has not been healthy for
// `down_after`. Another instance than before, while it stays up: restarted. Loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "sidecar/net/transport.h"

namespace ringside::adapters {

struct HealthResult {
  bool healthy = false;
  bool refused = false;  // no process listens there
  std::string instance;  // the application's own mark of its run, where it gives one
  std::string why;       // not healthy: for a person
};

class HealthMonitor {
 public:
  using Checked = std::function<void(HealthResult)>;
  struct Events {
    std::function<void(Checked)> check;  // asks once; answers once, within the interval or a second
    std::function<void()> up;
    std::function<void(const std::string& why)> down;
    std::function<void()> restarted;
  };

  HealthMonitor(net::Loop& loop, std::chrono::milliseconds interval, std::chrono::milliseconds down_after,
                Events events);
  ~HealthMonitor();

  void start();
  void look_now();  // something looked wrong: check at once
  bool is_up() const { return state_ == State::kUp; }

 private:
  enum class State { kUnknown, kUp, kDown };

  void check();
  void checked(const HealthResult& result);
  void check_in(std::chrono::milliseconds delay);
  void set_down(const std::string& why);

  std::chrono::milliseconds interval_, down_after_;
  Events events_;
  boost::asio::steady_timer timer_;
  State state_ = State::kUnknown;
  bool checking_ = false;
  bool again_ = false;
  std::string instance_;
  net::Clock::time_point last_healthy_;
  net::Clock::time_point refused_since_ = net::Clock::time_point::max();
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace ringside::adapters
