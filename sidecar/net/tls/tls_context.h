// What Tls shares with its layers.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sidecar/net/tls/tls.h"

namespace ringside::net {

// "spiffe://a.org/x or dns:b.org"
std::string told(const std::vector<base::IdentityPattern>& patterns);

struct Tls::Context {
  // The error says what OpenSSL refuses.
  static base::Result<std::shared_ptr<const Context>, std::string> make(std::shared_ptr<const Credentials> credentials,
                                                                        std::vector<base::IdentityPattern> members,
                                                                        const TlsOptions& options);

  std::shared_ptr<const Credentials> credentials;
  std::vector<base::IdentityPattern> members;
  std::vector<base::IdentityPattern> callers;
  std::chrono::milliseconds clock_skew{};
  std::chrono::milliseconds max_age{};
  std::chrono::milliseconds to_leave{};
  std::function<WallTime()> wall;
  std::function<double()> random;
  std::function<void(TlsSide, HandshakeResult, const std::string&, const std::string&)> on_handshake;
  std::function<void(TlsSide, const std::string&, const std::string&)> on_flood;
  SslContextHandle server;
  SslContextHandle client;
};

struct Tls::Live {
  std::set<TlsLayer*> layers;
  bool roots_changed = false;  // since the connections were looked at last
  Clock::time_point since{};   // when the roots before were still right
};

}  // namespace ringside::net
