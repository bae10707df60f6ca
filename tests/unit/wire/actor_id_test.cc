#include "sidecar/wire/actor_id.h"

#include <gtest/gtest.h>

#include "sidecar/core/hash.h"

namespace ringside::wire {
namespace {

TEST(ActorId, Numbers) {
  EXPECT_EQ(parse_actor("42")->id, core::ActorId(42));
  EXPECT_EQ(parse_actor("42")->name, "");
  EXPECT_EQ(parse_actor("18446744073709551615")->id, core::ActorId(UINT64_MAX));
}

TEST(ActorId, WhatIsNone) {
  for (const char* bad : {"", "0", "00", "042", "+42", "-1", "%2B42", "4 2", "42 ", "0x2a", "18446744073709551616",
                          "99999999999999999999999", "abc", "4.2", "1e3", "Name:x", "%zz"}) {
    const auto actor = parse_actor(bad);
    ASSERT_FALSE(actor) << bad;
    EXPECT_EQ(actor.error().outcome, core::Outcome::kInvalid) << bad;
    EXPECT_EQ(actor.error().reason, core::Reason::kBadId) << bad;
  }
}

TEST(ActorId, Names) {
  const auto actor = parse_actor("name:caf%C3%A9");
  ASSERT_TRUE(actor);
  EXPECT_EQ(actor->name, "caf\xc3\xa9");
  EXPECT_EQ(actor->id, core::id_of_name("caf\xc3\xa9"));
  EXPECT_EQ(parse_actor("name%3Aa%2Fb")->name, "a/b");
  EXPECT_FALSE(parse_actor("name:"));
  EXPECT_FALSE(parse_actor("name:%FF"));
  EXPECT_FALSE(parse_actor("name:" + std::string(kMaxActorName + 1, 'x')));
}

}  // namespace
}  // namespace ringside::wire
