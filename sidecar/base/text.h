// Text as it stands in addresses, and what came from outside as it is shown: percent-encoding (RFC 3986 §2.1), UTF-8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringside::base {

// Everything but unreserved characters, and those of `keep`, as %XX.
std::string percent_encode(std::string_view text, std::string_view keep = {});
// Nothing: a percent sign without two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);

bool is_utf8(std::string_view bytes);  // RFC 3629: no surrogates, nothing overlong

// As a person may see it: control characters, and bytes that are no UTF-8, become question marks.
std::string readable(std::string_view text);

// For a sentence about what came from outside: at most 300 bytes, visible ASCII, a question mark for the rest.
std::string printable(std::string text);

// "1 call", "2 calls".
std::string counted(std::uint64_t number, std::string_view noun);

// "a=1&b=2" by name, decoded ('+' is itself). Nothing: there is no such parameter, or it is badly encoded.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

}  // namespace ringside::base
