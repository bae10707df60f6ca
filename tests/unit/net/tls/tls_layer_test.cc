// What a connection under TLS carries, and how much of it one read takes.
#include "sidecar/net/tls/tls_layer.h"

#include <boost/asio/error.hpp>
#include <sys/socket.h>

#include "tests/unit/net/tls/tls_fixture.h"

namespace ringside::net {
namespace {

using testing::Host;
using testing::kCart;
using testing::Stranger;

class TlsLayerTest : public testing::TlsFixture {};

TEST_F(TlsLayerTest, CarriesBytesBothWays) {
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

TEST_F(TlsLayerTest, WhatWasReadAndNotGivenOnIsReadable) {
  Host server(root.credentials());
  Host client(root.credentials());
  connect(server, client);
  error_code ec;
  (*client_end)->write_some("abc", 3, ec);
  char byte = 0;
  ASSERT_EQ((*server_end)->read_some(&byte, 1, ec), 1u);
  bool readable = false;
  (*server_end)->wait_readable([&] { readable = true; });
  EXPECT_FALSE(readable) << "not inside the wait";
  EXPECT_TRUE(run_until([&] { return readable; }));
  EXPECT_EQ(read(**server_end, ec), "bc");
}

// Whoever sends half of a record and waits must not keep the loop busy.
TEST_F(TlsLayerTest, HalfOfARecordIsNotReadable) {
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
  const auto wait = [&] { at_server.wait_readable([&] { readable = true; }); };
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

TEST_F(TlsLayerTest, OneReadTakesABoundedPartOfWhatHasArrived) {
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

TEST_F(TlsLayerTest, WhoSendsNothingButMessagesOfTlsIsEnded) {
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
    EXPECT_EQ(read(transport, ec), "data") << "a few are not a flood";
    for (int i = 0; i < 20; ++i) other.update_keys();
    EXPECT_EQ(read(transport, ec), "");
    EXPECT_TRUE(ec);
    EXPECT_NE(ec, boost::asio::error::would_block);
    EXPECT_NE(transport.secured()->failure().find("KeyUpdate"), std::string::npos);
    EXPECT_EQ(floods.size(), 1U);
  }
}

}  // namespace
}  // namespace ringside::net
