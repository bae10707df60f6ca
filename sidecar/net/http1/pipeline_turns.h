// Requests that wait behind others on their connections take turns: a few in each iteration of the loop, whatever the
// number of connections, so that all that is ready besides comes in between. Loop thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include <absl/functional/any_invocable.h>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>

#include "sidecar/net/transport.h"

namespace ringside::net {

class PipelineTurns : public boost::asio::execution_context::service {
 public:
  static constexpr std::size_t kAtOnce = 8;
  static boost::asio::execution_context::id id;

  explicit PipelineTurns(boost::asio::execution_context& context)
      : boost::asio::execution_context::service(context), loop_(static_cast<Loop&>(context)) {}

  // Runs `turn` in a later iteration, behind those that wait already.
  void wait(absl::AnyInvocable<void()> turn) {
    waiting_.push_back(std::move(turn));
    if (waiting_.size() == 1) run_soon();
  }

 private:
  void shutdown() override { waiting_.clear(); }

  void run_soon() {
    boost::asio::post(loop_, [this] { run(); });
  }

  void run() {
    for (std::size_t i = 0; i < kAtOnce && !waiting_.empty(); ++i) {
      auto turn = std::move(waiting_.front());
      turn();
      waiting_.pop_front();  // behind the turn: what it adds starts no second round
    }
    if (!waiting_.empty()) run_soon();
  }

  Loop& loop_;
  std::deque<absl::AnyInvocable<void()>> waiting_;
};

}  // namespace ringside::net
