// Who is a member, and when a connection is left or closed.
#include "sidecar/net/tls/tls.h"

#include "tests/unit/net/tls/tls_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using testing::Host;
using testing::kCart;
using testing::kNow;
using testing::TestIssuer;
using testing::Wanted;

class TlsTest : public testing::TlsFixture {};

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

TEST_F(TlsTest, AConnectionThatIsBeingLeftDoesNotOutliveARemovedRoot) {
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
