// tls check: what is wrong with certificates, in sentences, before or after it has become an outage. Works with a
// certificate that has expired as well: that is when it is needed.
#include <csignal>
#include <iostream>
#include <optional>
#include <utility>

#include "sidecar/cli/commands.h"
#include "sidecar/cli/output.h"
#include "sidecar/config/load.h"
#include "sidecar/config/read_file.h"
#include "sidecar/net/connector.h"
#include "sidecar/net/resolver.h"
#include "sidecar/net/tls/tls_handshake.h"
#include "sidecar/peer_tls/credential_files.h"
#include "sidecar/wire/json_text.h"

namespace ringside::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kConnect{5'000};
constexpr std::chrono::milliseconds kVerdict{5'000};

// HTTP/2's preface, and an empty SETTINGS frame (RFC 9113 §3.4).
constexpr std::string_view kHello("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", 33);

net::WallTime now() { return std::chrono::system_clock::now(); }

// Prints what was looked at, and counts what is wrong.
class Findings {
 public:
  Findings(std::ostream& out, bool json) : out_(out), json_(json) {}
  ~Findings() {
    if (json_) out_ << wire::dump({{"ok", !failed_}, {"checks", std::move(all_)}}) << "\n";
  }
  Findings(const Findings&) = delete;
  Findings& operator=(const Findings&) = delete;

  // What follows is about that host, which is dialled.
  void about(const std::string& host) {
    host_ = host;
    if (!json_) out_ << host << ":\n";
  }
  void good(const std::string& sentence) { add("ok", "ok      ", sentence); }
  void bad(const std::string& sentence) {
    failed_ = true;
    add("failed", "FAILED  ", sentence);
  }
  void warn(const std::string& sentence) { add("warning", "warning ", sentence); }
  void note(const std::string& sentence) { add("note", "        ", sentence); }
  int status() const { return failed_ ? kRefused : kApplied; }

 private:
  void add(const char* result, const char* mark, const std::string& sentence) {
    if (!json_) {
      out_ << mark << sentence << "\n";
      return;
    }
    nlohmann::json one = {{"result", result}, {"text", sentence}};
    if (!host_.empty()) one["host"] = host_;
    all_.push_back(std::move(one));
  }

  std::ostream& out_;
  const bool json_;
  std::string host_;
  nlohmann::json all_ = nlohmann::json::array();
  bool failed_ = false;
};

// "2 hours", "50 s"
std::string span(std::chrono::seconds time) {
  if (time >= 48h) return std::to_string(time / 24h) + " days";
  if (time >= 2h) return std::to_string(time / 1h) + " hours";
  return time >= 2min ? std::to_string(time / 1min) + " minutes" : std::to_string(time.count()) + " s";
}

// Dials one host, and waits for what it says to our certificate: with TLS 1.3 a client hears of that only after its own
// handshake is done.
class Dial {
 public:
  Dial(const net::Endpoint& to, const config::Settings& settings, std::shared_ptr<net::Tls> tls, Findings& findings)
      : to_(to), settings_(settings), tls_(std::move(tls)), findings_(findings), timer_(loop_) {}

  void run() {
    net::ResolverOptions options;
    options.servers = settings_.dns_servers;
    const auto resolver = std::make_shared<net::Resolver>(loop_, std::move(options));
    net::Connector connector(loop_, resolver);
    connector.connect(to_, kConnect, [this](net::ConnectResult result) { connected(std::move(result)); });
    loop_.run();
  }

 private:
  void connected(net::ConnectResult result) {
    if (!result) {
      findings_.bad("It cannot be reached at " + to_.to_string() + ": " + result.error().why + ".");
      return loop_.stop();
    }
    findings_.good("It is reached at " + result->peer_address() + ", port " + std::to_string(to_.port) + ".");
    handshake_ =
        std::make_shared<net::TlsHandshake>(loop_, net::TlsUse{tls_, std::make_shared<net::HandshakeQueue>(loop_)},
                                            std::move(*result), net::TlsSide::kClient, true);
    handshake_->start(kConnect,
                      [this](base::Result<net::Transport, std::string> secured) { shaken(std::move(secured)); });
  }

  void shaken(base::Result<net::Transport, std::string> secured) {
    if (!secured) {
      findings_.bad("There is no TLS between the two hosts: " + secured.error() + ".");
      return loop_.stop();
    }
    transport_.emplace(std::move(*secured));
    net::error_code ignored;
    transport_->write_some(kHello.data(), kHello.size(), ignored);  // whoever listens says nothing before
    findings_.good("It shows a certificate that is taken here: a member, " + transport_->secured()->peer()->identity +
                   ".");
    timer_.after(kVerdict, [this] {
      findings_.bad("It says nothing within 5 s to our certificate: is that the peer port of a Ringside host?");
      loop_.stop();
    });
    hear_verdict();
  }

  void hear_verdict() {
    transport_->wait_readable([this] {
      char bytes[1024];
      net::error_code ec;
      transport_->read_some(bytes, sizeof bytes, ec);
      if (ec == boost::asio::error::would_block) return hear_verdict();
      const std::string& failure = transport_->secured()->failure();
      if (!failure.empty()) {
        findings_.bad("It refuses our certificate: " + failure + ".");
      } else if (ec) {
        findings_.bad("It ends the connection: " + ec.message() + ".");
      } else {
        findings_.good("It takes our certificate.");
      }
      loop_.stop();
    });
  }

  net::Loop loop_;
  net::Endpoint to_;
  const config::Settings& settings_;
  std::shared_ptr<net::Tls> tls_;
  Findings& findings_;
  net::Timer timer_;
  std::shared_ptr<net::TlsHandshake> handshake_;
  std::optional<net::Transport> transport_;
};

int check(const std::optional<net::Endpoint>& host, const config::Settings& settings, bool json,
          const Terminal& terminal) {
  Findings findings(terminal.out, json);
  if (settings.peer_tls == core::PeerTlsMode::kOff) {
    findings.note(
        "--peer-tls is off with these settings: serve would speak plaintext. This checks what it would do with "
        "TLS.");
  }
  const auto texts =
      peer_tls::read_texts({settings.tls_cert, settings.tls_key, settings.tls_roots},
                           [](const std::string& path) { return config::read_file(path, peer_tls::kMostOfAFile); });
  if (!texts) {
    findings.bad("This host has no credentials: " + texts.error() + ".");
    return findings.status();
  }
  const auto parsed = net::Credentials::parse(*texts, settings.tls_clock_skew);
  if (!parsed) {
    findings.bad("This host's files cannot be used: " + parsed.error() + ".");
    return findings.status();
  }
  findings.good("This host's certificate belongs to its key: " + (*parsed)->own().leaf.told() + ".");
  findings.good("The roots can be read: " + (*parsed)->roots_told() + ".");
  const auto own = (*parsed)->check_own(now());
  if (own && own->good_until <= now()) {
    const auto ago = std::chrono::duration_cast<std::chrono::seconds>(now() - own->good_until);
    findings.bad("It ran out " + span(ago) + " ago, at " + net::to_text(own->good_until) +
                 ": others still take it, within their --tls-clock-skew, but no host lets it replace one that holds.");
  } else if (own) {
    findings.good("It holds until " + net::to_text(own->good_until) + ", by the root " + own->root.subject + " (" +
                  own->root.fingerprint + ").");
  } else {
    findings.bad("It does not hold: " + own.error() + ".");
  }
  net::TlsOptions options;
  options.members = settings.member_ids;
  options.callers = settings.caller_ids;
  options.clock_skew = settings.tls_clock_skew;
  options.wall = now;
  options.random = [] { return 0.0; };
  const auto tls = std::make_shared<net::Tls>(std::move(options));
  if (const auto used = tls->use(*parsed); !used) {
    findings.bad("It cannot be used: " + used.error() + ".");
    return findings.status();
  }
  findings.good("A member is whoever has the identity " + tls->members_told() + ".");
  if (!tls->is_member_itself()) {
    findings.warn("That does not include this host itself, " + (*parsed)->own().leaf.identity() +
                  ": hosts with the same --member-id refuse it.");
  }
  if (host) {
    findings.about(host->to_string());
    Dial(*host, settings, tls, findings).run();
  }
  return findings.status();
}

}  // namespace

int tls_check(const std::vector<std::string>& words, bool json, const Terminal& terminal) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that others may have closed
  std::vector<std::string> arguments = words;
  std::optional<net::Endpoint> host;
  if (!arguments.empty() && !arguments.front().starts_with("--")) {
    const auto name = core::parse_host_name(arguments.front());
    if (!name) {
      terminal.err << "ringside: \"" << arguments.front() << "\" is not a host: HOST or HOST:PORT\n";
      return kUsage;
    }
    host.emplace();
    host->host = name->address;
    host->port = name->port;
    arguments.erase(arguments.begin());
  }
  const auto loaded = config::load(config::process_sources(arguments));
  if (!loaded) {
    for (const std::string& error : loaded.error()) terminal.err << "ringside: " << error << "\n";
    return kUsage;
  }
  return check(host, loaded->settings, json, terminal);
}

}  // namespace ringside::cli
