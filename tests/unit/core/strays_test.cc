#include "sidecar/core/strays.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

TEST(Strays, GoOnlyOnEvidenceAboutThatActivation) {
  Strays strays(10);
  ASSERT_TRUE(strays.put(1, {"a", 7}, 100));
  EXPECT_FALSE(strays.drop(1, "a", 99));
  EXPECT_FALSE(strays.drop(1, "b", 100));
  EXPECT_TRUE(strays.drop(1, "a", 100));
  Stray stray;
  EXPECT_FALSE(strays.find(1, stray));
}

TEST(Strays, TheNewerActivationReplacesTheOlder) {
  Strays strays(10);
  strays.put(1, {"a", 7}, 100);
  strays.put(1, {"b", 8}, 200);
  strays.put(1, {"a", 7}, 150);
  Stray stray;
  ASSERT_TRUE(strays.find(1, stray));
  EXPECT_EQ(stray.holder.host, "b");
  EXPECT_EQ(stray.epoch, 200U);
  EXPECT_EQ(strays.held_by("a"), 0U);
  EXPECT_EQ(strays.held_by("b"), 1U);
}

TEST(Strays, OfARunThatEndedVanishAndThoseOfTheNextStay) {
  Strays strays(10);
  strays.put(1, {"a", 7}, 100);
  strays.put(2, {"a", 8}, 100);
  strays.drop_run({"a", 7});
  Stray stray;
  EXPECT_FALSE(strays.find(1, stray));
  EXPECT_TRUE(strays.find(2, stray));
}

TEST(Strays, AreBounded) {
  Strays strays(2);
  EXPECT_TRUE(strays.put(1, {"a", 1}, 1));
  EXPECT_TRUE(strays.put(2, {"a", 1}, 1));
  EXPECT_FALSE(strays.put(3, {"a", 1}, 1));
  EXPECT_TRUE(strays.put(2, {"a", 1}, 2)) << "one that is known takes no more room";
  strays.keep_only([](ActorId id) { return id == 1; });
  EXPECT_EQ(strays.size(), 1U);
  EXPECT_EQ(strays.held_by("a"), 1U);
}

}  // namespace
}  // namespace ringside::core
