// The TOML file of --config: plain keys, each with a string, a whole number, a bool, or a list of strings.
#pragma once

#include <string>
#include <vector>

namespace ringside::config {

struct FileEntry {
  std::string key;
  std::vector<std::string> values;  // as they would be written behind a flag
  std::string origin;               // "file PATH line N"
  bool is_list = false;
};

// What cannot be read is added to `errors`, one full sentence each, and left out.
std::vector<FileEntry> parse_config_file(const std::string& path, const std::string& text,
                                         std::vector<std::string>& errors);

}  // namespace ringside::config
