// The composition root: reads the settings, makes every part, joins them, runs the loop, and takes it all down again.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "sidecar/admin/admin_api.h"
#include "sidecar/cli/cli.h"
#include "sidecar/cli/version.h"
#include "sidecar/config/load.h"
#include "sidecar/config/read_file.h"
#include "sidecar/discovery/discovery.h"
#include "sidecar/events/bursts.h"
#include "sidecar/events/event_streams.h"
#include "sidecar/events/history.h"
#include "sidecar/local/local_api.h"
#include "sidecar/loop/signals.h"
#include "sidecar/net/grpc/grpc_server.h"
#include "sidecar/net/http2/http2_requests.h"
#include "sidecar/net/listener/listener.h"
#include "sidecar/peer/member_addresses.h"
#include "sidecar/peer/membership_watch.h"
#include "sidecar/peer/peer_client.h"
#include "sidecar/peer/peer_server.h"
#include "sidecar/peer_tls/peer_tls.h"
#include "sidecar/process/descriptor_shares.h"
#include "sidecar/process/memory_limit.h"
#include "sidecar/process/memory_return.h"
#include "sidecar/runtime/engine.h"
#include "sidecar/services/health.h"
#include "sidecar/services/reflection.h"
#include "sidecar/wire/apply_json.h"
#include "sidecar/wire/json_work.h"
#include "sidecar/wiring.h"

namespace ringside {
namespace {

constexpr int kUsage = 2;
constexpr std::size_t kLeastControlBytes = std::size_t{32} << 20;  // two of the largest questions of members
constexpr std::size_t kPartOfEventStreams = 4;                     // of the connections of a listener, at most
constexpr std::chrono::milliseconds kLastAnswers{1'000};  // for calls under way where a drain took all of its time

class Sidecar {
 public:
  Sidecar(net::Loop& loop, const config::Loaded& loaded, log::Log& log)
      : loop_(loop),
        loaded_(loaded),
        settings_(loaded.settings),
        log_(log),
        chance_(std::random_device{}()),
        history_([] {
          const auto wall = std::chrono::system_clock::now().time_since_epoch();
          return std::int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(wall).count()};
        }),
        bursts_(loop, history_),
        peer_tls_(loop, peer_tls_options(settings_, [this] { return jitter(); }), log, bursts_) {}

  // Reads what the settings name. The error says which one is wrong.
  base::Result<void, std::string> use_settings();

  // Waits for the files of --tls-*, at most --tls-wait. False: they are not good, which has been logged, or `stopping`
  // says that this process is to end.
  bool await_credentials(const bool& stopping);

  // Binds every listener, then builds what they serve. The error says why it cannot run.
  base::Result<void, std::string> start();

  // Drains, says good-bye, closes the listeners, ends the loop.
  void stop();

  // What can be read again is.
  void reload() { peer_tls_.reload(); }

 private:
  base::Result<void, std::string> open_listeners();
  base::Result<void, std::string> open(net::ListenerOptions options, bool optional);
  void apply_limits(net::ListenerOptions& options, const char* listener, std::size_t connections);
  void make_parts();
  void log_start();
  std::vector<std::string> other_members() const;
  double jitter() { return std::uniform_real_distribution<double>(0, 1)(chance_); }

  net::Loop& loop_;
  const config::Loaded& loaded_;
  const config::Settings& settings_;
  log::Log& log_;
  std::mt19937_64 chance_;
  events::History history_;
  events::Bursts bursts_;  // what happens comes here, and from here into the history
  peer_tls::PeerTls peer_tls_;
  wire::JsonWork json_{loop_};
  std::shared_ptr<net::Resolver> resolver_;
  std::shared_ptr<net::MethodTable> peer_methods_ = std::make_shared<net::MethodTable>();
  std::shared_ptr<net::MethodTable> local_methods_ = std::make_shared<net::MethodTable>();
  services::Health health_;
  services::Reflection reflection_;
  net::HttpHandler serve_local_, serve_admin_, serve_admin_when_full_;
  net::HttpErrorShaper shape_local_error_;
  process::DescriptorShares shares_;
  const std::optional<std::size_t> memory_ = process::memory_limit();
  std::vector<std::unique_ptr<net::Listener>> listeners_;  // peer, admin, local ones
  std::map<std::string, std::shared_ptr<admin::ListenerUse>> listener_use_;
  std::map<std::string, std::shared_ptr<net::Budget>> held_bytes_;
  std::map<std::string, std::shared_ptr<net::YieldOrder>> yields_;
  std::unique_ptr<runtime::Engine> engine_;
  std::unique_ptr<admin::Metrics> metrics_;
  std::unique_ptr<events::EventStreams> admin_events_, local_events_;  // each with a bound of its own
  std::unique_ptr<admin::AdminApi> admin_;
  std::unique_ptr<peer::MemberAddresses> member_addresses_;
  std::unique_ptr<peer::Speakers> speakers_;
  std::unique_ptr<peer::PeerClient> peer_client_;
  std::unique_ptr<peer::PeerServer> peer_server_;
  std::unique_ptr<peer::MembershipWatch> peer_watch_, local_watch_;  // each with a bound of its own
  std::unique_ptr<local::LocalApi> local_;
  std::unique_ptr<adapters::AppAdapter> app_;
  std::unique_ptr<discovery::Discovery> discovery_;
  bool stopping_ = false;
};

base::Result<void, std::string> Sidecar::start() {
  resolver_ = std::make_shared<net::Resolver>(loop_, resolver_options(settings_));
  shares_ = process::share_descriptors(process::descriptor_limit(), process::open_descriptors());
  if (auto opened = open_listeners(); !opened) return opened;
  make_parts();
  log_start();
  for (const auto& listener : listeners_) listener->start();
  discovery_->start();
  peer_tls_.start();
  engine_->start({peer_client_.get(), app_.get(), discovery_.get(), metrics_.get(), &bursts_, &peer_tls_});
  if (app_) app_->start();
  return {};
}

bool Sidecar::await_credentials(const bool& stopping) {
  constexpr std::chrono::milliseconds kAgain{200};
  const auto until = net::Clock::now() + settings_.tls_wait;
  for (bool told = false; !stopping;) {
    const auto loaded = peer_tls_.load();
    if (loaded) return true;
    if (net::Clock::now() >= until) {
      log_.error("cannot_start", {{"why", loaded.error()}});
      return false;
    }
    if (!std::exchange(told, true))
      log_.warn("tls_awaited", {{"why", loaded.error()}, {"at_most_ms", settings_.tls_wait}});
    // Nothing tells when files change that may lie on any kind of volume.
    net::Timer timer(loop_);
    bool again = false;
    timer.after(kAgain, [&again] { again = true; });
    while (!again && !stopping) loop_.run_once();
  }
  return false;
}

base::Result<void, std::string> Sidecar::use_settings() {
  if (auto found = find_kubernetes(loaded_); !found) return found;
  const std::string& path = settings_.descriptors;
  if (path.empty()) return {};
  constexpr std::size_t kMostOfDescriptors = std::size_t{64} << 20;
  const auto refuse = [this, &path](const std::string& why) {
    return base::Error(loaded_.refusal("descriptors", path, why));
  };
  const auto set = config::read_file(path, kMostOfDescriptors);
  if (!set) return refuse("cannot be read: " + set.error());
  if (const auto added = json_.add_descriptors(*set); !added) return refuse("cannot be used: " + added.error());
  return {};
}

// The peer listener first: its port is part of this host's name.
base::Result<void, std::string> Sidecar::open_listeners() {
  const auto incident = [this](std::string_view what, std::string_view from) {
    log_.warn("connection_refused", {{"why", what}, {"from", from}});
  };
  net::ListenerOptions peer;
  peer.address = to_endpoint(config::Listen(settings_.peer));
  peer.http2.emplace().service = net::serve_grpc({.methods = peer_methods_});
  peer.http2->is_known = [this](const std::string& address) { return member_addresses_->contains(address); };
  peer.on_incident = incident;
  peer.tls = peer_tls_.for_listener();
  apply_limits(peer, "peer", shares_.peer);
  // Of the bytes of this listener members' calls have half; strangers use none of it, and calls none of what pings
  // need.
  const std::size_t quarter = listener_bytes(memory_) / 4;
  peer.http2->total = std::make_shared<net::Budget>(2 * quarter);
  peer.http2->control = std::make_shared<net::Budget>(std::max(quarter, kLeastControlBytes));
  const std::size_t of_strangers = std::max(quarter, 4 * settings_.max_message);
  peer.http2->strangers = std::make_shared<net::AddressBudgets>(of_strangers, of_strangers / 2);
  if (auto opened = open(std::move(peer), false); !opened) return opened;

  net::ListenerOptions admin;
  admin.address = to_endpoint(config::Listen(settings_.admin));
  admin.http1.emplace();
  admin.http1->handler = [this](net::HttpRequest request, net::HttpReply reply) {
    serve_admin_(std::move(request), std::move(reply));
  };
  admin.http1->when_full = [this](net::HttpRequest request, net::HttpReply reply) {
    serve_admin_when_full_(std::move(request), std::move(reply));
  };
  admin.http1->max_body = 4096;  // nothing that is asked there has one
  admin.on_incident = incident;
  apply_limits(admin, "admin", shares_.admin);
  if (auto opened = open(std::move(admin), false); !opened) return opened;

  const bool chosen = loaded_.given("local");
  for (const config::Listen& address : settings_.local) {
    net::ListenerOptions local;
    local.address = to_endpoint(address);
    net::HttpServing& serving = local.http1.emplace();
    serving.handler = [this](net::HttpRequest request, net::HttpReply reply) {
      serve_local_(std::move(request), std::move(reply));
    };
    serving.shape_error = [this](int status, std::string_view detail) { return shape_local_error_(status, detail); };
    serving.max_body = settings_.max_message;
    local.http2.emplace().service =
        net::serve_grpc({.methods = local_methods_,
                         .guard = [this](const auto&... request) { return local_->check_origin(request...); },
                         .not_grpc = net::serve_requests(serving)});
    local.http2->idle_gives_way = true;
    local.on_incident = incident;
    apply_limits(local, "local", shares_.local);
    // A machine without IPv6 does without the default's second address.
    const bool optional = !chosen && address != settings_.local.front();
    if (auto opened = open(std::move(local), optional); !opened) return opened;
  }
  return {};
}

// Listeners of one name share their connections and the bytes that they hold.
void Sidecar::apply_limits(net::ListenerOptions& options, const char* listener, std::size_t connections) {
  auto& use = listener_use_[listener];
  if (!use)
    use = std::make_shared<admin::ListenerUse>(
        admin::ListenerUse{listener, std::make_shared<net::Budget>(connections), 0});
  options.slots = use->slots;
  auto& yields = yields_[listener];
  if (!yields) yields = std::make_shared<net::YieldOrder>();
  options.yields = yields;
  auto& bytes = held_bytes_[listener];
  if (!bytes) bytes = std::make_shared<net::Budget>(listener_bytes(memory_));
  if (options.http1) options.http1->total = bytes;
  if (options.http2) options.http2->total = bytes;
  options.on_full = [this, use] {
    ++use->refused;
    bursts_.happened({.kind = core::EventKind::kConnectionsRefused,
                      .why = "all connections of the " + use->listener + " listener are taken"});
  };
}

base::Result<void, std::string> Sidecar::open(net::ListenerOptions options, bool optional) {
  auto listener = std::make_unique<net::Listener>(loop_, std::move(options));
  auto opened = listener->open();
  if (opened) {
    listeners_.push_back(std::move(listener));
  } else if (optional) {
    log_.info("listener_left_out", {{"why", opened.error()}});
    return {};
  }
  return opened;
}

void Sidecar::make_parts() {
  const core::HostName host = config::announced_host(settings_, listeners_[0]->local_address().port);
  core::NodeConfig node = node_config(settings_, host, kVersion, shares_.app);
  node.bootstrap_unlisted = loaded_.given("min-members");
  engine_ = std::make_unique<runtime::Engine>(loop_, std::move(node), chance_(), log_);
  metrics_ = std::make_unique<admin::Metrics>(*engine_, kVersion);
  for (const auto& [listener, use] : listener_use_) metrics_->show(use);
  // At the admin port one address may not take up all of them; at the local one everybody is on this machine.
  const auto event_streams = [this](std::size_t connections, std::size_t part_of_one_address) {
    events::EventStreamsOptions options;
    options.self = engine_->self().host;
    options.most = std::clamp<std::size_t>(connections / kPartOfEventStreams, 1, options.most);
    options.most_of_one_address = std::max<std::size_t>(1, options.most / part_of_one_address);
    return std::make_unique<events::EventStreams>(loop_, history_, std::move(options));
  };
  admin_events_ = event_streams(shares_.admin, 4);
  local_events_ = event_streams(shares_.local, 1);
  admin_ = std::make_unique<admin::AdminApi>(*engine_, *metrics_, *admin_events_, shares_.admin);
  serve_admin_ = admin_->handler();
  serve_admin_when_full_ = admin_->handler_when_full();

  const auto draw = [] {
    std::random_device device;  // nobody is to foretell it from what else this process draws
    return static_cast<std::uint64_t>(device()) << 32 | device();
  };
  const auto ask_whose = [this](const std::string& peer, const std::string& proof) {
    peer_client_->ask_whose(peer, proof);
  };
  const auto reached_at = [this](const std::string& member) { return peer_client_->reached_at(member); };
  speakers_ = std::make_unique<peer::Speakers>(draw, ask_whose, reached_at);
  peer::PeerClientOptions client;
  client.speakers = speakers_.get();
  client.max_message = settings_.max_message;
  client.resolver = resolver_;
  client.random = [this] { return jitter(); };
  client.tls = peer_tls_.for_dialling();
  if (peer_tls_.mode() != core::PeerTlsMode::kOff) client.tls_mode = core::to_string(peer_tls_.mode());
  client.to_clock = runtime::to_steady;
  client.is_expected = [this](const std::string& peer) { return engine_->expects(peer); };
  client.most_unexpected = shares_.unexpected_peers;
  client.on_reached = [this] { member_addresses_->look_again(); };
  peer_client_ = std::make_unique<peer::PeerClient>(loop_, std::move(client), *engine_);
  member_addresses_ = std::make_unique<peer::MemberAddresses>(*engine_, reached_at);
  const auto count_refusal = [this](core::Reason reason) { metrics_->refused_at_listener(reason); };
  peer::PeerServerOptions served = peer_options(settings_);
  served.speakers = speakers_.get();
  served.on_refusal = count_refusal;
  if (peer_tls_.mode() != core::PeerTlsMode::kOff) {
    served.on_heard = [this](const auto&... what) { peer_tls_.heard(what...); };
  }
  peer_server_ = std::make_unique<peer::PeerServer>(loop_, std::move(served), *engine_, *engine_);
  peer_server_->add_methods(*peer_methods_);
  peer_tls_.use({[this] { return other_members(); }, [this] { return listeners_[0]->connections(); },
                 [this] { return peer_client_->connected(); }});
  peer_watch_ = std::make_unique<peer::MembershipWatch>(*engine_);
  peer_watch_->add_methods(*peer_methods_);
  local_watch_ = std::make_unique<peer::MembershipWatch>(*engine_);
  local_watch_->add_methods(*local_methods_);

  local::LocalOptions local = local_options(settings_, log_, kVersion);
  local.calls.on_refusal = count_refusal;
  for (const config::Effective& one : loaded_.effective) local.settings.push_back({one.name, one.value, one.origin});
  // Whoever waits has a connection: most of these are for calls.
  local.most_waiting = std::clamp<std::size_t>(shares_.local / 4, 1, local.most_waiting);
  local.set_log_level = [this, set = std::move(local.set_log_level)](std::string_view word) {
    const log::Level before = log_.level();
    if (!set(word)) return false;
    if (log_.level() == before) return true;
    bursts_.happened({.kind = core::EventKind::kLogLevel,
                      .why = "the log tells what is " + std::string(word) + " and worse from now on, and not " +
                             std::string(log::to_string(before)),
                      .by = "operator"});
    return true;
  };
  local_ = std::make_unique<local::LocalApi>(loop_, *engine_, json_, *local_events_, std::move(local));
  local_->add_methods(*local_methods_);
  serve_local_ = local_->handler();
  shape_local_error_ = local_->error_shaper();

  const auto random = [this] { return jitter(); };
  discovery::DiscoveryOptions found{kubernetes_access(settings_, host), loaded_.given("min-members")};
  discovery_ =
      std::make_unique<discovery::Discovery>(loop_, settings_.join, resolver_, *engine_, random, std::move(found));
  if (settings_.app) {
    app_ =
        make_adapter(loop_, settings_, shares_.app, listener_bytes(memory_), resolver_, json_, *engine_, log_, random);
  }

  for (const auto& methods : {peer_methods_, local_methods_}) {
    health_.add_methods(*methods);
    reflection_.add_methods(*methods);
  }
  const auto tell_health = [this] {
    const bool ready = engine_->status().not_ready_because.empty();
    for (const char* service : {"", "messages.ControlPlane"}) health_.set_serving(service, ready);
  };
  tell_health();
  engine_->when_view_changes(tell_health);
}

std::vector<std::string> Sidecar::other_members() const {
  std::vector<std::string> hosts;
  for (const core::MemberStatus& member : engine_->members()) {
    if (member.member && !member.self) hosts.push_back(member.host);
  }
  return hosts;
}

void Sidecar::log_start() {
  std::string local;
  for (std::size_t i = 2; i < listeners_.size(); ++i) {
    if (!local.empty()) local += ',';
    local += listeners_[i]->local_address().to_string();
  }
  const std::string peer = listeners_[0]->local_address().to_string();
  const std::string admin = listeners_[1]->local_address().to_string();
  const std::string host = engine_->self().host;
  std::vector<log::LogField> fields{
      {"version", kVersion}, {"announced", host}, {"peer", peer}, {"local", local}, {"admin", admin}};
  for (const config::Effective& one : loaded_.effective) {
    if (one.name != "peer" && one.name != "local" && one.name != "admin") fields.push_back({one.name, one.value});
  }
  log_.announce("start", fields);
  bursts_.happened({.kind = core::EventKind::kStarted,
                    .why = "ringside " + std::string(kVersion) + " begins to run",
                    .facts = {{"version", std::string(kVersion)}}});
  const auto warn = [this](const std::string& warning) {
    log_.warn("settings", {{"warning", warning}});
    bursts_.happened({.kind = core::EventKind::kSettingsWarning, .why = warning, .by = "settings"});
  };
  if (const auto wrong = queue_warning(settings_, memory_); !wrong.empty()) warn(wrong);
  for (const std::string& warning : loaded_.warnings) warn(warning);
}

void Sidecar::stop() {
  if (std::exchange(stopping_, true)) return loop_.stop();  // asked twice: at once
  log_.info("stopping");
  bursts_.happened(
      {.kind = core::EventKind::kStopping, .why = "this process is to end, once it is drained", .by = "signal"});
  const auto until = net::Clock::now() + settings_.drain_timeout;
  engine_->drain("signal");
  engine_->when_drained([this, until](bool) {
    engine_->close([this, until] {
      local_->stop();
      peer_watch_->stop();
      local_watch_->stop();
      health_.stop();
      reflection_.stop();
      // Calls that moved on to their new owners are still under way here: they end, or their deadlines do.
      // What the drain has taken of --drain-timeout is not theirs any more.
      const auto left =
          std::max(kLastAnswers, std::chrono::duration_cast<std::chrono::milliseconds>(until - net::Clock::now()));
      const auto open = std::make_shared<std::size_t>(listeners_.size());
      for (const auto& listener : listeners_) {
        listener->drain(left, [this, open](std::size_t) {
          if (--*open == 0) loop_.stop();
        });
      }
    });
  });
}

int serve(const std::vector<std::string>& arguments) {
  process::return_large_blocks_at_once();
  std::signal(SIGPIPE, SIG_IGN);
  const auto loaded = config::load(config::process_sources(arguments));
  if (!loaded) {
    for (const std::string& error : loaded.error()) std::cerr << "ringside: " << error << "\n";
    return kUsage;
  }
  net::Loop loop;
  loop::Signals signals(loop, {SIGTERM, SIGINT, SIGHUP});
  log::Log log(
      log_options(loaded->settings), [] { return std::chrono::system_clock::now(); }, log::stderr_sink());
  Sidecar sidecar(loop, *loaded, log);
  if (const auto used = sidecar.use_settings(); !used) {
    std::cerr << "ringside: " << used.error() << "\n";
    return kUsage;
  }
  // Before the start line: whoever has read that may end this process in order.
  bool started = false;
  bool stopping = false;
  signals.hear([&](int number) {
    // Also where there is nothing to read again: a terminal that closes ends no member.
    if (number == SIGHUP) return sidecar.reload();
    stopping = true;
    if (started) sidecar.stop();
  });
  if (!sidecar.await_credentials(stopping)) return stopping ? 0 : kUsage;
  if (const auto ready = sidecar.start(); !ready) {
    log.error("cannot_start", {{"why", ready.error()}});
    return 1;
  }
  started = true;
  loop.run();
  log.info("stopped");
  return 0;
}

}  // namespace
}  // namespace ringside

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto command = ringside::cli::command_at(arguments);
  const auto terminal = ringside::cli::process_terminal();
  ringside::wire::silence_protobuf();
  const auto is = [&arguments](const std::vector<std::string>& words) { return arguments == words; };
  if (is({"help", "settings"}) || is({"help", "serve"}) || is({"serve", "--help"}) || is({"serve", "-h"})) {
    terminal.out << ringside::config::settings_help();
    return ringside::cli::written(terminal, 0);
  }
  if (!command && !arguments.empty()) return ringside::serve(arguments);
  if (command && arguments[*command] == "serve") {
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(*command));
    return ringside::serve(arguments);
  }
  return ringside::cli::run(arguments, terminal);
}
