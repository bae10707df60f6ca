// JSON as the text that goes out.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ringside::wire {

// Bytes in it that are not UTF-8 become U+FFFD: what came from outside never makes an answer impossible. Characters
// that move a terminal's cursor, or turn the direction of writing, are escaped: the same text, and safe to look at.
std::string dump(const nlohmann::json& json, int indent = -1);

}  // namespace ringside::wire
