#include "sidecar/discovery/discovery.h"

#include "tests/unit/net/dns_server.h"
#include "tests/unit/net/net_test_support.h"

namespace ringside::discovery {
namespace {

using namespace std::chrono_literals;
using Addresses = std::vector<std::string>;

class Discovering : public net::testing::LoopTest, public core::DiscoverySink {
 protected:
  Discovering() : dns(loop) {
    net::ResolverOptions options;
    options.servers = {dns.address()};
    options.timeout = 300ms;
    resolver = std::make_shared<net::Resolver>(loop, options);
  }
  void discovered(const core::Discovered& all) override {
    (all.complete ? found : partial).push_back(all.addresses);
    missing = all.missing;
  }
  void discovery_failed(const std::string& source, const std::string& why, bool news) override {
    failures.push_back(source + ": " + why);
    if (news) logged.push_back(source + ": " + why);
  }

  void from(const std::vector<config::JoinSource>& sources) {
    discovery = std::make_unique<Discovery>(
        loop, sources, resolver, *this, [] { return 0.5; }, how);
    discovery->start();
  }
  config::JoinSource listed(const Addresses& names) {
    config::JoinStatic hosts;
    for (const std::string& name : names) hosts.hosts.push_back(*core::parse_host_name(name));
    return hosts;
  }
  Addresses next() {
    const std::size_t seen = found.size();
    EXPECT_TRUE(run_until([&] { return found.size() > seen; }));
    return found.empty() ? Addresses{} : found.back();
  }
  Addresses read_again() {
    discovery->read_again();
    return next();
  }
  void fail_again() {
    const std::size_t seen = failures.size();
    discovery->read_again();
    EXPECT_TRUE(run_until([&] { return failures.size() > seen; }));
  }
  std::vector<std::string>& records(const std::string& name) { return dns.records[{name, net::testing::kA}]; }

  net::testing::DnsServer dns;
  std::shared_ptr<net::Resolver> resolver;
  std::unique_ptr<Discovery> discovery;
  std::vector<Addresses> found;    // by whole readings
  std::vector<Addresses> partial;  // by others
  Addresses failures, logged;
  std::string missing;
  DiscoveryOptions how;
};

const std::string kOne("\x0a\0\0\x01", 4);
const std::string kTwo("\x0a\0\0\x02", 4);

TEST_F(Discovering, NoSourceIsAnAnswerFromTheLoop) {
  from({});
  EXPECT_TRUE(found.empty()) << "never inside start()";
  EXPECT_EQ(next(), Addresses{});
}

TEST_F(Discovering, ListsAreTakenInOneSpelling) {
  from({listed({"10.0.0.2:1337", "B.example.:99"}), listed({"10.0.0.2"})});
  EXPECT_EQ(next(), (Addresses{"10.0.0.2", "b.example:99"}));
}

TEST_F(Discovering, NamesAreResolvedAgainAndAgain) {
  records("shop.test") = {kOne};
  from({config::JoinDns{"shop.test", 1337}, config::JoinDns{"shop.test", 99}});
  EXPECT_EQ(next(), (Addresses{"10.0.0.1", "10.0.0.1:99"}));
  records("shop.test") = {kTwo};
  EXPECT_EQ(read_again(), (Addresses{"10.0.0.2", "10.0.0.2:99"}));
}

TEST_F(Discovering, ServiceRecordsCarryThePorts) {
  dns.records[{"_grpc._tcp.shop.test", net::testing::kSrv}] = {net::testing::short_of(0) + net::testing::short_of(0) +
                                                               net::testing::short_of(1400) +
                                                               net::testing::dns_name("a.test")};
  records("a.test") = {kOne};
  from({config::JoinSrv{"_grpc._tcp.shop.test"}});
  EXPECT_EQ(next(), Addresses{"10.0.0.1:1400"});
}

TEST_F(Discovering, AResolverThatStopsAnsweringChangesNothing) {
  records("shop.test") = {kOne};
  from({config::JoinDns{"shop.test", 1337}});
  EXPECT_EQ(next(), Addresses{"10.0.0.1"});
  dns.silent = true;
  fail_again();
  EXPECT_EQ(found.size(), 1U) << "nobody may conclude anything";
  ASSERT_TRUE(run_until([&] { return !partial.empty() && partial.back() == Addresses{"10.0.0.1"}; }));
  EXPECT_NE(failures.back().find("shop.test"), std::string::npos);
  dns.silent = false;
  EXPECT_EQ(read_again(), Addresses{"10.0.0.1"});
}

TEST_F(Discovering, ASilentSourceHidesNothingThatOthersSay) {
  dns.silent = true;
  from({config::JoinDns{"shop.test", 1337}, listed({"10.0.0.7"})});
  ASSERT_TRUE(run_until([&] { return !partial.empty(); })) << "before the silent one is given up";
  EXPECT_EQ(partial.front(), Addresses{"10.0.0.7"});
  ASSERT_TRUE(run_until([&] { return !failures.empty(); }));
  EXPECT_TRUE(found.empty());
}

TEST_F(Discovering, AResolverThatLiesChangesNothing) {
  records("shop.test") = {kOne};
  from({config::JoinDns{"shop.test", 1337}});
  EXPECT_EQ(next(), Addresses{"10.0.0.1"});
  dns.lies = true;
  fail_again();
  EXPECT_EQ(found.size(), 1U);
}

TEST_F(Discovering, NoSuchNameIsAnAnswerButKeepsWhatWasGood) {
  from({config::JoinDns{"shop.test", 1337}});
  records("shop.test") = {kOne};
  EXPECT_EQ(next(), Addresses{"10.0.0.1"});
  EXPECT_TRUE(failures.empty());
  dns.records.clear();
  EXPECT_EQ(read_again(), Addresses{"10.0.0.1"}) << "an answer all the same";
  ASSERT_EQ(logged.size(), 1U);
  EXPECT_NE(logged.front().find("dns:shop.test: has no addresses any more"), std::string::npos) << logged.front();
}

TEST_F(Discovering, ASourceThatNamesNobodyIsNotAnAnswer) {
  from({config::JoinDns{"shop.test", 1337}, listed({"10.0.0.7"})});
  ASSERT_TRUE(run_until([this] { return !failures.empty(); }));
  fail_again();
  EXPECT_TRUE(found.empty()) << "nobody may conclude to be alone";
  EXPECT_EQ(partial.back(), Addresses{"10.0.0.7"}) << "what others name is asked";
  EXPECT_EQ(missing.find("dns:shop.test has no addresses"), 0U) << missing;
  EXPECT_EQ(logged.size(), 1U) << "said once, counted each time";
  records("shop.test") = {kOne};
  EXPECT_EQ(read_again(), (Addresses{"10.0.0.1", "10.0.0.7"}));
  EXPECT_EQ(missing, "");
}

TEST_F(Discovering, ServiceRecordsThatNameNobodyAreNoAnswer) {
  from({config::JoinSrv{"_ringside._tcp.shop.test"}});
  ASSERT_TRUE(run_until([this] { return !failures.empty() && !partial.empty(); }));
  EXPECT_TRUE(found.empty());
  EXPECT_NE(missing.find("has no addresses"), std::string::npos) << missing;
}

TEST_F(Discovering, NobodyWillDoWhereThatIsSaid) {
  how.nobody_will_do = true;
  from({config::JoinDns{"shop.test", 1337}});
  EXPECT_EQ(next(), Addresses{});
  EXPECT_EQ(failures.size(), 1U) << "and is told nevertheless";
  dns.silent = true;
  fail_again();
  EXPECT_EQ(found.size(), 1U) << "a source that cannot be read is another matter";
}

TEST_F(Discovering, AReadingAskedForDuringAnotherComesAfterIt) {
  records("shop.test") = {kOne};
  from({config::JoinDns{"shop.test", 1337}});
  discovery->read_again();
  discovery->read_again();
  ASSERT_TRUE(run_until([this] { return found.size() == 2; }));
}

TEST_F(Discovering, EndedBeforeItsAnswerCameFromTheLoop) {
  from({listed({"10.0.0.2"})});
  discovery.reset();
  settle();
  EXPECT_TRUE(found.empty());
}

TEST_F(Discovering, EndedWhileAsking) {
  dns.silent = true;
  from({config::JoinDns{"shop.test", 1337}});
  ASSERT_TRUE(run_until([this] { return dns.questions > 0; }));
  discovery.reset();
  resolver.reset();
  settle();
  EXPECT_TRUE(found.empty());
}

}  // namespace
}  // namespace ringside::discovery
