#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "sidecar/config/load.h"
#include "sidecar/config/schema.h"

namespace ringside::config {
namespace {

TEST(Help, TheDocumentIsTheSchema) {
  if (std::getenv("REWRITE_DOCS") != nullptr) std::ofstream(SETTINGS_DOC) << settings_markdown();
  std::ostringstream text;
  text << std::ifstream(SETTINGS_DOC).rdbuf();
  EXPECT_EQ(text.str(), settings_markdown()) << "REWRITE_DOCS=1 ./run test -R config writes it anew";
}

TEST(Help, NamesEverySetting) {
  const std::string help = settings_help();
  for (const Option& option : schema()) {
    EXPECT_NE(help.find("  " + flag_name(option.name)), std::string::npos) << option.name;
  }
}

TEST(Help, FitsATerminal) {
  std::istringstream lines(settings_help());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

}  // namespace
}  // namespace ringside::config
