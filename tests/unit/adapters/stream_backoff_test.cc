#include "adapters/grpc/stream_backoff.h"

#include "tests/unit/net/net_test_support.h"

namespace ringside::adapters {
namespace {

class Rest : public net::testing::LoopTest {
 protected:
  void open_for_a_moment() {
    backoff.opened();
    backoff.ended();
  }

  int over = 0;
  StreamBackoff backoff{loop, {}, [this] { ++over; }};
};

TEST_F(Rest, TheFirstStreamWaitsForNothing) { EXPECT_FALSE(backoff.rests()); }

TEST_F(Rest, FollowsAStreamThatEndsAtOnceAndIsToldOnce) {
  open_for_a_moment();
  EXPECT_TRUE(backoff.rests());
  backoff.wait();
  backoff.wait();
  ASSERT_TRUE(run_until([this] { return over > 0; }));
  EXPECT_FALSE(backoff.rests());
  open_for_a_moment();
  backoff.wait();
  ASSERT_TRUE(run_until([this] { return over > 1; }));
  EXPECT_EQ(over, 2) << "once for each rest";
}

TEST_F(Rest, EndsWhereAnotherProcessWillTakeTheStream) {
  open_for_a_moment();
  backoff.reset();
  EXPECT_FALSE(backoff.rests());
}

}  // namespace
}  // namespace ringside::adapters
