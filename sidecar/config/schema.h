// The one table of all settings: flags, environment, file, help and docs/settings.md come from it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/base/result.h"
#include "sidecar/config/settings.h"

namespace ringside::config {

struct Option {
  std::string_view section;
  std::string_view name;      // of the flag, without dashes, and of the key in the file
  std::string_view argument;  // what stands for the value in help
  std::string_view fallback;  // default, as it would be written; several values by spaces; empty: none
  std::string allowed;        // "a duration such as 500ms ..., 10ms to 1h"
  std::string_view help;
  bool repeatable = false;
  bool is_switch = false;  // `--name` alone means true
  // Puts one value into the settings (a repeatable one: appends). The error says what is wrong with it, in half a
  // sentence.
  std::function<base::Result<void, std::string>(const std::string& value, Settings& settings)> read;
};

const std::vector<Option>& schema();  // in the order of help
const Option* find_option(std::string_view name);

std::string flag_name(std::string_view option);         // --drain-timeout
std::string environment_name(std::string_view option);  // RINGSIDE_DRAIN_TIMEOUT
std::string nearest_option(std::string_view wrong);     // the known name that was probably meant, or empty

}  // namespace ringside::config
