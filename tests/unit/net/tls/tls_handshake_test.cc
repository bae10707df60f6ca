// Who is let in, and what either side hears of a refusal.
#include "sidecar/net/tls/tls_handshake.h"

#include <boost/asio/error.hpp>
#include <sys/socket.h>

#include "tests/unit/net/tls/tls_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using testing::Host;
using testing::kCart;
using testing::Stranger;
using testing::Wanted;

class TlsHandshakeTest : public testing::TlsFixture {};

TEST_F(TlsHandshakeTest, AServersRefusalReachesTheClientInWords) {
  Host server(root.credentials());
  Wanted other;
  other.names.assign(1, "URI:spiffe://example.org/ns/shop/sa/other");
  TlsOptions any;
  any.members = {*base::IdentityPattern::parse("spiffe://example.org/*")};
  Host client(root.credentials(other), std::move(any));
  connect(server, client);
  ASSERT_FALSE(*server_end);
  EXPECT_EQ(server.results[HandshakeResult::kIdentity], 1);
  EXPECT_NE(server.last_why.find("found spiffe://example.org/ns/shop/sa/other"), std::string::npos) << server.last_why;
  EXPECT_NE(server.last_why.find(std::string("wanted is a member, ") + kCart), std::string::npos) << server.last_why;
  ASSERT_TRUE(*client_end) << "with TLS 1.3 it hears of that later";
  EXPECT_EQ(client.results[HandshakeResult::kOk], 0) << "and takes itself for let in no sooner";
  error_code ec;
  EXPECT_EQ(read(**client_end, ec), "");
  EXPECT_TRUE(ec);
  EXPECT_EQ(client.results[HandshakeResult::kRefusedByPeer], 1);
  EXPECT_NE((*client_end)->secured()->failure().find("takes no certificate like ours"), std::string::npos);
}

TEST_F(TlsHandshakeTest, AClientTalksToMembersOnly) {
  Wanted other;
  other.names.assign(1, "URI:spiffe://example.org/ns/shop/sa/other");
  Host server(root.credentials(other));
  TlsOptions options;
  options.callers = {*base::IdentityPattern::parse("spiffe://example.org/*")};
  Host client(root.credentials(), std::move(options));
  connect(server, client);
  ASSERT_FALSE(*client_end);
  EXPECT_EQ(client.results[HandshakeResult::kIdentity], 1) << "one that may call here is not one to be called";
}

TEST_F(TlsHandshakeTest, ACallerIsTold) {
  TlsOptions options;
  options.callers = {*base::IdentityPattern::parse("spiffe://example.org/ns/web/sa/gateway")};
  Host server(root.credentials(), std::move(options));
  Wanted gateway;
  gateway.names.assign(1, "URI:spiffe://example.org/ns/web/sa/gateway");
  TlsOptions carts;
  carts.members = {*base::IdentityPattern::parse(kCart)};
  Host client(root.credentials(gateway), std::move(carts));
  connect(server, client);
  ASSERT_TRUE(*server_end) << server_end->error();
  EXPECT_FALSE((*server_end)->secured()->peer()->member);
}

TEST_F(TlsHandshakeTest, APlaintextServerIsCalledByItsName) {
  Host client(root.credentials());
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  testing::RawSocket server(ends[0]);
  begin(client, ends[1], TlsSide::kClient, client_end);
  server.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  ASSERT_TRUE(run_until([this] { return client_end.has_value(); }));
  ASSERT_FALSE(*client_end);
  EXPECT_NE(client_end->error().find("speaks plaintext"), std::string::npos) << client_end->error();
  EXPECT_EQ(client.results[HandshakeResult::kPlaintext], 1);
}

TEST_F(TlsHandshakeTest, AConnectionThatEndsBeforeTheServerSpeaksIsTold) {
  Host server(root.credentials());
  Host client(root.credentials());
  connect(server, client);
  ASSERT_TRUE(*server_end) << server_end->error();
  (*server_end)->close();
  error_code ec;
  EXPECT_EQ(read(**client_end, ec), "");
  EXPECT_EQ(ec, boost::asio::error::eof);
  EXPECT_EQ(client.results[HandshakeResult::kClosed], 1);
  EXPECT_NE(client.last_why.find("before the other end had said anything"), std::string::npos) << client.last_why;
}

TEST_F(TlsHandshakeTest, AHandshakeThatDoesNotGoOnEnds) {
  Host server(root.credentials());
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  testing::RawSocket client(ends[1]);
  error_code ec;
  const auto handshake = std::make_shared<TlsHandshake>(loop, TlsUse{server.tls, queue},
                                                        Transport::from_fd(loop, ends[0], ec), TlsSide::kServer, false);
  handshake->start(50ms, [this](base::Result<Transport, std::string> result) { server_end = std::move(result); });
  client.send("\x16\x03\x01");
  ASSERT_TRUE(run_until([this] { return server_end.has_value(); }));
  EXPECT_FALSE(*server_end);
  EXPECT_EQ(server.results[HandshakeResult::kTimeout], 1);
  EXPECT_TRUE(run_until([&] { return client.over(); }));
}

TEST_F(TlsHandshakeTest, AKeyExchangeThatCostsMuchIsRefused) {
  for (const char* group : {"ffdhe2048", "P-521", "X448"}) {
    Host host(root.credentials());
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    server_end.reset();
    begin(host, ends[0], TlsSide::kServer, server_end);
    Stranger other(root, ends[1], false);
    ASSERT_EQ(SSL_set1_groups_list(other.ssl.get(), group), 1);
    ASSERT_TRUE(run_until([&] { return other.shakes_hands() || server_end.has_value(); }));
    ASSERT_TRUE(server_end.has_value()) << group;
    EXPECT_FALSE(*server_end) << group;
  }
}

}  // namespace
}  // namespace ringside::net
