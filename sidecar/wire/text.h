// Text as it stands in addresses: percent-encoding (RFC 3986 §2.1) and UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringside::wire {

// Everything but unreserved characters, and those of `keep`, as %XX.
std::string percent_encode(std::string_view text, std::string_view keep = {});
// Nothing: a percent sign without two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);

bool is_utf8(std::string_view bytes);  // RFC 3629: no surrogates, nothing overlong

// For a sentence about what came from outside: at most 300 bytes, visible ASCII, a question mark for the rest.
std::string printable(std::string text);

// "a=1&b=2" by name, decoded ('+' is itself). Nothing: there is no such parameter, or it is badly encoded.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

}  // namespace ringside::wire
