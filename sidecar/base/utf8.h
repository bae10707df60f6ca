// UTF-8, one character after another (RFC 3629: no surrogates, nothing overlong).
#pragma once

#include <optional>
#include <string_view>

namespace ringside::base {

// Takes one character off the front of what is not empty. Nothing, and one byte gone: no character begins there.
std::optional<char32_t> take_character(std::string_view& text);

bool is_utf8(std::string_view bytes);

// What could end a line, move a terminal's cursor, or turn the direction of writing.
bool is_control(char32_t character);

}  // namespace ringside::base
