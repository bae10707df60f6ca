#include "sidecar/wire/actor_id.h"

#include <gtest/gtest.h>

#include "sidecar/core/hash.h"

namespace ringside::wire {
namespace {

TEST(ActorId, Numbers) {
  ActorRef actor;
  EXPECT_EQ(parse_actor("42", actor), std::nullopt);
  EXPECT_EQ(actor.id, 42u);
  EXPECT_EQ(actor.name, "");
  EXPECT_EQ(parse_actor("18446744073709551615", actor), std::nullopt);
  EXPECT_EQ(actor.id, ~core::ActorId{0});
}

TEST(ActorId, WhatIsNone) {
  ActorRef actor;
  for (const char* bad : {"", "0", "00", "042", "+42", "-1", "%2B42", "4 2", "42 ", "0x2a", "18446744073709551616",
                          "99999999999999999999999", "abc", "4.2", "1e3", "Name:x", "%zz"}) {
    const auto refusal = parse_actor(bad, actor);
    ASSERT_TRUE(refusal) << bad;
    EXPECT_EQ(refusal->outcome, core::Outcome::kInvalid) << bad;
    EXPECT_EQ(refusal->reason, core::Reason::kBadId) << bad;
    EXPECT_EQ(actor.id, 0u) << bad;
  }
}

TEST(ActorId, Names) {
  ActorRef actor;
  EXPECT_EQ(parse_actor("name:caf%C3%A9", actor), std::nullopt);
  EXPECT_EQ(actor.name, "caf\xc3\xa9");
  EXPECT_EQ(actor.id, core::id_of_name("caf\xc3\xa9"));
  EXPECT_EQ(parse_actor("name%3Aa%2Fb", actor), std::nullopt);
  EXPECT_EQ(actor.name, "a/b");
  EXPECT_TRUE(parse_actor("name:", actor));
  EXPECT_TRUE(parse_actor("name:%FF", actor));
  EXPECT_TRUE(parse_actor("name:" + std::string(kMaxActorName + 1, 'x'), actor));
}

}  // namespace
}  // namespace ringside::wire
