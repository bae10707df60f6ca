#include "sidecar/core/membership/back_probes.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

using Added = BackProbes::Added;
using For = WaitingRequest::For;

TEST(BackProbes, OnePingServesAllThatWaitForTheSameHost) {
  BackProbes probes;
  EXPECT_EQ(probes.add("b", {For::kJoin, ReplyId(1), 10}), Added::kFirst);
  EXPECT_EQ(probes.add("b", {For::kClosing, ReplyId(2), 10}), Added::kWaits);
  EXPECT_EQ(probes.add("c", {For::kLeave, ReplyId(3), 30}), Added::kFirst);
  const std::vector<WaitingRequest> waited = probes.take("b");
  ASSERT_EQ(waited.size(), 2U);
  EXPECT_EQ(waited[0].token, ReplyId(1));
  EXPECT_EQ(waited[0].what, For::kJoin);
  EXPECT_EQ(waited[1].token, ReplyId(2));
  EXPECT_EQ(waited[1].what, For::kClosing);
  EXPECT_TRUE(probes.take("b").empty()) << "each request is given back once";
  EXPECT_EQ(probes.add("b", {For::kJoin, ReplyId(4), 11}), Added::kFirst) << "the next needs a ping of its own";
}

TEST(BackProbes, ThoseFromElsewhereLeaveRoomForTheOthers) {
  BackProbes probes;
  for (std::size_t i = 0; i < 2 * BackProbes::kMostFromElsewhere; ++i) {
    const Added added = probes.add("stranger-" + std::to_string(i), {For::kJoin, ReplyId(i + 1), 1, true});
    EXPECT_EQ(added, i < BackProbes::kMostFromElsewhere ? Added::kFirst : Added::kNoRoom) << i;
  }
  EXPECT_EQ(probes.add("b", {For::kJoin, ReplyId(1000), 1}), Added::kFirst);
}

TEST(BackProbes, BothDimensionsAreBounded) {
  BackProbes probes;
  for (std::size_t i = 0; i < BackProbes::kMost; ++i) {
    EXPECT_EQ(probes.add("b", {For::kJoin, ReplyId(i + 1), 1}), i == 0 ? Added::kFirst : Added::kWaits);
  }
  EXPECT_EQ(probes.add("b", {For::kJoin, ReplyId(999), 1}), Added::kNoRoom);
  for (std::size_t i = 1; i < BackProbes::kMost; ++i) {
    EXPECT_EQ(probes.add("host-" + std::to_string(i), {For::kLeave, ReplyId(1000 + i), 1}), Added::kFirst);
  }
  EXPECT_EQ(probes.add("one-too-many", {For::kLeave, ReplyId(2000), 1}), Added::kNoRoom);
  EXPECT_TRUE(probes.take("one-too-many").empty()) << "whatever is refused leaves nothing behind";
  EXPECT_EQ(probes.take("b").size(), BackProbes::kMost);
  EXPECT_EQ(probes.add("one-too-many", {For::kLeave, ReplyId(2000), 1}), Added::kFirst);
}

}  // namespace
}  // namespace ringside::core
