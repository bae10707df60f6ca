// Work that would keep the loop from everything else for too long, done in steps: one step in each loop iteration, at
// most. Jobs under the same key are done one after another, in order, and those of different keys a step each, so that
// whoever has much to say holds up himself alone. Loop thread only; what is left at its end is dropped.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "sidecar/base/lifetime.h"
#include "sidecar/net/transport.h"

namespace ringside::peer {

class LoopScheduler {
 public:
  using Step = std::function<bool()>;  // true: there is more to do

  explicit LoopScheduler(net::Loop& loop) : loop_(loop) {}

  void add(const std::string& key, Step step) {
    std::deque<Step>& jobs = jobs_[key];
    jobs.push_back(std::move(step));
    ++size_;
    if (jobs.size() == 1) order_.push_back(key);
    if (size_ == 1) post();
  }
  bool has(const std::string& key) const { return jobs_.contains(key); }
  std::size_t size() const { return size_; }

 private:
  void post() {
    loop_.post(life_.bind([this] { run(); }));
  }

  void run() {
    const std::string key = std::move(order_.front());
    order_.pop_front();
    Step step = std::move(jobs_[key].front());
    const bool more = step();
    std::deque<Step>& jobs = jobs_[key];  // a step may have added to it
    if (more) {
      jobs.front() = std::move(step);
    } else {
      jobs.pop_front();
      --size_;
    }
    if (jobs.empty()) {
      jobs_.erase(key);
    } else {
      order_.push_back(key);
    }
    if (size_ != 0) post();
  }

  net::Loop& loop_;
  std::map<std::string, std::deque<Step>> jobs_;
  std::deque<std::string> order_;  // keys that have jobs
  std::size_t size_ = 0;
  base::Lifetime life_;  // last
};

}  // namespace ringside::peer
