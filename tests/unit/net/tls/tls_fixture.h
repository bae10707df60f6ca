// Two hosts' TLS over a pair of sockets, and a stranger's.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sidecar/net/tls/tls_handshake.h"
#include "tests/unit/net/net_test_support.h"
#include "tests/unit/net/tls/test_certificates.h"

namespace ringside::net::testing {

// One host's TLS, and what it hears of handshakes.
struct Host {
  explicit Host(const std::shared_ptr<const Credentials>& credentials, TlsOptions options = {}) {
    options.wall = [this] { return wall; };
    options.random = [] { return 0.0; };
    options.on_handshake = [this](TlsSide, HandshakeResult result, const std::string&, const std::string& why) {
      ++results[result];
      last_why = why;
    };
    tls = std::make_shared<Tls>(std::move(options));
    const auto used = tls->use(credentials);
    EXPECT_TRUE(used) << used.error();
  }
  WallTime wall = kNow;
  std::map<HandshakeResult, int> results;
  std::string last_why;
  std::shared_ptr<Tls> tls;
};

class TlsFixture : public LoopTest {
 protected:
  using Ended = std::optional<base::Result<Transport, std::string>>;

  // A connection between two hosts, with both handshakes at their end.
  void connect(Host& server, Host& client) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    server_end.reset();
    client_end.reset();
    begin(server, ends[0], TlsSide::kServer, server_end);
    begin(client, ends[1], TlsSide::kClient, client_end);
    ASSERT_TRUE(run_until([this] { return server_end && client_end; }));
  }

  void begin(Host& host, int fd, TlsSide side, Ended& ended) {
    error_code ec;
    const auto handshake =
        std::make_shared<TlsHandshake>(loop, TlsUse{host.tls, queue}, Transport::from_fd(loop, fd, ec), side, true);
    handshakes.push_back(handshake);
    handshake->start(std::chrono::seconds(5),
                     [&ended](base::Result<Transport, std::string> result) { ended = std::move(result); });
  }

  // What has arrived at this end, or as much of it as one read takes.
  static std::string read(Transport& from, error_code& ec) {
    std::string bytes(100'000, '\0');
    bytes.resize(from.read_some(bytes.data(), bytes.size(), ec));
    return bytes;
  }

  std::shared_ptr<HandshakeQueue> queue = std::make_shared<HandshakeQueue>(loop);
  std::vector<std::shared_ptr<TlsHandshake>> handshakes;
  Ended server_end;
  Ended client_end;
  TestIssuer root;
};

// One end that is driven by hand, with OpenSSL as it comes.
struct Stranger {
  Stranger(const TestIssuer& issuer, int fd, bool is_server) {
    context.reset(SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method()));
    SSL_CTX_set_num_tickets(context.get(), 0);
    SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
    SSL_CTX_set_alpn_select_cb(
        context.get(),
        [](SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered, unsigned, void*) {
          *chosen = offered + 1;
          *size = *offered;
          return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
    EXPECT_TRUE(issuer.credentials()->use_in(context.get()));
    EXPECT_EQ(::fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    ssl.reset(SSL_new(context.get()));
    SSL_set_fd(ssl.get(), fd);
    is_server ? SSL_set_accept_state(ssl.get()) : SSL_set_connect_state(ssl.get());
  }
  ~Stranger() { ::close(SSL_get_fd(ssl.get())); }
  bool shakes_hands() { return SSL_do_handshake(ssl.get()) == 1; }
  void update_keys() {
    SSL_key_update(ssl.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
    SSL_do_handshake(ssl.get());
  }

  SslContextHandle context;
  SslHandle ssl;
};

}  // namespace ringside::net::testing
