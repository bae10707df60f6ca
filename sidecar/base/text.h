// Text as it stands in addresses, and what came from outside as it is shown: percent-encoding (RFC 3986 §2.1), and what
// is safe to look at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringside::base {

// Everything but unreserved characters, and those of `keep`, as %XX.
std::string percent_encode(std::string_view text, std::string_view keep = {});
// Nothing: a percent sign without two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);

// As a person may see it, in one line: control characters, and bytes that are not UTF-8, become question marks. What is
// longer than `most` bytes is cut, and ends in "...".
std::string readable(std::string_view text, std::size_t most = std::string_view::npos);

// The same in several lines, which may have tabs.
std::string readable_lines(std::string_view text);
// What a peer or an app said, as it is told on: readable, and cut where nobody would read on (1 KiB).
std::string told(std::string_view text);

// "1 call", "2 calls".
std::string counted(std::uint64_t number, std::string_view noun);

// "a=1&b=2" by name, decoded ('+' is itself). Nothing: there is no such parameter, or it is badly encoded.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);
// What is wrong with a query whose parameters may be these, each once: "?snice: the parameters are since and after".
// Empty: nothing is.
std::string check_query(std::string_view query, const std::vector<std::string_view>& allowed);

}  // namespace ringside::base
