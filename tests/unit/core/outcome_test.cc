#include "sidecar/core/outcome.h"

#include <fstream>
#include <regex>
#include <set>

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

TEST(Outcome, WordsReadBack) {
  for (int i = 0; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    EXPECT_EQ(parse_outcome(to_string(outcome)), outcome);
  }
  for (int i = 0; i < kReasons; ++i) {
    const auto reason = static_cast<Reason>(i);
    EXPECT_EQ(parse_reason(to_string(reason)), reason) << to_string(reason);
  }
  EXPECT_EQ(parse_outcome("APPLIED"), std::nullopt);
  EXPECT_EQ(parse_reason(""), std::nullopt);
}

TEST(Outcome, EveryReasonIsInTheDocumentWithWhoHasToAct) {
  std::ifstream file(SOURCE_DIR "/docs/reasons.md");
  const std::regex row(R"(^\| `([a-z-]+)` \| (\w+) \|.*)");
  std::set<std::string> documented;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    documented.insert(match[1]);
    const auto reason = parse_reason(match[1].str());
    ASSERT_TRUE(reason) << "not in the code: " << match[1];
    EXPECT_EQ(to_string(blame(*reason)), match[2].str()) << match[1];
  }
  for (int i = 1; i < kReasons; ++i) {
    const std::string word(to_string(static_cast<Reason>(i)));
    EXPECT_TRUE(documented.contains(word)) << "not in docs/reasons.md: " << word;
  }
}

}  // namespace
}  // namespace ringside::core
