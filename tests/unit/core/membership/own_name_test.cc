#include "sidecar/core/membership/own_name.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

Instant at(int ms) { return Instant(Duration(ms * 1000)); }

TEST(OwnName, TheLastRunsAreThisProcess) {
  OwnName name;
  for (std::uint64_t run = 1; run <= OwnName::kRunsRemembered; ++run) name.begin_run(Generation(run * 10));
  EXPECT_TRUE(name.is_this_process(10)) << "what it asked may still be on its way";
  EXPECT_TRUE(name.is_this_process(80));
  EXPECT_FALSE(name.is_this_process(85)) << "another host of this name";
  EXPECT_FALSE(name.is_this_process(0)) << "a legacy host states no generation";
  name.begin_run(90);
  EXPECT_FALSE(name.is_this_process(10)) << "only so many are remembered";
  EXPECT_TRUE(name.is_this_process(90));
}

TEST(OwnName, ATwinIsNewsOnceAndIsForgottenWhenItFallsSilent) {
  OwnName name;
  EXPECT_FALSE(name.has_twin(at(0)));
  EXPECT_TRUE(name.hear_twin(at(0)));
  EXPECT_FALSE(name.hear_twin(at(1000))) << "known";
  EXPECT_TRUE(name.has_twin(at(4000)));
  EXPECT_FALSE(name.has_twin(at(4001)));
  EXPECT_TRUE(name.hear_twin(at(5000))) << "news again";
}

TEST(OwnName, TheNextRunIsAboveWhateverWasDeclaredDead) {
  OwnName name;
  EXPECT_EQ(name.least_generation(), Generation());
  name.must_exceed(100);
  EXPECT_EQ(name.least_generation(), Generation(101));
  name.must_exceed(50);
  EXPECT_EQ(name.least_generation(), Generation(101));
}

TEST(OwnNameDeathTest, GenerationsGrow) {
  OwnName name;
  name.begin_run(20);
  EXPECT_DEATH(name.begin_run(20), "this cannot happen");
}

}  // namespace
}  // namespace ringside::core
