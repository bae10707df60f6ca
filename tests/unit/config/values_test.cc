#include "sidecar/config/values.h"

#include <string>

#include <gtest/gtest.h>

namespace ringside::config {
namespace {

template <class T>
std::string written(const Read<T>& read) {
  if (!read) return "wrong: " + read.error();
  return to_string(*read);
}

template <class T>
bool refused(const Read<T>& read) {
  return !read;
}

TEST(Values, Listeners) {
  EXPECT_EQ(written(read_listen("127.0.0.1:1380")), "127.0.0.1:1380");
  EXPECT_EQ(written(read_listen("[::1]:0")), "[::1]:0");
  EXPECT_EQ(written(read_listen("[::FFFF:10.0.0.1]:80")), "10.0.0.1:80");
  EXPECT_EQ(written(read_listen("unix:/run/ringside.sock")), "unix:/run/ringside.sock");
  EXPECT_EQ(written(read_listen("unix:///run/ringside.sock")), "unix:/run/ringside.sock");
  EXPECT_EQ(written(read_listen("unix://///run/ringside.sock")), "unix:/run/ringside.sock");
  for (const char* text : {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80",
                           "localhost:80", "127.0.0.1:80x", "unix:", "unix:@abstract", "[::1]", "256.0.0.1:80"}) {
    EXPECT_TRUE(refused(read_listen(text))) << text;
  }
  EXPECT_TRUE(refused(read_listen("unix:/" + std::string(107, 'x'))));
  EXPECT_FALSE(refused(read_listen("unix:/" + std::string(106, 'x'))));
  EXPECT_TRUE(refused(read_tcp_listen("unix:/run/x")));
}

TEST(Values, Loopback) {
  EXPECT_TRUE(is_loopback(TcpListen{"127.8.0.1", 1}));
  EXPECT_TRUE(is_loopback(TcpListen{"::1", 1}));
  EXPECT_TRUE(is_loopback(UnixPath{"/x"}));
  EXPECT_FALSE(is_loopback(TcpListen{"0.0.0.0", 1}));
  EXPECT_FALSE(is_loopback(TcpListen{"::", 1}));
  EXPECT_FALSE(is_loopback(TcpListen{"10.0.0.1", 1}));
}

TEST(Values, JoinSources) {
  EXPECT_EQ(written(read_join("10.0.0.1,10.0.0.2:1338,[FE80:0::1]:1337,Peer.Example.")),
            "10.0.0.1,10.0.0.2:1338,fe80::1,peer.example");
  EXPECT_EQ(written(read_join("dns:Peers.example")), "dns:peers.example");
  EXPECT_EQ(written(read_join("dns:peers.example:1400")), "dns:peers.example:1400");
  EXPECT_TRUE(std::holds_alternative<JoinSrv>(*read_join("dns:_ringside._tcp.peers.example")));
  for (const char* text :
       {"", ",", "10.0.0.1,", "10.0.0.1,,10.0.0.2", "10.0.0.300", "10.0.0.1:0", "10.0.0.1:99999", "a b",
        "dns:", "dns:10.0.0.1", "dns:peers.example:0", "dns:_x._tcp.example:99", "0.0.0.0", "http://10.0.0.1"}) {
    EXPECT_TRUE(refused(read_join(text))) << text;
  }
  for (const char* text : {"k8s:carts", "k8s:carts.shop", "k8s:carts:1400", "k8s:carts.shop:1400"}) {
    EXPECT_EQ(written(read_join(text)), text);
  }
  for (const char* text : {"k8s:", "k8s:10.0.0.1", "k8s:carts.shop.svc", "k8s:carts:0", "k8s:a b", "k8s:.shop"}) {
    EXPECT_TRUE(refused(read_join(text))) << text;
  }
}

TEST(Values, AppUrls) {
  EXPECT_EQ(written(read_app("http://127.0.0.1:8080")), "http://127.0.0.1:8080");
  EXPECT_EQ(written(read_app("http://localhost/")), "http://localhost:80");
  EXPECT_EQ(written(read_app("http://localhost:1337")), "http://localhost:1337");
  EXPECT_EQ(written(read_app("grpc://[::1]:8081")), "grpc://[::1]:8081");
  EXPECT_EQ(written(read_app("http+unix:/run/app.sock")), "http+unix:/run/app.sock");
  EXPECT_EQ(written(read_app("grpc+unix:/run/app.sock")), "grpc+unix:/run/app.sock");
  EXPECT_EQ(written(read_app("h2c://localhost")), "h2c://localhost:80");
  EXPECT_EQ(written(read_app("h2c://127.0.0.1:8080/")), "h2c://127.0.0.1:8080");
  EXPECT_EQ(written(read_app("h2c+unix:/run/app.sock")), "h2c+unix:/run/app.sock");
  for (const char* text :
       {"", "127.0.0.1:8080", "http://", "http://:80", "http://127.0.0.1:0", "http://127.0.0.1:8080/x",
        "http://u@127.0.0.1:80", "grpc://127.0.0.1", "https://127.0.0.1", "http+unix:", "h2c:", "h2://127.0.0.1:80",
        "h2c+unix:", "ftp://x", "http://127.0.0.1:80?x", "HTTP://127.0.0.1:80"}) {
    EXPECT_TRUE(refused(read_app(text))) << text;
  }
  EXPECT_NE(written(read_app("dial")).find("not available yet"), std::string::npos);
}

TEST(Values, HostNames) {
  const auto host = *read_announced_host("[2001:DB8::1]:1337");
  EXPECT_EQ(host.name.to_string(), "2001:db8::1");
  EXPECT_TRUE(host.has_port);
  EXPECT_FALSE(read_announced_host("2001:db8::1")->has_port);
  for (const char* text : {"", "0.0.0.0", "::", "a b", "host:", "host:0", "-x"}) {
    EXPECT_TRUE(refused(read_announced_host(text))) << text;
  }
  EXPECT_EQ(*read_allowed_host("Actors.Example"), "actors.example");
  EXPECT_TRUE(refused(read_allowed_host("actors.example:80")));
  EXPECT_EQ(*read_dns_server("10.0.0.1"), "10.0.0.1:53");
  EXPECT_EQ(*read_dns_server("[::1]:5353"), "[::1]:5353");
  EXPECT_EQ(*read_dns_server("[::ffff:10.0.0.1]"), "10.0.0.1:53");
  for (const char* wrong : {"", "dns.example", "10.0.0.1:0", "10.0.0.1:x", "::1", "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(refused(read_dns_server(wrong))) << wrong;
  }
}

}  // namespace
}  // namespace ringside::config
