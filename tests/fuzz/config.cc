// The file of --config with the flags: the first line of an input is a command line, the rest the file.
#include <algorithm>
#include <string>
#include <vector>

#include "sidecar/base/check.h"
#include "sidecar/config/config_file.h"
#include "sidecar/config/load.h"
#include "tests/fuzz/target.h"

namespace ringside::fuzz {

void config_file(std::string_view input) {
  // Of Debian's toml++ (3.3.0) a letter beyond ASCII outside of texts reaches what it takes for unreachable. The file
  // is the operator's own, and what is compiled says that the letter is wrong; but no sanitizer can look on.
  if (std::any_of(input.begin(), input.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) return;
  Input lines(input);
  config::Sources sources;
  sources.machine_name = "machine";
  std::string_view words = lines.line();
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    sources.arguments.emplace_back(word);
    words.remove_prefix(std::min(words.size(), word.size() + 1));
  }
  const std::string text(lines.rest());
  sources.arguments.insert(sources.arguments.end(), {"--config", "/f"});
  sources.read_file = [&](const std::string&) -> base::Result<std::string, std::string> { return text; };
  const auto loaded = config::load(sources);
  if (!loaded) {
    RINGSIDE_CHECK(!loaded.error().empty());
    for (const std::string& why : loaded.error()) RINGSIDE_CHECK(!why.empty());
  }
  std::vector<std::string> errors;
  config::parse_config_file("/f", text, errors);
}

}  // namespace ringside::fuzz
