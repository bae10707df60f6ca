// GET /v1/config: the settings in force, and where each came from.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ringside::local {

// Settings hold paths of keys, and never what is in them.
struct Setting {
  std::string name;    // of the flag, without dashes
  std::string value;   // several by spaces; empty: none
  std::string source;  // "default", "flag --x", "environment RINGSIDE_X", "file PATH line N"
};

// `log_level`: of this moment, which may be another one than was set at the start.
nlohmann::json config_view(const std::vector<Setting>& settings, const std::string& host, const std::string& version,
                           const std::string& log_level);

}  // namespace ringside::local
