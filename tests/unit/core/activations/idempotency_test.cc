#include "sidecar/core/activations/idempotency.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

TEST(IdempotencyWindow, RemembersTheFirstAnswer) {
  IdempotencyWindow window;
  window.remember({"k", Outcome::kApplied, "first", 7});
  window.remember({"k", Outcome::kRefused, "second", 8});
  ASSERT_TRUE(window.find("k"));
  EXPECT_EQ(window.find("k")->result, "first");
  EXPECT_EQ(window.find("k")->fingerprint, Fingerprint(7));
  EXPECT_FALSE(window.find("other"));
}

TEST(IdempotencyWindow, TheOldestGoFirst) {
  IdempotencyWindow window;
  for (std::size_t i = 0; i <= IdempotencyWindow::kMaxEntries; ++i) {
    window.remember({std::to_string(i), Outcome::kApplied, "", 1});
  }
  EXPECT_FALSE(window.find("0"));
  EXPECT_TRUE(window.find("1"));
  window.remember({"large", Outcome::kApplied, std::string(IdempotencyWindow::kMaxBytes - 64, 'x'), 1});
  EXPECT_FALSE(window.find("1")) << "bounded by bytes as well";
  EXPECT_TRUE(window.find("large"));
}

TEST(IdempotencyWindow, OfOneThatIsTooLargeIsKeptThatItWas) {
  IdempotencyWindow window;
  window.remember({"k", Outcome::kApplied, std::string(IdempotencyWindow::kMaxBytes, 'x'), 7, 9});
  const auto known = window.find("k");
  ASSERT_TRUE(known);
  EXPECT_EQ(known->outcome, Outcome::kUnknown);
  EXPECT_EQ(known->fingerprint, Fingerprint(7));
  EXPECT_TRUE(known->result.empty());
  EXPECT_EQ(known->leads_to, kNoPlace);
}

TEST(IdempotencyWindow, OneSmallAnswerTakesLittle) {
  IdempotencyWindow window;
  window.remember({"6ba7b810-9dad-11d1-80b4-00c04fd430c8", Outcome::kApplied, "a reply of thirty bytes or so.", 1});
  EXPECT_LE(window.held(), 192U);
  EXPECT_EQ(window.all().size(), 1U);
}

}  // namespace
}  // namespace ringside::core
