#include "sidecar/core/activations/turns.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

constexpr Instant kStart{Duration{3'600'000'000}};

Call nobody_waits() { return {}; }
Call a_turn_waits() {
  Call call;
  call.chain = "41:5f3a09c1";
  return call;
}

// Of the actor with that number, for a call of its own.
void begin(Turns& turns, std::uint64_t number) {
  turns.begin(TurnId(number), ActorId(number), CallId(100 + number), kStart);
}

TEST(Turns, EndOnce) {
  Turns turns(2, 4);
  begin(turns, 1);
  EXPECT_EQ(turns.at(TurnId(1)).call, CallId(101));
  turns.forget_caller(TurnId(1));
  const auto ended = turns.end(TurnId(1), kStart);
  ASSERT_TRUE(ended);
  EXPECT_FALSE(ended->call);
  EXPECT_FALSE(turns.end(TurnId(1), kStart));
  EXPECT_EQ(turns.find(TurnId(1)), nullptr);
}

TEST(Turns, WhatTurnsWaitForFindsRoomBeyondTheBoundOfTheOthers) {
  Turns turns(2, 4);
  struct Row {
    std::size_t under_way;
    bool plain, nested, none;
  };
  const Row rows[] = {
      {0, true, true, false},  {1, true, true, false},  {2, false, true, false},
      {3, false, true, false}, {4, false, false, true},
  };
  for (const Row& row : rows) {
    while (turns.size() < row.under_way) begin(turns, turns.size() + 1);
    EXPECT_EQ(turns.has_room_for(nobody_waits()), row.plain) << row.under_way;
    EXPECT_EQ(turns.has_room_for(a_turn_waits()), row.nested) << row.under_way;
    EXPECT_EQ(turns.has_room_for_none(), row.none) << row.under_way;
  }
}

TEST(Turns, WhereNoneEndsEverMoreMayBegin) {
  Turns turns(2, 16);
  begin(turns, 1);
  begin(turns, 2);
  begin(turns, 3);
  EXPECT_FALSE(turns.make_room(kStart)) << "nobody waits";
  turns.end(TurnId(3), kStart);
  turns.await_room(9);
  EXPECT_FALSE(turns.make_room(kStart + Duration(100'000))) << "one has just ended";
  EXPECT_FALSE(turns.has_room_for(nobody_waits()));
  Instant now = kStart + Duration(400'000);
  for (const std::size_t more : {1U, 2U, 4U, 8U, 14U, 14U}) {
    EXPECT_TRUE(turns.make_room(now));
    while (turns.has_room_for(nobody_waits())) begin(turns, 10 + turns.size());
    EXPECT_EQ(turns.size(), 2 + more);
  }
}

TEST(Turns, OnceThereIsRoomAgainTheBoundIsTheOldOne) {
  Turns turns(1, 8);
  begin(turns, 1);
  turns.await_room(9);
  ASSERT_TRUE(turns.make_room(kStart + Duration(400'000)));
  EXPECT_TRUE(turns.has_room_for(nobody_waits()));
  turns.end(TurnId(1), kStart + Duration(500'000));
  EXPECT_FALSE(turns.make_room(kStart + Duration(600'000)));
  begin(turns, 2);
  EXPECT_FALSE(turns.has_room_for(nobody_waits()));
}

TEST(Turns, WhoWaitsForRoomStandsInOrder) {
  Turns turns(1, 8);
  for (const ActorId id : {ActorId(5), ActorId(3), ActorId(4)}) turns.await_room(id);
  EXPECT_EQ(turns.awaiting_room().front(), ActorId(5));
  turns.pop_awaiting_room();
  EXPECT_EQ(turns.awaiting_room(), (std::deque<ActorId>{3, 4}));
}

}  // namespace
}  // namespace ringside::core
