#include "sidecar/config/schema.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

#include "sidecar/base/nearest.h"
#include "sidecar/base/parse.h"
#include "sidecar/base/units.h"
#include "sidecar/config/values.h"

namespace ringside::config {
namespace {

using namespace std::chrono_literals;

using Done = base::Result<void, std::string>;

constexpr std::string_view kIdentity = "Who this sidecar is";
constexpr std::string_view kListeners = "Listeners";
constexpr std::string_view kMembership = "Membership";
constexpr std::string_view kSecurity = "TLS between hosts";
constexpr std::string_view kApplication = "The application";
constexpr std::string_view kTurns = "Actors and turns";
constexpr std::string_view kLogging = "Logging";

Option duration(std::string_view section, std::string_view name, std::string_view fallback,
                Milliseconds Settings::*field, Milliseconds least, Milliseconds most, std::string_view help) {
  Option option{section, name, "DURATION", fallback, "", help, false, false, nullptr};
  option.allowed = "a duration such as 500ms, 30s, 5m or 1h30m, from " + base::format_duration(least) + " to " +
                   base::format_duration(most);
  option.read = [=](const std::string& text, Settings& settings) -> Done {
    const auto value = base::parse_duration(text);
    if (!value) return base::Error("is not a duration");
    if (*value < least || *value > most) return base::Error("is out of range");
    settings.*field = *value;
    return {};
  };
  return option;
}

Option size(std::string_view section, std::string_view name, std::string_view fallback, std::size_t Settings::*field,
            std::size_t least, std::size_t most, std::string_view help) {
  Option option{section, name, "SIZE", fallback, "", help, false, false, nullptr};
  option.allowed =
      "a size such as 512B, 64KiB, 4MiB or 1GiB, from " + base::format_size(least) + " to " + base::format_size(most);
  option.read = [=](const std::string& text, Settings& settings) -> Done {
    const auto value = base::parse_size(text);
    if (!value) return base::Error("is not a size");
    if (*value < least || *value > most) return base::Error("is out of range");
    settings.*field = *value;
    return {};
  };
  return option;
}

template <class Number>
Option count(std::string_view section, std::string_view name, std::string_view fallback, Number Settings::*field,
             Number least, Number most, std::string_view help) {
  Option option{section, name, "N", fallback, "", help, false, false, nullptr};
  option.allowed = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  option.read = [=](const std::string& text, Settings& settings) -> Done {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) return base::Error("is out of range");
    if (error != std::errc() || end != text.data() + text.size()) return base::Error("is not a whole number");
    if (value < least || value > most) return base::Error("is out of range");
    settings.*field = value;
    return {};
  };
  return option;
}

template <class Enum, std::size_t N>
Option choice(std::string_view section, std::string_view name, Enum Settings::*field,
              const std::array<std::pair<const char*, Enum>, N>& words, std::string_view help) {
  Option option{section, name, "WORD", words[0].first, "one of", help, false, false, nullptr};
  for (const auto& [word, value] : words) option.allowed += std::string(" ") + word;
  option.read = [=](const std::string& text, Settings& settings) -> Done {
    for (const auto& [word, value] : words) {
      if (text != word) continue;
      settings.*field = value;
      return {};
    }
    return base::Error("is not a known word");
  };
  return option;
}

// A value with a reader of its own (values.h), put where `put` says.
template <class T>
Option value(std::string_view section, std::string_view name, std::string_view argument, std::string_view fallback,
             std::string allowed, bool repeatable, Read<T> (*reader)(std::string_view), void (*put)(T, Settings&),
             std::string_view help) {
  return {section,
          name,
          argument,
          fallback,
          std::move(allowed),
          help,
          repeatable,
          false,
          [=](const std::string& text, Settings& settings) -> Done {
            Read<T> result = reader(text);
            if (!result) return base::Error(result.error());
            put(std::move(*result), settings);
            return {};
          }};
}

Read<std::string> read_short_name(std::string_view text) {
  const bool fits = !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (std::isalnum(c) != 0) || c == '-' || c == '_' || c == '.';
  });
  if (!fits) return base::Error("is not a name that is allowed");
  return std::string(text);
}

// In thousandths, so that every host computes the same ring.
Read<std::uint32_t> read_weight(std::string_view text) {
  const std::size_t point = text.find('.');
  const bool has_point = point != std::string_view::npos;
  std::string whole(text.substr(0, point));
  std::string decimals(has_point ? text.substr(point + 1) : "0");
  const bool fits = !whole.empty() && whole.size() <= 2 && !decimals.empty() && decimals.size() <= 3;
  decimals.resize(3, '0');
  const auto weight = base::parse_whole<std::uint32_t>(whole + decimals);
  if (!fits || !weight) return base::Error("is not such a number");
  if (*weight < 100 || *weight > 10'000) return base::Error("is out of range");
  return *weight;
}

Read<std::string> read_health_service(std::string_view text) {
  const bool fits = !text.empty() && text.size() <= 120 &&
                    std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!fits) return base::Error("is not the name of a service");
  return std::string(text);
}

Read<std::string> read_health_path(std::string_view text) {
  const bool fits = text.starts_with('/') && text.size() <= 1024 &&
                    std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
  if (!fits) return base::Error("is not a path");
  return std::string(text);
}

Read<std::string> read_file_name(std::string_view text) {
  if (text.empty() || text.find('\0') != std::string_view::npos) return base::Error("is not a file name");
  return std::string(text);
}

Option on_off(std::string_view section, std::string_view name, bool Settings::*field, std::string_view help) {
  return {section,
          name,
          "",
          "false",
          "true or false",
          help,
          false,
          true,
          [=](const std::string& text, Settings& settings) -> Done {
            if (text != "true" && text != "false") return base::Error("is neither");
            settings.*field = text == "true";
            return {};
          }};
}

void add_identity_and_listeners(std::vector<Option>& all) {
  all.push_back(value<AnnouncedHost>(
      kIdentity, "host", "NAME", "", "a host name or IP address, with :PORT where it is not --peer's", false,
      read_announced_host,
      [](AnnouncedHost host, Settings& settings) {
        settings.host = std::move(host.name);
        settings.host_has_port = host.has_port;
      },
      "The name announced to the other hosts. Default: $POD_IP, else the machine's host name. The port of --peer is "
      "added "
      "where that is not 1337."));
  all.push_back(value<std::string>(
      kIdentity, "cluster", "NAME", "default", "1 to 63 letters, digits, and . _ -", false, read_short_name,
      [](std::string name, Settings& settings) { settings.cluster = std::move(name); },
      "One cluster for each kind of actor. Hosts of another cluster are refused."));
  all.push_back(value<std::string>(
      kIdentity, "zone", "NAME", "", "1 to 63 letters, digits, and . _ -", false, read_short_name,
      [](std::string name, Settings& settings) { settings.zone = std::move(name); },
      "The zone that this host fails with: a data centre, a rack. Told to the others, so that those that watch a host "
      "are in several (docs/kubernetes.md). None: not told."));
  all.push_back(count<std::uint32_t>(kIdentity, "points", "512", &Settings::points, 1, 16384,
                                     "Points on the ring of a host of weight 1; the same on every host of a cluster."));
  all.push_back(value<std::uint32_t>(
      kIdentity, "weight", "N", "1", "a number from 0.1 to 10, with at most three decimals", false, read_weight,
      [](std::uint32_t weight, Settings& settings) { settings.weight = weight; },
      "The share of all actors that this host takes, against one of weight 1. Where it is not 1, no host may be in the "
      "cluster that knows of no weights (docs/operations.md)."));

  all.push_back(value<TcpListen>(
      kListeners, "peer", "IP:PORT", "[::]:1337", "IP:PORT or [IPv6]:PORT; port 0 = the kernel's choice", false,
      read_tcp_listen, [](TcpListen at, Settings& settings) { settings.peer = std::move(at); },
      "Where the other hosts reach this one (gRPC)."));
  all.push_back(value<Listen>(
      kListeners, "local", "IP:PORT", "127.0.0.1:1380 [::1]:1380", "IP:PORT, [IPv6]:PORT or unix:PATH; loopback only",
      true, read_listen, [](Listen at, Settings& settings) { settings.local.push_back(std::move(at)); },
      "Where the app, callers on this pod and the other commands of ringside reach it (HTTP/1.1, HTTP/2 and gRPC on "
      "one "
      "port)."));
  all.push_back(on_off(kListeners, "local-allow-non-loopback", &Settings::local_allow_non_loopback,
                       "Lets --local listen on addresses that other machines reach. Whoever reaches it may call any "
                       "actor and drain this host."));
  all.push_back(value<std::string>(
      kListeners, "allow-host", "NAME", "", "a host name or IP address, without a port", true, read_allowed_host,
      [](std::string name, Settings& settings) { settings.allow_hosts.push_back(std::move(name)); },
      "A name that requests to the local listener may carry in their Host header, besides loopback ones."));
  all.push_back(value<TcpListen>(
      kListeners, "admin", "IP:PORT", "[::]:9137", "IP:PORT or [IPv6]:PORT; port 0 = the kernel's choice", false,
      read_tcp_listen, [](TcpListen at, Settings& settings) { settings.admin = std::move(at); },
      "Metrics, health and status (HTTP, read only)."));
}

void add_membership(std::vector<Option>& all) {
  all.push_back(value<JoinSource>(
      kMembership, "join", "SOURCE", "",
      "HOST[:PORT],HOST... or dns:NAME[:PORT] (dns:_service._tcp.NAME: SRV records) or k8s:SERVICE[.NAMESPACE][:PORT]",
      true, read_join, [](JoinSource source, Settings& settings) { settings.join.push_back(std::move(source)); },
      "Where other hosts are found. None: a cluster of one."));
  all.push_back(value<std::string>(
      kMembership, "dns-server", "IP[:PORT]", "", "an IP address, in brackets where it is IPv6, with or without a port",
      true, read_dns_server,
      [](std::string server, Settings& settings) { settings.dns_servers.push_back(std::move(server)); },
      "Asked instead of the servers of /etc/resolv.conf."));
  all.push_back(duration(kMembership, "join-timeout", "10s", &Settings::join_timeout, 10ms, 1h,
                         "How long a joining host waits for a listed one that does not answer. For one that answers it "
                         "waits as long as answers come."));
  all.push_back(count<std::uint32_t>(kMembership, "min-members", "1", &Settings::min_members, 1, 10'000,
                                     "Hosts that must be there before the first one is ready. Where it is given, also "
                                     "as 1, a source of --join that names nobody keeps nobody waiting."));
  all.push_back(count<std::uint32_t>(kMembership, "quorum", "0", &Settings::quorum, 0, 10'000,
                                     "With fewer members than this, a host stops serving at once. 0 = off."));
  all.push_back(duration(kMembership, "ping-interval", "500ms", &Settings::ping_interval, 10ms, 1min,
                         "How often each host is asked whether it lives."));
  all.push_back(duration(kMembership, "dead-after", "2500ms", &Settings::dead_after, 50ms, 10min,
                         "Silence after which a host counts as dead; refused connections count at once."));
  all.push_back(
      choice(kMembership, "peer-apply", &Settings::peer_apply,
             std::array<std::pair<const char*, PeerApply>, 2>{{{"route", PeerApply::kRoute}, {"own", PeerApply::kOwn}}},
             "What becomes of a peer's call for an id that nobody claims: route by our ring, or own it here "
             "(for clusters whose other hosts keep another ring)."));
  all.push_back(choice(kMembership, "legacy-peers", &Settings::legacy_peers,
                       std::array<std::pair<const char*, LegacyPeers>, 2>{
                           {{"accept", LegacyPeers::kAccept}, {"refuse", LegacyPeers::kRefuse}}},
                       "Whether hosts may join that do not name their cluster."));
}

Option file(std::string_view name, std::string Settings::*field, std::string_view help) {
  return {kSecurity,
          name,
          "FILE",
          "",
          "a file in PEM form",
          help,
          false,
          false,
          [=](const std::string& text, Settings& settings) -> Done {
            Read<std::string> read = read_file_name(text);
            if (!read) return base::Error(read.error());
            settings.*field = std::move(*read);
            return {};
          }};
}

Option identity(std::string_view name, std::vector<base::IdentityPattern> Settings::*field, std::string_view help) {
  return {kSecurity,
          name,
          "ID",
          "",
          "a SPIFFE id such as spiffe://example.org/ns/shop/sa/cart, one that ends in /* for all below it, or dns:NAME",
          help,
          true,
          false,
          [=](const std::string& text, Settings& settings) -> Done {
            auto read = base::IdentityPattern::parse(text);
            if (!read) return base::Error(read.error());
            (settings.*field).push_back(std::move(*read));
            return {};
          }};
}

void add_security(std::vector<Option>& all) {
  all.push_back(
      choice(kSecurity, "peer-tls", &Settings::peer_tls,
             std::array<std::pair<const char*, core::PeerTlsMode>, 4>{{{"off", core::PeerTlsMode::kOff},
                                                                       {"accept", core::PeerTlsMode::kAccept},
                                                                       {"send", core::PeerTlsMode::kSend},
                                                                       {"require", core::PeerTlsMode::kRequire}}},
             "TLS between hosts. accept: takes it and plaintext, and dials plaintext. send: takes both, and "
             "dials TLS. require: TLS only, both ways. A cluster goes from each to the next by a rolling "
             "restart."));
  all.push_back(file("tls-cert", &Settings::tls_cert,
                     "This host's certificate, and behind it what issued it. Read again every 5 s, and at SIGHUP."));
  all.push_back(file("tls-key", &Settings::tls_key, "Its private key. Default: the file of --tls-cert."));
  all.push_back(file("tls-roots", &Settings::tls_roots, "The roots by which other hosts' certificates are believed."));
  all.push_back(identity("member-id", &Settings::member_ids,
                         "Who may be a member. Default: whoever has the identity in this host's own certificate."));
  all.push_back(identity("caller-id", &Settings::caller_ids,
                         "Who may, besides, call actors and watch the members at --peer, and nothing else."));
  all.push_back(duration(kSecurity, "tls-wait", "30s", &Settings::tls_wait, 0ms, 1h,
                         "How long a start waits for files that are missing or not good yet."));
  all.push_back(duration(kSecurity, "tls-clock-skew", "1m", &Settings::tls_clock_skew, 0ms, 1h,
                         "How much too early or too late a certificate is still taken."));
  all.push_back(duration(kSecurity, "peer-connection-max-age", "24h", &Settings::peer_connection_max_age, 1s, 8760h,
                         "A connection under TLS that is older is replaced by a new one."));
}

void add_application(std::vector<Option>& all) {
  all.push_back(value<AppTarget>(
      kApplication, "app", "URL", "",
      "http://HOST[:PORT] or h2c://HOST[:PORT] (80 where none is given), grpc://HOST:PORT, http+unix:PATH, "
      "h2c+unix:PATH or grpc+unix:PATH",
      false, read_app, [](AppTarget app, Settings& settings) { settings.app = std::move(app); },
      "The application beside this sidecar. None: routes only, owns nothing, is not on the ring."));
  all.push_back(on_off(kApplication, "app-allow-non-loopback", &Settings::app_allow_non_loopback,
                       "Lets --app name an application on another machine, or in another container. What passes "
                       "between the two is then neither secret nor protected, and whoever reaches the application "
                       "reaches its actors past Ringside."));
  all.push_back(choice(
      kApplication, "app-body", &Settings::app_body,
      std::array<std::pair<const char*, AppBody>, 2>{{{"json", AppBody::kJson}, {"protobuf", AppBody::kProtobuf}}},
      "How batches are written to an HTTP app."));
  all.push_back(value<std::string>(
      kApplication, "descriptors", "FILE", "", "a file written by protoc --descriptor_set_out --include_imports", false,
      read_file_name, [](std::string path, Settings& settings) { settings.descriptors = std::move(path); },
      "Message types besides the well-known ones that JSON bodies may hold."));
  all.push_back(duration(kApplication, "app-health-interval", "1s", &Settings::app_health_interval, 10ms, 1min,
                         "How often the app's health is asked."));
  all.push_back(
      duration(kApplication, "app-down-after", "3s", &Settings::app_down_after, 10ms, 10min,
               "Failing health for so long takes the host off the ring; a refused connection does after 100 ms."));
  all.push_back(value<std::string>(
      kApplication, "app-health-path", "PATH", "/healthz", "a path that starts with /", false, read_health_path,
      [](std::string path, Settings& settings) { settings.app_health_path = std::move(path); },
      "What is asked of an HTTP app; 404, 405 and 501 count as healthy."));
  all.push_back(value<std::string>(
      kApplication, "app-health-service", "NAME", "", "a service's name, at most 120 characters", false,
      read_health_service, [](std::string name, Settings& settings) { settings.app_health_service = std::move(name); },
      "Whose health is asked of a gRPC app. None: the whole server's, and where it knows only named services, that of "
      "ringside.app.v1.ActorHost or messages.ControlPlane."));
}

void add_turns_and_logging(std::vector<Option>& all) {
  all.push_back(duration(kTurns, "actor-idle-timeout", "30m", &Settings::actor_idle_timeout, 10ms, 8760h,
                         "An actor without calls for so long is deactivated."));
  all.push_back(duration(kTurns, "default-timeout", "10s", &Settings::default_timeout, 1ms, 24h,
                         "The deadline of a call that brings none."));
  all.push_back(duration(kTurns, "max-timeout", "5m", &Settings::max_timeout, 1ms, 24h,
                         "The longest deadline a call may have; longer ones are shortened."));
  all.push_back(duration(kTurns, "turn-timeout", "60s", &Settings::turn_timeout, 10ms, 24h,
                         "How long one turn may keep the next one of the same actor waiting."));
  all.push_back(duration(kTurns, "hold-timeout", "2s", &Settings::hold_timeout, 0ms, 1min,
                         "The longest that a call waits for a change of owners."));
  all.push_back(
      duration(kTurns, "drain-timeout", "25s", &Settings::drain_timeout, 0ms, 24h, "The longest that a drain takes."));
  all.push_back(size(kTurns, "max-message", "4MiB", &Settings::max_message, 1024, 256u << 20,
                     "Bytes of one batch, or of one method call's body."));
  all.push_back(count<std::size_t>(kTurns, "queue-per-actor", "1000", &Settings::queue_per_actor, 1, 1'000'000,
                                   "Calls that may wait for one actor."));
  all.push_back(size(kTurns, "queue-bytes", "64MiB", &Settings::queue_bytes, 1024, std::size_t{64} << 30,
                     "Bytes of all calls that wait."));
  all.push_back(count<std::size_t>(kTurns, "max-actors-in-flight", "1000", &Settings::max_actors_in_flight, 1,
                                   1'000'000, "Actors that may have a turn under way at the same time."));

  all.push_back(choice(kLogging, "log-level", &Settings::log_level,
                       std::array<std::pair<const char*, core::Level>, 4>{{{"info", core::Level::kInfo},
                                                                           {"debug", core::Level::kDebug},
                                                                           {"warn", core::Level::kWarn},
                                                                           {"error", core::Level::kError}}},
                       "The least that is logged."));
  all.push_back(choice(
      kLogging, "log-format", &Settings::log_format,
      std::array<std::pair<const char*, LogFormat>, 2>{{{"logfmt", LogFormat::kLogfmt}, {"json", LogFormat::kJson}}},
      "One line an event, to standard error."));
  all.push_back({"The file", "config", "FILE", "", "a readable TOML file",
                 "Settings by the same names, for example drain-timeout = \"25s\". Flags and environment go first.",
                 false, false, [](const std::string&, Settings&) { return Done(); }});
}

}  // namespace

const std::vector<Option>& schema() {
  static const std::vector<Option> kAll = [] {
    std::vector<Option> all;
    add_identity_and_listeners(all);
    add_membership(all);
    add_security(all);
    add_application(all);
    add_turns_and_logging(all);
    return all;
  }();
  return kAll;
}

const Option* find_option(std::string_view name) {
  const auto& all = schema();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Option& option) { return option.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string flag_name(std::string_view option) { return "--" + std::string(option); }

std::string environment_name(std::string_view option) {
  std::string name = "RINGSIDE_";
  for (const char c : option) name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::string nearest_option(std::string_view wrong) {
  std::vector<std::string_view> names;
  for (const Option& option : schema()) names.push_back(option.name);
  return base::nearest_word(wrong, names);
}

}  // namespace ringside::config
