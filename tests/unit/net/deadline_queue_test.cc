#include "sidecar/net/deadline_queue.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/net/net_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;

class Deadlines : public testing::LoopTest {
 protected:
  std::vector<int> expired;
};

TEST_F(Deadlines, ExpireInTheirOrder) {
  DeadlineQueue<int> queue(loop, [this](int id) { expired.push_back(id); });
  const auto now = Clock::now();
  queue.add(now + 3ms, 3);
  queue.add(now + 1ms, 1);
  queue.add(now + 2ms, 2);
  queue.add(now + 1ms, 4);
  queue.remove(now + 2ms, 2);
  ASSERT_TRUE(run_until([this] { return expired.size() == 3; }));
  EXPECT_EQ(expired, (std::vector<int>{1, 4, 3}));
}

TEST_F(Deadlines, MayBeAddedToByWhatExpires) {
  std::unique_ptr<DeadlineQueue<int>> queue;
  queue = std::make_unique<DeadlineQueue<int>>(loop, [&](int id) {
    expired.push_back(id);
    if (id < 3) queue->add(Clock::now(), id + 1);
  });
  queue->add(Clock::now(), 1);
  ASSERT_TRUE(run_until([this] { return expired.size() == 3; }));
  queue->add(Clock::now(), 7);
  queue->clear();
  settle();
  EXPECT_EQ(expired, (std::vector<int>{1, 2, 3}));
}

TEST_F(Deadlines, MayEndWithWhatExpires) {
  std::unique_ptr<DeadlineQueue<int>> queue;
  queue = std::make_unique<DeadlineQueue<int>>(loop, [&](int id) {
    queue.reset();
    expired.push_back(id);
  });
  const auto now = Clock::now();
  for (int id = 1; id <= 3; ++id) queue->add(now, id);
  ASSERT_TRUE(run_until([this] { return !expired.empty(); }));
  settle();
  EXPECT_EQ(expired, std::vector<int>{1});
}

}  // namespace
}  // namespace ringside::net
