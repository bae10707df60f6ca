// Names to addresses, against a DNS server by hand.

#include "sidecar/net/resolver.h"

#include <functional>
#include <optional>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/net/dns_server.h"
#include "tests/unit/net/net_test_support.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;

using testing::dns_name;
using testing::DnsServer;
using testing::kA;
using testing::kAaaa;
using testing::kSrv;
using testing::short_of;

class Resolving : public testing::LoopTest {
 protected:
  Resolving() : dns_(loop) {
    options_.servers = {dns_.address()};
    options_.timeout = 5s;
  }
  Resolver& resolver() {
    if (!resolver_) resolver_ = std::make_unique<Resolver>(loop, options_);
    return *resolver_;
  }
  ResolveResult resolve(const std::string& host, std::uint16_t port) {
    return wait([&](Resolver::Done done) { resolver().resolve(Endpoint{host, port, ""}, std::move(done)); });
  }
  ResolveResult resolve_all(const std::string& host) {
    return wait([&](Resolver::Done done) { resolver().resolve_all(Endpoint{host, 1337, ""}, std::move(done)); });
  }
  ResolveResult srv(const std::string& name) {
    return wait([&](Resolver::Done done) { resolver().resolve_srv(name, std::move(done)); });
  }
  ResolveResult wait(const std::function<void(Resolver::Done)>& ask) {
    std::optional<ResolveResult> result;
    ask([&result](ResolveResult r) { result = std::move(r); });
    EXPECT_FALSE(result) << "never inside the question";
    return came(result);
  }

  ResolveResult came(const std::optional<ResolveResult>& result) {
    EXPECT_TRUE(run_until([&result] { return result.has_value(); }));
    return result ? *result : base::Error(ResolveFailure{"nothing came"});
  }
  static std::vector<Endpoint> found(const ResolveResult& result) { return result ? *result : std::vector<Endpoint>(); }

  DnsServer dns_;
  ResolverOptions options_;
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(Resolving, WhatNeedsNoServer) {
  EXPECT_EQ(found(resolve("10.0.0.1", 5)), (std::vector<Endpoint>{{"10.0.0.1", 5, ""}}));
  EXPECT_EQ(found(resolve("::1", 5)).size(), 1U);
  EXPECT_EQ(found(resolve("localhost", 7)), (std::vector<Endpoint>{{"127.0.0.1", 7, ""}, {"::1", 7, ""}}));
  EXPECT_EQ(dns_.questions, 0);
}

TEST_F(Resolving, AddressesOfBothFamilies) {
  dns_.records[{"hosts.test", kA}] = {{10, 0, 0, 1}, {10, 0, 0, 2}};
  dns_.records[{"hosts.test", kAaaa}] = {std::string("\xfd", 1) + std::string(14, '\0') + "\x07"};
  const ResolveResult result = resolve("hosts.test", 1337);
  ASSERT_TRUE(result) << result.error().why;
  EXPECT_EQ(result->size(), 3U);
  EXPECT_NE(std::find(result->begin(), result->end(), Endpoint{"10.0.0.2", 1337, ""}), result->end());
  EXPECT_NE(std::find(result->begin(), result->end(), Endpoint{"fd00::7", 1337, ""}), result->end());
}

TEST_F(Resolving, ServiceRecords) {
  dns_.records[{"_ringside._tcp.test", kSrv}] = {
      short_of(2) + short_of(0) + short_of(1002) + dns_name("b.test"),
      short_of(1) + short_of(0) + short_of(1001) + dns_name("a.test"),
  };
  dns_.records[{"a.test", kA}] = {{10, 0, 0, 1}};
  dns_.records[{"b.test", kA}] = {{10, 0, 0, 2}};
  const ResolveResult result = srv("_ringside._tcp.test");
  ASSERT_TRUE(result) << result.error().why;
  ASSERT_EQ(result->size(), 2U);
  EXPECT_NE(std::find(result->begin(), result->end(), Endpoint{"10.0.0.1", 1001, ""}), result->end());
  EXPECT_NE(std::find(result->begin(), result->end(), Endpoint{"10.0.0.2", 1002, ""}), result->end());
}

TEST_F(Resolving, AbsentIsNotTheSameAsSilent) {
  const ResolveResult absent = resolve("absent.test", 1);
  ASSERT_FALSE(absent);
  EXPECT_TRUE(absent.error().not_found);
  EXPECT_TRUE(srv("_absent.test").error().not_found);
  dns_.silent = true;
  resolver_.reset();
  options_.timeout = 200ms;
  const ResolveResult silent = resolve("hosts.test", 1);
  ASSERT_FALSE(silent);
  EXPECT_FALSE(silent.error().not_found);
  EXPECT_FALSE(silent.error().why.empty());
}

// A name server or a firewall that drops one kind of question.
TEST_F(Resolving, AFamilyThatIsNeverAnsweredHidesNothingOfTheOther) {
  const std::string v6 = std::string("\xfd", 1) + std::string(14, '\0') + "\x07";
  dns_.records[{"hosts.test", kA}] = {{10, 0, 0, 1}};
  dns_.records[{"hosts.test", kAaaa}] = {v6};
  for (const auto& [silent, came] : {std::pair{kAaaa, "10.0.0.1"}, std::pair{kA, "fd00::7"}}) {
    dns_.silent_about = {silent};
    options_.timeout = 5s;
    resolver_.reset();
    const auto began = Clock::now();
    EXPECT_EQ(found(resolve("hosts.test", 1337)), (std::vector<Endpoint>{{came, 1337, ""}}));
    EXPECT_LT(Clock::now() - began, 3s) << "who wants to connect does not wait for it";
    options_.timeout = 300ms;
    resolver_.reset();
    EXPECT_EQ(found(resolve_all("hosts.test")), (std::vector<Endpoint>{{came, 1337, ""}}));
  }
}

TEST_F(Resolving, AllOfANameWaitsForTheSlowerFamily) {
  dns_.records[{"hosts.test", kA}] = {{10, 0, 0, 1}};
  dns_.records[{"hosts.test", kAaaa}] = {std::string("\xfd", 1) + std::string(14, '\0') + "\x07"};
  dns_.silent_about = {kAaaa};
  std::optional<ResolveResult> result;
  resolver().resolve_all(Endpoint{"hosts.test", 1337, ""}, [&result](ResolveResult r) { result = std::move(r); });
  ASSERT_TRUE(run_until([this] { return dns_.questions >= 2; }));
  dns_.silent_about.clear();  // it answers when it is asked again
  EXPECT_EQ(found(came(result)).size(), 2U);
}

TEST_F(Resolving, OfServiceRecordsCountsWhatHasCome) {
  dns_.records[{"_ringside._tcp.test", kSrv}] = {
      short_of(1) + short_of(0) + short_of(1001) + dns_name("a.test"),
      short_of(2) + short_of(0) + short_of(1002) + dns_name("b.test"),
  };
  dns_.records[{"a.test", kA}] = {{10, 0, 0, 1}};
  dns_.silent_about = {kAaaa};
  options_.timeout = 300ms;
  EXPECT_EQ(found(srv("_ringside._tcp.test")), (std::vector<Endpoint>{{"10.0.0.1", 1001, ""}}));
}

TEST_F(Resolving, NoAddressesOfOneFamilyAndSilenceAboutTheOtherIsSilence) {
  dns_.records[{"hosts.test", kAaaa}] = {};
  dns_.silent_about = {kAaaa};
  options_.timeout = 300ms;
  const ResolveResult result = resolve_all("hosts.test");
  ASSERT_FALSE(result);
  EXPECT_FALSE(result.error().not_found);
}

TEST_F(Resolving, GarbageIsAFailure) {
  dns_.lies = true;
  options_.timeout = 500ms;
  dns_.records[{"hosts.test", kA}] = {{10, 0, 0, 1}};
  const ResolveResult result = resolve("hosts.test", 1);
  EXPECT_FALSE(result);
}

TEST_F(Resolving, CancelledAndDestroyedAsksNobodyBack) {
  dns_.silent = true;
  const auto query = resolver().resolve(Endpoint{"a.test", 1, ""}, [](const ResolveResult&) { FAIL(); });
  ASSERT_TRUE(run_until([this] { return dns_.questions > 0; }));
  resolver().cancel(query);
  resolver().resolve(Endpoint{"b.test", 1, ""}, [](const ResolveResult&) { FAIL(); });
  resolver().resolve(Endpoint{"127.0.0.1", 1, ""}, [](const ResolveResult&) { FAIL(); });
  resolver_.reset();
  settle();
}

}  // namespace
}  // namespace ringside::net
