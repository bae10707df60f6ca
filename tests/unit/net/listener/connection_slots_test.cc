#include "sidecar/net/listener/connection_slots.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ringside::net {
namespace {

using Client = ConnectionSlots::Client;

class Slots : public ::testing::Test {
 protected:
  // As a listener does it: whoever has a slot waits for its client, unless it is known.
  bool take(Client client, const std::string& address = "") {
    const ConnectionSlots::Id id = ++last_;
    if (!slots_.take(id, client, address)) return false;
    places_[id] = std::make_unique<YieldOrder::Place>(yields_, address, [this, id] {
      dropped_.push_back(id);
      slots_.give_back(id);
    });
    if (client != Client::kKnown) places_[id]->wait(YieldOrder::Wait::kSilent);
    return true;
  }
  void has_asked(ConnectionSlots::Id id) { places_.at(id)->stop(); }

  std::shared_ptr<Budget> budget_ = std::make_shared<Budget>(8);
  std::shared_ptr<YieldOrder> yields_ = std::make_shared<YieldOrder>();
  std::vector<ConnectionSlots::Id> dropped_;
  ConnectionSlots slots_{budget_, yields_};
  std::map<ConnectionSlots::Id, std::unique_ptr<YieldOrder::Place>> places_;
  ConnectionSlots::Id last_ = 0;
};

TEST_F(Slots, TheOldestThatHasAskedNothingMakesRoom) {
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(take(Client::kAny));
  has_asked(1);
  EXPECT_TRUE(take(Client::kAny));
  EXPECT_EQ(dropped_, std::vector<ConnectionSlots::Id>{2});
  for (ConnectionSlots::Id id = 3; id <= last_; ++id) has_asked(id);
  EXPECT_FALSE(take(Client::kAny));
  slots_.give_back(1);
  EXPECT_TRUE(take(Client::kAny));
  EXPECT_EQ(budget_->used(), 8U);
}

TEST_F(Slots, OneAddressHasHalfAndStrangersThreeQuarters) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(take(Client::kStranger, "a"));
    has_asked(last_);
  }
  EXPECT_FALSE(take(Client::kStranger, "a"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(take(Client::kStranger, "b"));
    has_asked(last_);
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
  EXPECT_TRUE(take(Client::kKnown, "d"));
  EXPECT_EQ(dropped_, std::vector<ConnectionSlots::Id>{2}) << "of the address that has most";
}

TEST_F(Slots, AnAddressMakesRoomForItself) {
  EXPECT_TRUE(take(Client::kStranger, "b"));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(take(Client::kStranger, "a"));
  EXPECT_TRUE(take(Client::kStranger, "a"));
  EXPECT_EQ(dropped_, std::vector<ConnectionSlots::Id>{2}) << "its own oldest, and not that of b";
}

}  // namespace
}  // namespace ringside::net
