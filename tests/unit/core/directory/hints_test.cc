#include "sidecar/core/directory/hints.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

TEST(Hints, TheLastOneOfASlotIsKnown) {
  Hints hints(1);
  EXPECT_EQ(hints.find(7), nullptr);
  hints.put(7, "a");
  EXPECT_EQ(*hints.find(7), "a");
  hints.drop(8);
  EXPECT_EQ(*hints.find(7), "a") << "that was another actor";
  hints.put(8, "b");
  EXPECT_EQ(hints.find(7), nullptr) << "it had to give way";
  EXPECT_EQ(*hints.find(8), "b");
  hints.drop(8);
  EXPECT_EQ(hints.find(8), nullptr);
}

}  // namespace
}  // namespace ringside::core
