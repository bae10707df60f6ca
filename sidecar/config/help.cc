// The schema as people read it: on the terminal, and as docs/settings.md.

#include <string>

#include "sidecar/config/load.h"
#include "sidecar/config/schema.h"

namespace ringside::config {
namespace {

std::string default_shown(const Option& option) {
  if (option.name == "host") return "$POD_IP, else the host name";
  return option.fallback.empty() ? "none" : std::string(option.fallback);
}

// Breaks at spaces, with an indent before each line.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  while (!text.empty()) {
    std::size_t end = text.size();
    if (end > width - indent) {
      end = text.rfind(' ', width - indent);
      if (end == std::string_view::npos) end = std::min(text.find(' '), text.size());
    }
    out += std::string(indent, ' ') + std::string(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return out;
}

// A | inside of a cell would end it.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

}  // namespace

std::string settings_help() {
  std::string out =
      "Settings of `ringside serve`. Precedence: flag, environment, file (--config), default.\n"
      "--drain-timeout 25s = RINGSIDE_DRAIN_TIMEOUT=25s = drain-timeout = \"25s\" in the file.\n"
      "In the environment several values are separated by spaces, and an empty variable counts as not set.\n";
  std::string_view section;
  for (const Option& option : schema()) {
    if (option.section != section) {
      section = option.section;
      out += "\n" + std::string(section) + "\n";
    }
    out += "  " + flag_name(option.name);
    if (!option.argument.empty()) out += " " + std::string(option.argument);
    out += "  (default: " + default_shown(option) + (option.repeatable ? "; repeatable" : "") + ")\n";
    out += wrapped(option.help, 6, 100);
    out += wrapped("Allowed: " + option.allowed + ".", 6, 100);
  }
  return out;
}

std::string settings_markdown() {
  std::string out =
      "# Settings\n\n"
      "Written from the schema in `sidecar/config/schema.cc`; a test holds the two equal (`REWRITE_DOCS=1 ./run test "
      "-R "
      "config` writes it anew).\n\n"
      "Each setting is a flag (`--drain-timeout 25s`), an environment variable (`RINGSIDE_DRAIN_TIMEOUT=25s`) and a "
      "key of "
      "the TOML file named by `--config` (`drain-timeout = \"25s\"`).\n"
      "Precedence: flag, environment, file, default; nothing is merged between them. Repeatable settings are a "
      "repeated "
      "flag, words separated by spaces in the environment, and a list in the file.\n"
      "An empty variable counts as not set. An unknown `RINGSIDE_*` variable is a warning, since Kubernetes makes such "
      "out "
      "of service names; an unknown flag or key is an error.\n"
      "`ringside config` tells what is in force at a sidecar, and where each setting came from.\n"
      "A wrong value ends the program with exit status 2 and names the setting, what was given, where it came from and "
      "what "
      "is allowed.\n\n"
      "Durations carry units: `500ms`, `30s`, `5m`, `1h30m`. So do sizes: `512B`, `64KiB`, `4MiB`, `1GiB`.\n";
  std::string_view section;
  for (const Option& option : schema()) {
    if (option.section != section) {
      section = option.section;
      out += "\n## " + std::string(section) + "\n\n| flag | default | meaning | allowed |\n|---|---|---|---|\n";
    }
    out += "| `" + flag_name(option.name) + (option.argument.empty() ? "" : " " + std::string(option.argument)) + "`";
    out += std::string(option.repeatable ? ", repeatable" : "") + " | ";
    out += option.fallback.empty() ? default_shown(option) : "`" + default_shown(option) + "`";
    out += " | " + cell(option.help) + " | " + cell(option.allowed) + " |\n";
  }
  return out;
}

}  // namespace ringside::config
