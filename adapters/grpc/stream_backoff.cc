#include "adapters/grpc/stream_backoff.h"

#include <utility>

namespace ringside::adapters {
namespace {

// A stream that ends sooner is not opened again at once.
constexpr std::chrono::seconds kShortLife{1};
constexpr std::chrono::milliseconds kLeastRest{50};
constexpr std::chrono::milliseconds kMostRest{1'000};

}  // namespace

StreamBackoff::StreamBackoff(net::Loop& loop, std::function<double()> random, std::function<void()> over)
    : over_(std::move(over)), backoff_(kLeastRest, kMostRest, std::move(random)), timer_(loop) {}

void StreamBackoff::opened() { opened_ = net::Clock::now(); }

void StreamBackoff::ended() {
  const auto now = net::Clock::now();
  if (now - opened_ < kShortLife) {
    until_ = now + backoff_.next();
  } else {
    backoff_.reset();
  }
}

void StreamBackoff::reset() {
  backoff_.reset();
  until_ = {};
}

void StreamBackoff::wait() {
  if (std::exchange(waits_, true)) return;
  timer_.at(until_, [this] {
    waits_ = false;
    over_();
  });
}

}  // namespace ringside::adapters
