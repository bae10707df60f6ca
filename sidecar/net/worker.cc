#include "sidecar/net/worker.h"

#include <utility>

#include <boost/asio/post.hpp>

#include "sidecar/base/check.h"

namespace ringside::net {

Worker::Worker(Loop& loop) : loop_(loop) {}

Worker::~Worker() {
  thread_.stop();
  thread_.join();
}

void Worker::run(std::size_t bytes, absl::AnyInvocable<void()> work, absl::AnyInvocable<void()> done) {
  RINGSIDE_CHECK(has_room(bytes));
  bytes_ += bytes;
  auto tell = life_.bind([this, bytes, done = std::move(done)]() mutable {
    bytes_ -= bytes;
    done();
  });
  boost::asio::post(thread_, [&loop = loop_, work = std::move(work), tell = std::move(tell)]() mutable {
    work();
    loop.post_from_thread(std::move(tell));
  });
}

}  // namespace ringside::net
