#include "sidecar/config/config_file.h"

#include <array>
#include <charconv>
#include <optional>

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
// Its assertions end the process, in builds that have them, over a file that is merely wrong: "[&a]".
#define TOML_ASSERT(expr) static_assert(true)
#include <toml++/toml.h>

namespace ringside::config {
namespace {

// As it would stand on the command line: 0.5, and not 0.500000.
std::string shortest(double number) {
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), number);
  return {text.data(), written.ptr};
}

// nullopt: a date, a table or a nested list; none of them is a setting.
std::optional<std::string> scalar(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* fraction = node.as_floating_point()) return shortest(fraction->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  return std::nullopt;
}

}  // namespace

std::vector<FileEntry> parse_config_file(const std::string& path, const std::string& text,
                                         std::vector<std::string>& errors) {
  std::vector<FileEntry> entries;
  const toml::parse_result parsed = toml::parse(text, path);
  const auto origin = [&](const toml::source_region& at) {
    return "file " + path + " line " + std::to_string(at.begin.line);
  };
  if (!parsed) {
    errors.push_back(origin(parsed.error().source()) + ": " + std::string(parsed.error().description()));
    return entries;
  }
  for (const auto& [key, node] : parsed.table()) {
    FileEntry entry{std::string(key.str()), {}, origin(node.source()), node.is_array()};
    bool readable = true;
    const auto take = [&](const toml::node& value) {
      if (auto written = scalar(value)) {
        entry.values.push_back(std::move(*written));
      } else {
        readable = false;
      }
    };
    if (const auto* list = node.as_array()) {
      for (const toml::node& value : *list) take(value);
    } else {
      take(node);
    }
    if (readable) {
      entries.push_back(std::move(entry));
    } else {
      errors.push_back(entry.origin + ": " + entry.key +
                       " is neither a string, a number, true, false nor a list of strings; settings are plain keys, " +
                       "for example drain-timeout = \"25s\"");
    }
  }
  return entries;
}

}  // namespace ringside::config
