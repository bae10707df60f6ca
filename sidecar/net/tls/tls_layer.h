// One connection under TLS. Made by Tls; driven by TlsHandshake, then part of a Transport. Loop thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "sidecar/base/token_bucket.h"
#include "sidecar/net/secure_layer.h"
#include "sidecar/net/tls/metered_socket.h"
#include "sidecar/net/tls/tls.h"

namespace ringside::net {

class TlsLayer final : public SecureLayer {
 public:
  enum class Progress { kDone, kWantsRead, kWantsWrite, kFailed };

  // `address`: of the other side, for whoever hears of the handshake.
  TlsLayer(std::shared_ptr<const Tls::Context> context, std::shared_ptr<Tls::Live> live, int descriptor,
           std::string address, TlsSide side);
  ~TlsLayer() override;

  // One step of the handshake: as far as what has arrived goes. failure() says why where it fails.
  Progress handshake();
  // It has taken too long.
  void give_up();

  std::size_t read_some(char* data, std::size_t size, error_code& ec) override;
  std::size_t write_some(const char* data, std::size_t size, error_code& ec) override;
  bool holds_input() const override;
  bool has_read_all() const override { return socket_.has_read_all(); }
  void say_end() override;
  std::shared_ptr<const SecurePeer> peer() const override { return peer_; }
  const std::string& failure() const override { return failure_; }
  void set_owner(Owner owner) override { owner_ = std::move(owner); }

  // ---- for Tls ----
  TlsSide side() const { return side_; }
  bool established() const { return established_; }
  // The chain of the other side, as it was shown. OpenSSL's callback; 1: it is good.
  int verify(X509_STORE_CTX* shown);
  // The other end has sent a message of TLS itself, as KeyUpdate is. OpenSSL's callback.
  void on_message();
  // Why it is to be left, and when it is closed, whatever is under way then.
  struct Leaving {
    std::string why;
    Clock::time_point close_at;
  };
  // Since it is old, runs out, or shows a certificate of this host that is not shown any more.
  std::optional<Leaving> ends_because(const Credentials& now_used, WallTime wall, Clock::time_point now);
  // Since these roots do not hold the other end's chain. `since`: when those before were still right.
  std::optional<Leaving> untrusted_by(const Credentials& now_used, WallTime wall, Clock::time_point since);
  // Once it has been told to leave.
  std::optional<Leaving>& leaving() { return leaving_; }
  // By when it must be over, whatever is under way.
  WallTime good_until() const;
  const Owner& owner() const { return owner_; }

 private:
  Progress fail(HandshakeResult as, std::string why);
  Progress explain_failure();
  error_code end_of(int result);
  void ended_early();
  void report(HandshakeResult result);
  error_code end_flood();

  std::shared_ptr<const Tls::Context> context_;
  std::shared_ptr<Tls::Live> live_;
  TlsSide side_;
  MeteredSocket socket_;
  SslHandle ssl_;
  base::TokenBucket messages_;  // of TLS itself, which carry no data
  bool floods_ = false;
  std::shared_ptr<const SecurePeer> peer_;
  WallTime peer_good_until_;
  std::optional<std::string> refused_because_;                // by verify()
  HandshakeResult refused_as_ = HandshakeResult::kUntrusted;  // likewise
  std::string address_;
  std::string failure_;
  Owner owner_;
  Clock::time_point leave_at_;
  bool replaced_ = false;  // the certificate that this host shows on it
  std::optional<Leaving> leaving_;
  bool established_ = false;
  // What came of the handshake. On a client's side that is known when the server has said something: only then has that
  // one looked at our certificate.
  bool reported_ = false;
  // All that can be read has been given on: what OpenSSL still holds is the beginning of a record.
  bool drained_ = false;
  bool broken_ = false;  // nothing more may be said on it
};

}  // namespace ringside::net
