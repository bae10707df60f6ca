#include "sidecar/net/listener/connection_slots.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using Client = ConnectionSlots::Client;

class Slots : public ::testing::Test {
 protected:
  bool take(Client client, const std::string& address = "") { return slots_.take(++last_, client, address, now_); }

  Clock::time_point now_{};
  std::shared_ptr<Budget> budget_ = std::make_shared<Budget>(8);
  std::vector<ConnectionSlots::Id> dropped_;
  ConnectionSlots slots_{budget_, [this](ConnectionSlots::Id id) {
                           dropped_.push_back(id);
                           slots_.give_back(id);
                         }};
  ConnectionSlots::Id last_ = 0;
};

TEST_F(Slots, TheOldestThatHasAskedNothingForASecondMakesRoom) {
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(take(Client::kAny));
  EXPECT_FALSE(take(Client::kAny));
  slots_.has_asked(1);
  now_ += 1s;
  EXPECT_TRUE(take(Client::kAny));
  EXPECT_EQ(dropped_, std::vector<ConnectionSlots::Id>{2});
  for (ConnectionSlots::Id id = 3; id <= last_; ++id) slots_.has_asked(id);
  now_ += 1s;
  EXPECT_FALSE(take(Client::kAny));
  slots_.give_back(1);
  EXPECT_TRUE(take(Client::kAny));
  EXPECT_EQ(budget_->used(), 8U);
}

TEST_F(Slots, OneAddressHasHalfAndStrangersThreeQuarters) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(take(Client::kStranger, "a"));
    slots_.has_asked(last_);
  }
  EXPECT_FALSE(take(Client::kStranger, "a"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(take(Client::kStranger, "b"));
    slots_.has_asked(last_);
  }
  EXPECT_FALSE(take(Client::kStranger, "c"));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(take(Client::kKnown, "d"));
  EXPECT_FALSE(take(Client::kKnown, "d")) << "all are taken";
  slots_.give_back(1);
  EXPECT_TRUE(take(Client::kStranger, "c"));
}

TEST_F(Slots, WhoIsKnownGetsTheSlotOfASilentStrangerAndGivesUpNone) {
  EXPECT_TRUE(take(Client::kKnown, "d"));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(take(Client::kStranger, "a"));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(take(Client::kStranger, "b"));
  EXPECT_TRUE(take(Client::kKnown, "d"));
  now_ += 1s;
  EXPECT_TRUE(take(Client::kKnown, "d"));
  EXPECT_EQ(dropped_, std::vector<ConnectionSlots::Id>{2});
}

TEST_F(Slots, AnAddressMakesRoomForItself) {
  EXPECT_TRUE(take(Client::kStranger, "b"));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(take(Client::kStranger, "a"));
  now_ += 1s;
  EXPECT_TRUE(take(Client::kStranger, "a"));
  EXPECT_EQ(dropped_, std::vector<ConnectionSlots::Id>{2}) << "its own oldest, and not that of b";
}

}  // namespace
}  // namespace ringside::net
