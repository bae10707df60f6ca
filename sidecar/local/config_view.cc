#include "sidecar/local/config_view.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "sidecar/base/text.h"

namespace ringside::local {

nlohmann::json config_view(const std::vector<Setting>& settings, const std::string& host, const std::string& version,
                           const std::string& log_level) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Setting& setting : settings) {
    rows.push_back({{"name", setting.name},
                    {"value", base::readable(setting.value)},
                    {"source", base::readable(setting.source)},
                    {"is_default", setting.source == "default"}});
  }
  return {{"view_of", host}, {"version", version}, {"log_level", log_level}, {"settings", std::move(rows)}};
}

}  // namespace ringside::local
