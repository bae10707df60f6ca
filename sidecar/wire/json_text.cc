#include "sidecar/wire/json_text.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include <nlohmann/json.hpp>

#include "sidecar/base/utf8.h"

namespace ringside::wire {
namespace {

// nlohmann escapes the control characters of ASCII; the others stand in texts, and nowhere else in JSON.
std::string with_controls_escaped(std::string json) {
  const auto beyond_ascii = [](char c) { return static_cast<unsigned char>(c) >= 0x7f; };
  if (std::none_of(json.begin(), json.end(), beyond_ascii)) return json;
  std::string out;
  out.reserve(json.size());
  for (std::string_view rest = json; !rest.empty();) {
    const std::string_view before = rest;
    const auto character = base::take_character(rest);
    if (character && *character >= 0x7f && base::is_control(*character)) {
      char escaped[7];  // all of them have four digits
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(*character) & 0xffffU);
      out += escaped;
    } else {
      out += before.substr(0, before.size() - rest.size());
    }
  }
  return out;
}

}  // namespace

std::string dump(const nlohmann::json& json, int indent) {
  return with_controls_escaped(json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace ringside::wire
