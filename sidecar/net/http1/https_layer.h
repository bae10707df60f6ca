// TLS to a server that shows a certificate and asks for none, as HTTPS is. What Ringside hosts speak to one another is
// in net/tls/. Loop thread only.
#pragma once

#include <memory>
#include <string>

#include "sidecar/base/result.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/secure_layer.h"
#include "sidecar/net/tls/metered_socket.h"
#include "sidecar/net/tls/openssl_handles.h"

namespace ringside::net {

class HttpsLayer final : public SecureLayer {
 public:
  // `descriptor` is a connection to `server`, whose certificate must come from one of those in `ca_file` (PEM) and name
  // its host. The error says why the file cannot be used.
  static base::Result<SslContextHandle, std::string> trust(const std::string& ca_file);
  HttpsLayer(SSL_CTX& trusted, const Endpoint& server, int descriptor);

  enum class Progress { kDone, kWantsRead, kWantsWrite, kFailed };  // kFailed: failure() says why
  Progress handshake();

  std::size_t read_some(char* data, std::size_t size, boost::system::error_code& ec) override;
  std::size_t write_some(const char* data, std::size_t size, boost::system::error_code& ec) override;
  bool holds_input() const override { return SSL_has_pending(ssl_.get()) == 1 && !socket_.has_read_all(); }
  bool has_read_all() const override { return socket_.has_read_all(); }
  void say_end() override;
  std::shared_ptr<const SecurePeer> peer() const override { return nullptr; }
  const std::string& failure() const override { return failure_; }
  void set_owner(Owner) override {}  // it ends with its answer

 private:
  boost::system::error_code end_of(int result);

  MeteredSocket socket_;
  SslHandle ssl_;
  std::string failure_;
};

}  // namespace ringside::net
