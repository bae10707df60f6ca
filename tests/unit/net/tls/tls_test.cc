#include "sidecar/net/tls/tls.h"

#include <map>

#include <boost/asio/error.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sidecar/net/tls/tls_handshake.h"
#include "tests/unit/net/net_test_support.h"
#include "tests/unit/net/tls/test_certificates.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using testing::kCart;
using testing::kNow;
using testing::TestIssuer;
using testing::Wanted;

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

class TlsTest : public testing::LoopTest {
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
    handshake->start(5s, [&ended](base::Result<Transport, std::string> result) { ended = std::move(result); });
  }

  // What one end reads once the other has said so much.
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

TEST_F(TlsTest, CarriesBytesBothWays) {
  Host server(root.credentials());
  Host client(root.credentials());
  connect(server, client);
  ASSERT_TRUE(*server_end) << server_end->error();
  ASSERT_TRUE(*client_end) << client_end->error();
  Transport& one = **server_end;
  Transport& other = **client_end;
  EXPECT_EQ(one.secured()->peer()->identity, kCart);
  EXPECT_TRUE(one.secured()->peer()->member);
  error_code ec;
  EXPECT_EQ(read(other, ec), "");
  EXPECT_EQ(ec, boost::asio::error::would_block);
  const std::string much(40'000, 'x');
  std::size_t written = 0;
  while (written < much.size()) written += other.write_some(much.data() + written, much.size() - written, ec);
  EXPECT_EQ(read(one, ec), much) << "several records at once";
  one.write_some("done", 4, ec);
  EXPECT_EQ(read(other, ec), "done");
  EXPECT_EQ(client.results[HandshakeResult::kOk], 1);
  EXPECT_EQ(server.results[HandshakeResult::kOk], 1);
  EXPECT_EQ(server.tls->connections(TlsSide::kServer), 1u);
  one.close();
  EXPECT_EQ(read(other, ec), "");
  EXPECT_EQ(ec, boost::asio::error::eof);
}

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

TEST_F(TlsTest, WhoSendsNothingButMessagesOfTlsIsEnded) {
  for (const TlsSide side : {TlsSide::kServer, TlsSide::kClient}) {
    std::vector<std::string> floods;
    TlsOptions options;
    options.on_flood = [&](TlsSide at, const std::string&, const std::string& why) {
      EXPECT_EQ(at, side);
      floods.push_back(why);
    };
    Host host(root.credentials(), std::move(options));
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    server_end.reset();
    begin(host, ends[0], side, server_end);
    Stranger other(root, ends[1], side == TlsSide::kClient);
    ASSERT_TRUE(run_until([&] { return other.shakes_hands() && server_end.has_value(); }));
    ASSERT_TRUE(*server_end) << server_end->error();
    Transport& transport = **server_end;
    error_code ec;
    for (int i = 0; i < 20; ++i) other.update_keys();
    SSL_write(other.ssl.get(), "data", 4);
    EXPECT_EQ(read(transport, ec), "data") << "some are nobody's misdeed";
    for (int i = 0; i < 20; ++i) other.update_keys();
    EXPECT_EQ(read(transport, ec), "");
    EXPECT_TRUE(ec);
    EXPECT_NE(ec, boost::asio::error::would_block);
    EXPECT_NE(transport.secured()->failure().find("KeyUpdate"), std::string::npos);
    EXPECT_EQ(floods.size(), 1U);
  }
}

TEST_F(TlsTest, OneReadTakesABoundedPartOfWhatHasArrived) {
  Host host(root.credentials());
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const int much = 1 << 20;
  ::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &much, sizeof much);
  begin(host, ends[0], TlsSide::kServer, server_end);
  Stranger other(root, ends[1], false);
  ASSERT_TRUE(run_until([&] { return other.shakes_hands() && server_end.has_value(); }));
  ASSERT_TRUE(*server_end) << server_end->error();
  BIO* records = BIO_new(BIO_s_mem());
  SSL_set0_wbio(other.ssl.get(), records);
  for (int i = 0; i < 5'000; ++i) ASSERT_EQ(SSL_write(other.ssl.get(), "x", 1), 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(records, &bytes);
  ASSERT_EQ(::send(ends[1], bytes, static_cast<std::size_t>(size), 0), size) << "records of one byte each";
  error_code ec;
  const std::size_t at_once = read(**server_end, ec).size();
  EXPECT_GT(at_once, 2'000U);
  EXPECT_LT(at_once, 4'000U);
  EXPECT_EQ(at_once + read(**server_end, ec).size(), 5'000U);
}

TEST_F(TlsTest, AKeyExchangeThatCostsMuchIsRefused) {
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

TEST_F(TlsTest, WhatWasReadAndNotGivenOnIsReadable) {
  Host server(root.credentials());
  Host client(root.credentials());
  connect(server, client);
  error_code ec;
  (*client_end)->write_some("abc", 3, ec);
  char byte = 0;
  ASSERT_EQ((*server_end)->read_some(&byte, 1, ec), 1u);
  bool readable = false;
  (*server_end)->wait_readable([&](error_code wait_ec) { readable = !wait_ec; });
  EXPECT_FALSE(readable) << "not inside the wait";
  EXPECT_TRUE(run_until([&] { return readable; }));
  EXPECT_EQ(read(**server_end, ec), "bc");
}

// Whoever sends half of a record and waits must not keep the loop busy.
TEST_F(TlsTest, HalfOfARecordIsNotReadable) {
  Host server(root.credentials());
  Host client(root.credentials());
  int near_server[2];
  int near_client[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, near_server), 0);
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, near_client), 0);
  begin(server, near_server[0], TlsSide::kServer, server_end);
  begin(client, near_client[0], TlsSide::kClient, client_end);
  testing::RawSocket to_server(near_server[1]);
  testing::RawSocket to_client(near_client[1]);
  const auto pass_on = [](testing::RawSocket& from, testing::RawSocket& to, std::size_t most) {
    from.pump();
    to.send(from.input().substr(0, most));
    from.input().erase(0, most);
  };
  ASSERT_TRUE(run_until([&] {
    pass_on(to_client, to_server, std::string::npos);
    pass_on(to_server, to_client, std::string::npos);
    return server_end && client_end;
  }));
  Transport& at_server = **server_end;
  error_code ec;
  (*client_end)->write_some("hello", 5, ec);
  pass_on(to_client, to_server, 10);
  bool readable = false;
  const auto wait = [&] { at_server.wait_readable([&](error_code wait_ec) { readable = !wait_ec; }); };
  wait();
  ASSERT_TRUE(run_until([&] { return readable; })) << "the socket is";
  EXPECT_EQ(read(at_server, ec), "");
  EXPECT_EQ(ec, boost::asio::error::would_block);
  readable = false;
  wait();
  settle();
  EXPECT_FALSE(readable);
  pass_on(to_client, to_server, std::string::npos);
  ASSERT_TRUE(run_until([&] { return readable; }));
  EXPECT_EQ(read(at_server, ec), "hello");
}

TEST_F(TlsTest, AServersRefusalReachesTheClientInWords) {
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

TEST_F(TlsTest, AClientTalksToMembersOnly) {
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

TEST_F(TlsTest, ACallerIsTold) {
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

TEST_F(TlsTest, APlaintextServerIsCalledByItsName) {
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

TEST_F(TlsTest, AHandshakeThatDoesNotGoOnEnds) {
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

// What a connection's owner is told to do.
struct Told {
  bool leave = false;
  std::string closed_because;
  void listen(Transport& transport) {
    transport.secured()->set_owner(
        {[this] { leave = true; }, [this](const std::string& why) { closed_because = why; }});
  }
};

TEST_F(TlsTest, AConnectionIsLeftBeforeItsCertificateRunsOutAndClosedThen) {
  Wanted short_lived;
  short_lived.ends = 30min;
  TlsOptions options;
  options.clock_skew = 1min;
  Host server(root.credentials(), std::move(options));
  Host client(root.credentials(short_lived));
  connect(server, client);
  Told told;
  told.listen(**server_end);
  server.wall = kNow + 30min;
  server.tls->check_connections();
  EXPECT_FALSE(told.leave) << "clocks may differ";
  server.wall = kNow + 31min - 9s;
  server.tls->check_connections();
  EXPECT_TRUE(told.leave);
  EXPECT_EQ(told.closed_because, "");
  server.wall = kNow + 31min;
  server.tls->check_connections();
  EXPECT_NE(told.closed_because.find("runs out"), std::string::npos) << told.closed_because;
}

TEST_F(TlsTest, AConnectionWhoseRootWasRemovedIsLeft) {
  const TestIssuer other("other");
  CredentialTexts both = root.texts();
  both.roots += other.pem();
  const auto texts_of_client = [&] {
    CredentialTexts texts = other.texts();
    texts.roots = both.roots;
    return texts;
  }();
  Host server(*Credentials::read(both, kNow, 1min));
  Host client(*Credentials::read(texts_of_client, kNow, 1min));
  connect(server, client);
  ASSERT_TRUE(*server_end) << server_end->error();
  Told told;
  told.listen(**server_end);
  server.tls->check_connections();
  EXPECT_FALSE(told.leave);
  ASSERT_TRUE(server.tls->use(root.credentials()));
  server.tls->check_connections();
  EXPECT_TRUE(told.leave);
}

TEST_F(TlsTest, AConnectionThatIsLeftAlreadyOutlivesNoRemovedRootEither) {
  const TestIssuer other("other");
  CredentialTexts both = root.texts();
  both.roots += other.pem();
  CredentialTexts texts_of_client = other.texts();
  texts_of_client.roots = both.roots;
  TlsOptions options;
  options.max_age = 0ms;
  Host server(*Credentials::read(both, kNow, 1min), std::move(options));
  Host client(*Credentials::read(texts_of_client, kNow, 1min));
  connect(server, client);
  Told told;
  told.listen(**server_end);
  server.tls->check_connections();
  EXPECT_TRUE(told.leave) << "by its age";
  EXPECT_EQ(told.closed_because, "");
  ASSERT_TRUE(server.tls->use(root.credentials(), Clock::now() - 8s));
  server.tls->check_connections();
  EXPECT_EQ(told.closed_because, "") << "what is under way has 9 s from when the root was still there";
  ASSERT_TRUE(server.tls->use(root.credentials(), Clock::now() - 9s));
  server.tls->check_connections();
  EXPECT_NE(told.closed_because.find("no root of --tls-roots"), std::string::npos) << told.closed_because;
}

TEST_F(TlsTest, AConnectionIsLeftByWhoeverShowsAnotherCertificateNow) {
  const CredentialTexts texts = root.texts();
  Host server(root.credentials());
  Host client(*Credentials::read(texts, kNow, 1min));
  connect(server, client);
  Told told_server;
  Told told_client;
  told_server.listen(**server_end);
  told_client.listen(**client_end);
  const auto check = [&] {
    server.tls->check_connections();
    client.tls->check_connections();
  };
  CredentialTexts more = texts;
  more.roots += TestIssuer("other").pem();
  ASSERT_TRUE(client.tls->use(*Credentials::read(more, kNow, 1min)));
  check();
  EXPECT_FALSE(told_client.leave) << "other roots are nothing that the other end sees";
  ASSERT_TRUE(client.tls->use(root.credentials()));
  check();
  EXPECT_TRUE(told_client.leave);
  EXPECT_FALSE(told_server.leave);
  ASSERT_TRUE(server.tls->use(root.credentials()));
  check();
  EXPECT_TRUE(told_server.leave);
  EXPECT_EQ(told_server.closed_because + told_client.closed_because, "") << "what is under way may end";
}

TEST_F(TlsTest, AnOldConnectionIsLeft) {
  TlsOptions options;
  options.max_age = 0ms;
  Host server(root.credentials(), std::move(options));
  Host client(root.credentials());
  connect(server, client);
  Told told_server;
  Told told_client;
  told_server.listen(**server_end);
  told_client.listen(**client_end);
  server.tls->check_connections();
  client.tls->check_connections();
  EXPECT_TRUE(told_server.leave);
  EXPECT_FALSE(told_client.leave);
}

TEST_F(TlsTest, AnIdentityThatIsNotOneMakesNobodyAMember) {
  for (const char* name : {"URI:https://example.org/cart", "URI:spiffe://example.org/*"}) {
    Wanted odd;
    odd.names.assign(1, name);
    const auto credentials = Credentials::parse(root.texts(odd), 1min);
    ASSERT_TRUE(credentials) << credentials.error();
    Tls tls({});
    const auto used = tls.use(*credentials);
    ASSERT_FALSE(used) << name;
    EXPECT_NE(used.error().find("is not a SPIFFE id"), std::string::npos) << used.error();
  }
}

TEST_F(TlsTest, AConnectionThatEndsBeforeTheServerSpeaksIsTold) {
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

TEST_F(TlsTest, WithoutOneNameItMustBeToldWhoIsAMember) {
  Wanted two;
  two.names = {"DNS:a.example.org", "DNS:b.example.org"};
  Tls tls({});
  const auto used = tls.use(root.credentials(two));
  ASSERT_FALSE(used);
  EXPECT_NE(used.error().find("--member-id dns:NAME"), std::string::npos) << used.error();
  Wanted one;
  one.names.assign(1, "DNS:a.example.org");
  ASSERT_TRUE(tls.use(root.credentials(one)));
  EXPECT_EQ(tls.members_told(), "dns:a.example.org");
  Wanted any;
  any.names.assign(1, "DNS:*.example.org");
  const auto wild = tls.use(root.credentials(any));
  ASSERT_FALSE(wild);
  EXPECT_NE(wild.error().find("one with a * names nobody"), std::string::npos) << wild.error();
  TlsOptions twice;
  twice.members = {*base::IdentityPattern::parse(kCart), *base::IdentityPattern::parse(kCart)};
  Tls of_carts(std::move(twice));
  ASSERT_TRUE(of_carts.use(root.credentials()));
  EXPECT_EQ(of_carts.members_told(), kCart) << "an id that is given twice is told once";
}

}  // namespace
}  // namespace ringside::net
