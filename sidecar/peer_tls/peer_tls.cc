#include "sidecar/peer_tls/peer_tls.h"

#include <utility>

#include "sidecar/base/check.h"

namespace ringside::peer_tls {
namespace {

using core::PeerTlsMode;

// What a change of the files ends has ended within 10 s of it; the sooner it is noticed, the longer what is under way
// has then.
constexpr std::chrono::seconds kLookEvery{2};
constexpr std::chrono::seconds kTick{1};

double seconds(net::WallTime time) {
  return static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

const char* word(net::TlsSide side) { return side == net::TlsSide::kServer ? "in" : "out"; }

}  // namespace

PeerTls::PeerTls(net::Loop& loop, PeerTlsOptions options, log::Log& log, core::EventSink& events)
    : loop_(loop),
      options_(std::move(options)),
      log_(log),
      events_(events),
      files_(options_.paths, options_.read_file, options_.tls.clock_skew),
      timer_(loop) {
  if (options_.mode == PeerTlsMode::kOff) return;
  for (const char* direction : {"in", "out"}) handshakes_[{direction, "ok"}] = 0;
  net::TlsOptions tls = options_.tls;
  tls.on_handshake = [this](auto side, auto result, const auto& address, const auto& why) {
    handshake_ended(side, result, address, why);
  };
  tls.on_flood = [this](auto side, const auto& address, const auto& why) {
    ++floods_[word(side)];
    log_.warn("tls_flood", {{"direction", word(side)}, {"peer", address}, {"why", why}});
  };
  tls_ = std::make_shared<net::Tls>(std::move(tls));
  net::TlsUse use{tls_, std::make_shared<net::HandshakeQueue>(loop_), options_.mode != PeerTlsMode::kRequire};
  listening_ = std::make_shared<const net::TlsUse>(use);
  if (options_.mode >= PeerTlsMode::kSend) dialling_ = listening_;
}

base::Result<void, std::string> PeerTls::load() {
  if (!tls_) {
    const CredentialPaths& paths = options_.paths;
    if (!paths.certificate.empty() || !paths.key.empty() || !paths.roots.empty() || !options_.tls.members.empty() ||
        !options_.tls.callers.empty()) {
      warn("tls_settings_unused",
           "--peer-tls is off: connections between hosts are in plaintext, although files or identities for TLS are "
           "given");
    }
    return {};
  }
  if (tls_->credentials()) return {};
  last_look_ = net::Clock::now();
  CredentialFiles::Look look = files_.look(options_.tls.wall());
  if (!look.credentials) return base::Error(look.problem);
  auto used = tls_->use(look.credentials);
  if (!used) return used;
  files_.took(std::move(look.credentials));
  const net::Verified& own = tls_->credentials()->own();
  log_.info("tls_ready", {{"mode", core::to_string(options_.mode)},
                          {"certificate", own.leaf.told()},
                          {"members", tls_->members_told()},
                          {"roots", tls_->credentials()->roots_told()}});
  happened({.kind = core::EventKind::kTlsLoaded,
            .why = std::string("--peer-tls ") + core::to_string(options_.mode) + ", as " + own.leaf.told(),
            .by = "--tls-*"});
  if (!tls_->is_member_itself()) {
    warn("tls_not_a_member_itself", "--member-id does not include this host's own identity, " + own.leaf.identity() +
                                        ": hosts with the same setting refuse it");
  }
  return {};
}

void PeerTls::warn(std::string_view event, const std::string& why) {
  log_.warn(event, {{"why", why}});
  happened({.kind = core::EventKind::kSettingsWarning, .why = why, .by = "settings"});
}

// The first that is told is that the process begins to run.
void PeerTls::happened(core::HostEvent event) {
  if (!started_) return early_.push_back(std::move(event));
  events_.happened(std::move(event));
}

void PeerTls::start() {
  started_ = true;
  for (core::HostEvent& event : std::exchange(early_, {})) events_.happened(std::move(event));
  if (!tls_) return;
  next_look_ = net::Clock::now() + kLookEvery;
  tick();
}

void PeerTls::tick() {
  timer_.after(kTick, [this] {
    if (net::Clock::now() >= next_look_) reload();
    tls_->check_connections();
    tell_if_run_out();
    tick();
  });
}

void PeerTls::tell_if_run_out() {
  const auto until = tls_->credentials()->own().good_until;
  if (options_.tls.wall() < until || std::exchange(told_run_out_, until) == until) return;
  log_.warn("tls_certificate_expired", {{"why", run_out_told()}});
  happened({.kind = core::EventKind::kTlsExpired, .why = run_out_told()});
}

// Empty: it has not.
std::string PeerTls::run_out_told() const {
  const net::Verified& own = tls_->credentials()->own();
  if (options_.tls.wall() < own.good_until) return "";
  const bool leaf = own.good_until == own.leaf.not_after;
  return std::string("this host's certificate") + (leaf ? "" : ", or rather what issued it,") + " ran out at " +
         net::to_text(own.good_until) + ": other hosts refuse it from " +
         net::to_text(own.good_until + options_.tls.clock_skew) + " on, by their --tls-clock-skew";
}

void PeerTls::reload() {
  if (!tls_) return;
  const auto last_look = std::exchange(last_look_, net::Clock::now());
  next_look_ = last_look_ + kLookEvery;
  CredentialFiles::Look look = files_.look(options_.tls.wall());
  if (look.credentials) {
    if (const auto used = tls_->use(look.credentials, last_look); !used) {
      look.problem = used.error();
      look.credentials = nullptr;
    }
  }
  const std::string problem_before = std::exchange(files_problem_, look.problem);
  if (look.credentials) {
    files_.took(look.credentials);
    ++reloads_["ok"];
    log_.info("tls_reloaded",
              {{"certificate", look.credentials->own().leaf.told()}, {"roots", look.credentials->roots_told()}});
    happened({.kind = core::EventKind::kTlsLoaded,
              .why = "other files are used from now on: " + look.credentials->own().leaf.told(),
              .by = "--tls-*"});
    tls_->check_connections();
  } else if (look.is_news && !look.problem.empty()) {
    ++reloads_["refused"];
    log_.warn("tls_files_refused", {{"why", look.problem}});
    happened({.kind = core::EventKind::kTlsRefused, .why = look.problem, .by = "--tls-*"});
  } else if (look.problem.empty() && !problem_before.empty()) {
    log_.info("tls_files_good_again", {{"certificate", tls_->credentials()->own().leaf.told()}});
    happened({.kind = core::EventKind::kTlsLoaded, .why = "the files are good again", .by = "--tls-*"});
  }
}

void PeerTls::handshake_ended(net::TlsSide side, net::HandshakeResult result, const std::string& address,
                              const std::string& why) {
  ++handshakes_[{word(side), net::to_string(result)}];
  if (result == net::HandshakeResult::kOk) return;
  log_.warn("tls_handshake_failed", {{"direction", word(side)},
                                     {"peer", address},
                                     {"result", net::to_string(result)},
                                     {"mode", core::to_string(options_.mode)},
                                     {"why", why}});
  happened({.kind = core::EventKind::kTlsHandshakeFailed,
            .host = address,
            .why = std::string(side == net::TlsSide::kServer ? "a connection from there" : "a connection to it") +
                   " was not let in (" + net::to_string(result) + "): " + why});
}

void PeerTls::heard(const std::string& host, const std::string& ip, bool under_tls, std::string_view mode) {
  if (migration_.heard(host, ip, under_tls, mode)) return;
  migration_.keep_only(peers());
  migration_.heard(host, ip, under_tls, mode);
}

std::vector<std::string> PeerTls::peers() const {
  return sources_.peers ? sources_.peers() : std::vector<std::string>();
}

core::PeerSecurity PeerTls::peer_security() const {
  core::PeerSecurity out;
  out.mode = options_.mode;
  const std::size_t accepted = sources_.accepted ? sources_.accepted() : 0;
  const std::size_t dialled = sources_.dialled ? sources_.dialled() : 0;
  const std::size_t in = tls_ ? std::min(accepted, tls_->connections(net::TlsSide::kServer)) : 0;
  const std::size_t outward = tls_ ? std::min(dialled, tls_->connections(net::TlsSide::kClient)) : 0;
  out.connections = {{{"in", true}, in},
                     {{"in", false}, accepted - in},
                     {{"out", true}, outward},
                     {{"out", false}, dialled - outward}};
  if (!tls_) return out;
  out.next_step = migration_.next_step(options_.mode, peers(), accepted - in);
  out.handshakes = handshakes_;
  out.floods = floods_;
  out.reloads = reloads_;
  out.files_problem = files_problem_;
  const auto& credentials = tls_->credentials();
  if (!credentials) return out;
  const net::Verified& own = credentials->own();
  out.certificate = own.leaf.told();
  if (own.good_until < own.leaf.not_after) out.certificate += ", and what issued it to " + net::to_text(own.good_until);
  if (const std::string run_out = run_out_told(); !run_out.empty()) {
    out.files_problem = run_out + (files_problem_.empty() ? "" : "; " + files_problem_);
  }
  out.members = tls_->members_told();
  out.roots = credentials->roots_told();
  out.certificate_begins = seconds(own.leaf.not_before);
  out.certificate_expires = seconds(own.good_until);
  out.root_begins = seconds(own.root.not_before);
  out.root_expires = seconds(own.root.not_after);
  return out;
}

}  // namespace ringside::peer_tls
