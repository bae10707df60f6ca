// Flags, environment and file into one checked `Settings`. Pure: what it reads is handed in.
// Precedence: flag, environment (RINGSIDE_*), file (--config, TOML), default.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sidecar/base/result.h"
#include "sidecar/config/settings.h"

namespace ringside::config {

struct Sources {
  std::vector<std::string> arguments;  // after `serve`
  std::vector<std::pair<std::string, std::string>> environment;
  std::string machine_name;  // the default of --host where POD_IP is not set
  // The file's text; the error says why it cannot be read.
  std::function<base::Result<std::string, std::string>(const std::string& path)> read_file;
};

// One setting as it came out, for the start line and /status.
struct Effective {
  std::string name;
  std::string value;
  std::string origin;  // "default", "flag --x", "environment RINGSIDE_X", "file PATH line N"
};

struct Loaded {
  Settings settings;
  std::vector<Effective> effective;   // in the schema's order, all of them
  std::vector<std::string> warnings;  // unknown RINGSIDE_* variables

  // Not left at its default. What is not, may be bent to the machine (no IPv6: the default listeners do without).
  bool given(std::string_view name) const;

  // The sentence about a value that only its use has shown to be wrong.
  std::string refusal(std::string_view name, std::string_view value, const std::string& why) const;
};

// What is wrong, one full sentence each, every one of them at once. The exit status that belongs to it is 2.
using Errors = std::vector<std::string>;

base::Result<Loaded, Errors> load(const Sources& sources);

// The same from this process: its environment, files and host name.
Sources process_sources(std::vector<std::string> arguments);

// What `ringside help settings` prints, and the table of docs/settings.md.
std::string settings_help();
std::string settings_markdown();

}  // namespace ringside::config
