// TLS between hosts: TLS 1.3 and HTTP/2 only, both sides show certificates, nothing is resumed. A Tls is what one host
// shows and whom it takes; it makes the layers of new connections, and watches those that there are: each is left and
// then closed when a certificate of either side runs out, when the root of the other side is removed, and when it is
// old. After a rotation new connections use what is new, and the others go on with what they began with.
//
// OpenSSL does the work on the loop, straight on the socket: a handshake costs each side some 1 ms of the loop, which
// is why they wait in a queue (handshake_queue.h). Loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sidecar/base/identity_pattern.h"
#include "sidecar/net/tls/credentials.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class TlsLayer;

// What came of a handshake; the words are the labels of a metric.
enum class HandshakeResult {
  kOk,
  kPlaintext,      // the other end does not speak TLS
  kNoCertificate,  // it shows none
  kUntrusted,      // no root of ours has issued it
  kExpired,        // or is not valid yet
  kNotALeaf,       // not of a kind that a host may have
  kIdentity,       // of somebody who may be neither member nor caller here
  kRefusedByPeer,  // the other end refuses ours
  kProtocol,       // versions, ALPN, or not TLS at all
  kTimeout,
  kClosed,  // the connection ended first
};
inline constexpr std::size_t kHandshakeResults = 11;
const char* to_string(HandshakeResult result);

struct TlsOptions {
  // Who may be a member; empty: whoever has the identity of our own certificate.
  std::vector<base::IdentityPattern> members;
  std::vector<base::IdentityPattern> callers;
  std::chrono::milliseconds clock_skew{60'000};
  // Of a connection; it is left at nine to ten tenths of that, so that not all are left together.
  std::chrono::milliseconds max_age = std::chrono::hours(24);
  // How long a connection that is left may go on for what is under way on it; the longest call.
  std::chrono::milliseconds to_leave = std::chrono::minutes(1);
  std::function<WallTime()> wall;
  std::function<double()> random;  // in [0, 1)
  // Each handshake ends in one of these. `why` is a sentence for a person; empty where it is kOk.
  std::function<void(TlsSide side, HandshakeResult result, const std::string& address, const std::string& why)>
      on_handshake;
  // A connection is ended because its other end sends more messages of TLS itself than anybody needs.
  std::function<void(TlsSide side, const std::string& address, const std::string& why)> on_flood;
};

class Tls {
 public:
  explicit Tls(TlsOptions options);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  // For connections from now on. Those that there are go over to it: where this host shows another certificate, they
  // are left within a few seconds, and what is under way on them ends there. Those whose chain these roots do not hold
  // any more are left at once, and closed 9 s after `since`: when what was used before was still right.
  // The error says what cannot be told apart by the settings: a certificate of many names without --member-id.
  base::Result<void, std::string> use(std::shared_ptr<const Credentials> credentials,
                                      Clock::time_point since = Clock::now());
  const std::shared_ptr<const Credentials>& credentials() const { return credentials_; }
  // --member-id, or what stands for it.
  std::string members_told() const;
  // Whether this host itself would be one.
  bool is_member_itself() const;

  // `side`: which one this host is. use() has succeeded before.
  std::unique_ptr<TlsLayer> layer(const Transport& transport, TlsSide side);
  // Leaves and closes what is due. Called every second or so.
  void check_connections();
  // Those whose handshake is done.
  std::size_t connections(TlsSide side) const;

  const TlsOptions& options() const { return options_; }

 private:
  friend class TlsLayer;
  struct Context;  // one SSL_CTX for each side, as of one set of credentials
  struct Live;     // the layers that there are

  TlsOptions options_;
  std::vector<base::IdentityPattern> members_;
  std::shared_ptr<const Credentials> credentials_;
  std::shared_ptr<const Context> context_;
  std::shared_ptr<Live> live_;
};

}  // namespace ringside::net
