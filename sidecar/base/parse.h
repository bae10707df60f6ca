// Numbers in text. Whoever reads more than a number behind the digits uses std::from_chars itself.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace ringside::base {

// The number that all of `text` is, in decimal digits, with a minus where T has one: "8080". Nothing: it is anything
// else, or more than T holds.
template <std::integral T>
std::optional<T> parse_whole(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace ringside::base
