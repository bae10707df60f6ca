#include "sidecar/core/host_event.h"

#include <fstream>
#include <map>
#include <regex>
#include <string>

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

// The first cell of a row of docs/events.md: `quorum_lost`, `quorum_back` | or `turn_timeout` * |
TEST(HostEvent, EachKindIsDocumentedAndNoOther) {
  std::map<std::string, bool> documented;  // whether it comes in bursts
  std::ifstream file(SOURCE_DIR "/docs/events.md");
  const std::regex row(R"(^\| (`[a-z_]+`(?:, `[a-z_]+`)*)( \*)? \|.*)");
  const std::regex word("`([a-z_]+)`");
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    const std::string cell = match[1];
    for (std::sregex_iterator at(cell.begin(), cell.end(), word), end; at != end; ++at) {
      EXPECT_TRUE(documented.emplace((*at)[1], match[2].matched).second) << "twice: " << (*at)[1];
    }
  }
  EXPECT_EQ(documented.size(), static_cast<std::size_t>(kEventKinds));
  for (int i = 0; i < kEventKinds; ++i) {
    const auto kind = static_cast<EventKind>(i);
    ASSERT_TRUE(documented.contains(to_string(kind))) << "not in docs/events.md: " << to_string(kind);
    EXPECT_EQ(documented[to_string(kind)], comes_in_bursts(kind)) << to_string(kind);
  }
}

}  // namespace
}  // namespace ringside::core
