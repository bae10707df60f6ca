#include "sidecar/core/idempotency.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

TEST(IdempotencyWindow, RemembersTheFirstAnswer) {
  IdempotencyWindow window;
  window.remember({"k", Outcome::kApplied, "first"});
  window.remember({"k", Outcome::kRefused, "second"});
  ASSERT_NE(window.find("k"), nullptr);
  EXPECT_EQ(window.find("k")->result, "first");
  EXPECT_EQ(window.find("other"), nullptr);
}

TEST(IdempotencyWindow, TheOldestGoFirst) {
  IdempotencyWindow window;
  for (std::size_t i = 0; i <= IdempotencyWindow::kMaxEntries; ++i) {
    window.remember({std::to_string(i), Outcome::kApplied, ""});
  }
  EXPECT_EQ(window.find("0"), nullptr);
  EXPECT_NE(window.find("1"), nullptr);
  window.remember({"large", Outcome::kApplied, std::string(IdempotencyWindow::kMaxBytes - 5, 'x')});
  EXPECT_EQ(window.find("1"), nullptr) << "bounded by bytes as well";
  EXPECT_NE(window.find("large"), nullptr);
  window.remember({"too large", Outcome::kApplied, std::string(IdempotencyWindow::kMaxBytes, 'x')});
  EXPECT_EQ(window.find("too large"), nullptr);
}

}  // namespace
}  // namespace ringside::core
