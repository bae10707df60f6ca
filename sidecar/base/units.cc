#include "sidecar/base/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace ringside::base {
namespace {

constexpr std::int64_t kMaxMs = std::int64_t{10'000} * 3'600'000;
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 60;

struct Unit {
  std::string_view name;
  std::uint64_t size;
};
constexpr std::array<Unit, 4> kTimes{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 4> kSizes{{{"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"B", 1}}};

// Takes the leading digits off `text`; nullopt where there is none or their number does not fit.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

// "1.5" is 15 of 10.
struct Decimal {
  std::uint64_t value;
  std::uint64_t scale;
};

std::optional<Decimal> take_decimal(std::string_view& text) {
  constexpr std::size_t kMostDigits = 7;  // the shortest unit's share of the longest one
  const auto whole = take_number(text);
  if (!whole || !text.starts_with('.')) return whole ? std::optional<Decimal>({*whole, 1}) : std::nullopt;
  text.remove_prefix(1);
  const std::size_t before = text.size();
  const auto fraction = take_number(text);
  const std::size_t digits = before - text.size();
  if (!fraction || digits > kMostDigits || *whole > static_cast<std::uint64_t>(kMaxMs)) return std::nullopt;
  std::uint64_t scale = 1;
  for (std::size_t i = 0; i < digits; ++i) scale *= 10;
  return Decimal{*whole * scale + *fraction, scale};
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t total = 0;
  std::size_t next_unit = 0;  // units fall: what was used, and what is larger, is over
  while (!text.empty()) {
    const auto number = take_decimal(text);
    if (!number) return std::nullopt;
    const std::size_t letters = std::min(
        text.size(),
        static_cast<std::size_t>(std::find_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) -
                                 text.begin()));
    const std::string_view name = text.substr(0, letters);
    while (next_unit < kTimes.size() && kTimes[next_unit].name != name) ++next_unit;
    if (next_unit == kTimes.size()) return std::nullopt;
    const std::uint64_t unit = kTimes[next_unit++].size;
    if (number->value > static_cast<std::uint64_t>(kMaxMs) / unit * number->scale) return std::nullopt;
    if (number->value * unit % number->scale != 0) return std::nullopt;
    total += number->value * unit / number->scale;
    text.remove_prefix(letters);
  }
  if (total > static_cast<std::uint64_t>(kMaxMs)) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(total));
}

std::string format_duration(std::chrono::milliseconds value) {
  auto left = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
  if (left == 0) return "0s";
  // 2500ms reads better than 2s500ms.
  if (left < 60'000 && left % 1'000 != 0) return std::to_string(left) + "ms";
  std::string out;
  for (const Unit& unit : kTimes) {
    if (left >= unit.size) out += std::to_string(left / unit.size) + std::string(unit.name);
    left %= unit.size;
  }
  return out;
}

std::optional<std::size_t> parse_size(std::string_view text) {
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  const auto unit = std::find_if(kSizes.begin(), kSizes.end(), [&](const Unit& each) { return each.name == text; });
  if (unit == kSizes.end() || *number > kMaxBytes / unit->size) return std::nullopt;
  return *number * unit->size;
}

std::string format_size(std::size_t bytes) {
  for (const Unit& unit : kSizes) {
    if (bytes >= unit.size && bytes % unit.size == 0) {
      return std::to_string(bytes / unit.size) + std::string(unit.name);
    }
  }
  return "0B";
}

}  // namespace ringside::base
