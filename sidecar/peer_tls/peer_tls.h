// TLS between hosts as one sidecar runs it: reads the files of --tls-* again and again and takes over what is good,
// tells of handshakes, and leaves connections whose time has come. Where --peer-tls is off it does nothing. Loop thread
// only.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sidecar/base/result.h"
#include "sidecar/core/ports.h"
#include "sidecar/log/log.h"
#include "sidecar/net/tls/tls_use.h"
#include "sidecar/peer_tls/credential_files.h"
#include "sidecar/peer_tls/migration.h"

namespace ringside::peer_tls {

struct PeerTlsOptions {
  core::PeerTlsMode mode = core::PeerTlsMode::kOff;
  CredentialPaths paths;
  ReadFile read_file;
  net::TlsOptions tls;  // without on_handshake
};

class PeerTls final : public core::PeerSecurityPort {
 public:
  // `events` and `log` outlive it.
  PeerTls(net::Loop& loop, PeerTlsOptions options, log::Log& log, core::EventSink& events);

  // Reads the files, unless it has some that are good. The error is a sentence.
  base::Result<void, std::string> load();
  // After load(): from now on.
  void start();
  // Reads the files now, as it does every few seconds.
  void reload();

  // Null: plaintext.
  std::shared_ptr<const net::TlsUse> for_listener() const { return listening_; }
  std::shared_ptr<const net::TlsUse> for_dialling() const { return dialling_; }
  core::PeerTlsMode mode() const { return options_.mode; }

  // Somebody has called this host: see Migration::heard.
  void heard(const std::string& host, const std::string& ip, bool under_tls, std::string_view mode);

  // What it needs of others for peer_security(), before start(): the other members, and all connections that there are
  // of each direction.
  struct Sources {
    std::function<std::vector<std::string>()> peers;
    std::function<std::size_t()> accepted;
    std::function<std::size_t()> dialled;
  };
  void use(Sources sources) { sources_ = std::move(sources); }
  core::PeerSecurity peer_security() const override;

 private:
  void tick();
  void tell_if_run_out();
  std::string run_out_told() const;
  void warn(std::string_view event, const std::string& why);
  void happened(core::HostEvent event);
  std::vector<std::string> peers() const;
  void handshake_ended(net::TlsSide side, net::HandshakeResult result, const std::string& address,
                       const std::string& why);

  net::Loop& loop_;
  PeerTlsOptions options_;
  log::Log& log_;
  core::EventSink& events_;
  bool started_ = false;
  std::vector<core::HostEvent> early_;  // that have happened before start()
  CredentialFiles files_;
  std::shared_ptr<net::Tls> tls_;  // null: off
  std::shared_ptr<const net::TlsUse> listening_;
  std::shared_ptr<const net::TlsUse> dialling_;
  net::Timer timer_;
  net::Clock::time_point last_look_{};
  net::Clock::time_point next_look_{};
  net::WallTime told_run_out_{};
  std::string files_problem_;
  Migration migration_;
  Sources sources_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> handshakes_;
  std::map<std::string, std::uint64_t> floods_{{"in", 0}, {"out", 0}};
  std::map<std::string, std::uint64_t> reloads_{{"ok", 0}, {"refused", 0}};
};

}  // namespace ringside::peer_tls
