#include "sidecar/config/load.h"

#include <algorithm>
#include <array>
#include <map>
#include <sstream>

#include <unistd.h>

#include "sidecar/base/text.h"
#include "sidecar/config/config_file.h"
#include "sidecar/config/read_file.h"
#include "sidecar/config/schema.h"
#include "sidecar/config/values.h"

extern char** environ;

namespace ringside::config {
namespace {

constexpr std::string_view kEnvironmentPrefix = "RINGSIDE_";

// In error texts a value is on one line, and not long.
std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 200;
  return "\"" + base::readable(text, kMost) + "\"";
}

std::string did_you_mean(std::string_view wrong, std::string (*spelled)(std::string_view)) {
  const std::string near = nearest_option(wrong);
  return near.empty() ? "" : "; did you mean " + spelled(near) + "?";
}

// RINGSIDE_PORT, RINGSIDE_SERVICE_HOST, RINGSIDE_PORT_1337_TCP_ADDR: such as the kubelet makes from the name of a
// Service. No setting ends so.
bool is_of_a_service(const std::string& variable) {
  constexpr std::string_view kPort = "_PORT_";
  if (variable.ends_with("_PORT") || variable.ends_with("_SERVICE_HOST")) return true;
  const std::size_t port = variable.find(kPort);
  if (port == std::string::npos) return false;
  const char next = (variable + " ")[port + kPort.size()];
  return variable.find("_SERVICE_PORT_") != std::string::npos || (next >= '0' && next <= '9');
}

std::vector<std::string> split_words(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string refusal_of(const Option& option, std::string_view value, const std::string& origin,
                       const std::string& why) {
  return flag_name(option.name) + ": " + shown(value) + " (" + origin + ") " + why + "; allowed: " + option.allowed;
}

const Effective& effective_of(const Loaded& loaded, std::string_view name) {
  return *std::find_if(loaded.effective.begin(), loaded.effective.end(),
                       [&](const Effective& each) { return each.name == name; });
}

class Loader {
 public:
  explicit Loader(const Sources& sources) : sources_(sources) {}

  base::Result<Loaded, Errors> run() {
    read_flags();
    read_environment();
    read_file();
    for (const Option& option : schema()) resolve(option);
    if (loaded_.settings.tls_key.empty()) loaded_.settings.tls_key = loaded_.settings.tls_cert;
    if (errors_.empty()) check_together();
    if (!errors_.empty()) return base::Error(std::move(errors_));
    return std::move(loaded_);
  }

 private:
  struct Found {
    std::vector<std::string> values;
    std::string origin;
  };

  void read_flags() {
    const auto& arguments = sources_.arguments;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::string& argument = arguments[i];
      if (!argument.starts_with("--")) {
        errors_.push_back(shown(argument) + " is not a flag; settings are given as --name value");
        continue;
      }
      const std::size_t equals = argument.find('=');
      const std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
      const Option* option = find_option(name);
      if (option == nullptr) {
        errors_.push_back("--" + name + " is not a setting" + did_you_mean(name, flag_name) +
                          " (ringside help settings lists them all)");
        // What follows is taken for its value, so that one mistake is reported once.
        if (equals == std::string::npos && i + 1 < arguments.size() && !arguments[i + 1].starts_with("--")) ++i;
        continue;
      }
      std::string value = "true";
      if (equals != std::string::npos) {
        value = argument.substr(equals + 1);
      } else if (!option->is_switch) {
        if (i + 1 == arguments.size() || arguments[i + 1].starts_with("--")) {
          errors_.push_back("--" + name + ": needs a value; allowed: " + option->allowed);
          continue;
        }
        value = arguments[++i];
      }
      Found& found = flags_[name];
      found.origin = "flag --" + name;
      if (!found.values.empty() && !option->repeatable) {
        errors_.push_back("--" + name + ": given twice, " + shown(found.values[0]) + " and " + shown(value));
        continue;
      }
      found.values.push_back(std::move(value));
    }
  }

  void read_environment() {
    std::map<std::string, std::string_view> known;
    for (const Option& option : schema()) known[environment_name(option.name)] = option.name;
    std::vector<std::string> of_services;
    for (const auto& [variable, value] : sources_.environment) {
      if (!variable.starts_with(kEnvironmentPrefix)) continue;
      const auto option = known.find(variable);
      if (option == known.end() && is_of_a_service(variable)) {
        of_services.push_back(variable);
      } else if (option == known.end()) {
        warn_unknown_variable(variable);
      } else if (!value.empty()) {  // an empty variable is one that is not set: manifests leave such behind
        const bool several = find_option(option->second)->repeatable;
        environment_[std::string(option->second)] = {several ? split_words(value) : std::vector{value},
                                                     "environment " + variable};
      }
    }
    if (!of_services.empty()) {
      const std::size_t more = of_services.size() - 1;
      loaded_.warnings.push_back(
          (more == 0 ? of_services[0] + " is"
                     : of_services[0] + " and " + base::counted(more, "more variable") + " are") +
          " set, but not a setting: Kubernetes makes such variables from the name of a Service. With "
          "enableServiceLinks: false in the Pod's spec it makes none");
    }
  }

  void warn_unknown_variable(const std::string& variable) {
    std::string name;
    for (const char c : variable.substr(kEnvironmentPrefix.size())) {
      name += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    loaded_.warnings.push_back(variable + " is set, but is not a setting" + did_you_mean(name, environment_name));
  }

  void read_file() {
    const Found* config = find("config");
    if (config == nullptr) return;
    const std::string& path = config->values[0];
    const auto text = sources_.read_file(path);
    if (!text) {
      errors_.push_back("--config: " + shown(path) + " (" + config->origin + ") cannot be read: " + text.error());
      return;
    }
    for (FileEntry& entry : parse_config_file(path, *text, errors_)) {
      const Option* option = find_option(entry.key);
      if (option == nullptr || entry.key == "config") {
        errors_.push_back(entry.origin + ": " + shown(entry.key) + " is not a setting of the file" +
                          did_you_mean(entry.key, [](std::string_view near) { return std::string(near); }));
      } else if (entry.is_list && !option->repeatable) {
        errors_.push_back(entry.origin + ": " + entry.key +
                          " takes one value, not a list; allowed: " + option->allowed);
      } else {
        file_[entry.key] = {std::move(entry.values), entry.origin};
      }
    }
  }

  const Found* find(std::string_view name) const {
    for (const auto* source : {&flags_, &environment_, &file_}) {
      const auto found = source->find(name);
      if (found != source->end() && !found->second.values.empty()) return &found->second;
    }
    return nullptr;
  }

  Found find_or_default(const Option& option) const {
    if (const Found* found = find(option.name)) return *found;
    if (option.name == "host") {
      for (const auto& [variable, value] : sources_.environment) {
        if (variable == "POD_IP" && !value.empty()) return {{value}, "environment POD_IP"};
      }
      return {{sources_.machine_name}, "the machine's host name"};
    }
    return {option.repeatable         ? split_words(option.fallback)
            : option.fallback.empty() ? std::vector<std::string>{}
                                      : std::vector{std::string(option.fallback)},
            "default"};
  }

  void resolve(const Option& option) {
    Found found = find_or_default(option);
    std::string joined;
    for (const std::string& value : found.values) {
      const auto read = option.read(value, loaded_.settings);
      if (!read) errors_.push_back(refusal_of(option, value, found.origin, read.error()));
      joined += (joined.empty() ? "" : " ") + value;
    }
    loaded_.effective.push_back({std::string(option.name), std::move(joined), std::move(found.origin)});
  }

  // What is right by itself, but not beside another setting.
  void refuse_beside(std::string_view name, const std::string& why) {
    const Effective& effective = effective_of(loaded_, name);
    errors_.push_back(flag_name(name) + ": " + shown(effective.value) + " (" + effective.origin + ") " + why);
  }

  void check_together() {
    const Settings& settings = loaded_.settings;
    if (settings.dead_after <= settings.ping_interval)
      refuse_beside("dead-after", "must be longer than --ping-interval");
    if (settings.default_timeout > settings.max_timeout) {
      refuse_beside("default-timeout", "must not be longer than --max-timeout");
    }
    if (settings.queue_bytes < settings.max_message) {
      refuse_beside("queue-bytes", "must not be smaller than --max-message: the largest message would never fit");
    }
    if (settings.app && !settings.app_allow_non_loopback && !is_beside_us(*settings.app)) {
      refuse_beside("app",
                    "is not on this machine: the application is meant to be beside its sidecar, where nobody else "
                    "reaches it; allowed: an address such as 127.0.0.1 or [::1], localhost, or a Unix socket, or "
                    "anything with --app-allow-non-loopback");
    }
    if (settings.peer_tls != core::PeerTlsMode::kOff) {
      const bool key_may_lack = settings.tls_cert.empty() && settings.tls_key.empty();
      if (settings.tls_cert.empty() && settings.tls_roots.empty()) {
        refuse_beside("peer-tls", std::string("needs --tls-cert, --tls-roots") +
                                      (key_may_lack ? ", and --tls-key where the key is in a file of its own" : ""));
      } else if (settings.tls_cert.empty()) {
        refuse_beside("peer-tls", "needs --tls-cert as well, for this host's certificate");
      } else if (settings.tls_roots.empty()) {
        refuse_beside("peer-tls", "needs --tls-roots as well, to check the certificates of others");
      }
    }
    if (!settings.local_allow_non_loopback && !std::all_of(settings.local.begin(), settings.local.end(), is_loopback)) {
      refuse_beside("local",
                    "is not a loopback address: whoever reaches it may call any actor and drain this host; allowed: "
                    "127.0.0.1:PORT, [::1]:PORT or unix:PATH, or anything with --local-allow-non-loopback");
    }
  }

  const Sources& sources_;
  std::map<std::string, Found, std::less<>> flags_, environment_, file_;
  Loaded loaded_;
  Errors errors_;
};

}  // namespace

base::Result<Loaded, Errors> load(const Sources& sources) { return Loader(sources).run(); }

bool Loaded::given(std::string_view name) const {
  return std::any_of(effective.begin(), effective.end(),
                     [&](const Effective& each) { return each.name == name && each.origin != "default"; });
}

std::string Loaded::refusal(std::string_view name, std::string_view value, const std::string& why) const {
  return refusal_of(*find_option(name), value, effective_of(*this, name).origin, why);
}

Sources process_sources(std::vector<std::string> arguments) {
  Sources sources;
  sources.arguments = std::move(arguments);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      sources.environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0) sources.machine_name = name.data();
  sources.read_file = [](const std::string& path) {
    constexpr std::size_t kMaxFile = std::size_t{1} << 20;
    return read_file(path, kMaxFile);
  };
  return sources;
}

}  // namespace ringside::config
