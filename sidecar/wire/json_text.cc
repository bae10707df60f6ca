#include "sidecar/wire/json_text.h"

#include <nlohmann/json.hpp>

namespace ringside::wire {

std::string dump(const nlohmann::json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace ringside::wire
