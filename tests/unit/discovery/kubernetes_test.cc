#include "sidecar/discovery/kubernetes.h"

#include <filesystem>
#include <fstream>

#include "tests/unit/discovery/fake_api_server.h"
#include "tests/unit/net/net_test_support.h"

namespace ringside::discovery {
namespace {

using namespace std::chrono_literals;
using testing::FakeApiServer;
using testing::slice;
using testing::slice_list;
using Addresses = std::vector<std::string>;

class Watching : public net::testing::LoopTest {
 protected:
  Watching() : directory(::testing::TempDir() + "/ringside-account-" + std::to_string(::getpid())) {
    std::filesystem::create_directories(directory);
    write("token", "one\n");
    write("namespace", "shop");
    server = std::make_unique<FakeApiServer>(loop, directory);
    access.server = server->endpoint();
    access.account = directory;
    access.first_pause = 2ms;
    access.longest_pause = 20ms;
    access.patience = 2s;
  }
  ~Watching() override { std::filesystem::remove_all(directory); }

  void write(const char* name, const std::string& text) { std::ofstream(directory + "/" + name) << text; }
  void begin(const config::JoinKubernetes& from = {"carts", "", 1337}) {
    resolver = std::make_shared<net::Resolver>(loop, net::ResolverOptions{});
    service = std::make_unique<KubernetesService>(
        loop, from, access, resolver, [] { return 0.5; }, [this] { ++changes; });
    service->start();
  }
  // The next request that the server gets.
  FakeApiServer::Request& next() {
    EXPECT_TRUE(run_until([this] { return server->requests.size() > seen; }));
    return server->requests.at(seen++);
  }
  // Lists some addresses, and returns the watch that follows.
  FakeApiServer::Request& listed(const Addresses& addresses) {
    begin();
    next().answer(200, slice_list("7", {slice("a", "5", addresses)}));
    FakeApiServer::Request& watch = next();
    EXPECT_TRUE(watch.is_watch());
    watch.begin();
    return watch;
  }
  [[nodiscard]] bool becomes(const Addresses& addresses) {
    return run_until([&] { return service->addresses() == addresses; });
  }
  [[nodiscard]] bool complains(const std::string& words) {
    return run_until([&] { return service->problem().find(words) != std::string::npos; });
  }

  std::string directory;
  std::unique_ptr<FakeApiServer> server;
  KubernetesAccess access;
  std::shared_ptr<net::Resolver> resolver;
  std::unique_ptr<KubernetesService> service;
  std::size_t seen = 0;
  int changes = 0;
};

TEST_F(Watching, ListsAndThenWatchesFromTheListsVersion) {
  begin();
  const auto& list = next();
  EXPECT_EQ(
      list.target,
      "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dcarts");
  EXPECT_EQ(list.token, "one");
  EXPECT_FALSE(service->answered());
  list.answer(200, slice_list("7", {slice("a", "5", {"10.0.0.2", "10.0.0.1"}), slice("b", "6", {"fd00::3"})}));
  auto& watch = next();
  EXPECT_NE(watch.target.find("&watch=1&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds="),
            std::string::npos);
  EXPECT_EQ(service->addresses(), (Addresses{"10.0.0.1", "10.0.0.2", "fd00::3"}));
  EXPECT_EQ(service->problem(), "");
  watch.begin();
  watch.event("MODIFIED", slice("a", "8", {"10.0.0.9"}));
  ASSERT_TRUE(becomes({"10.0.0.9", "fd00::3"}));
  watch.event("ADDED", slice("c", "9", {"10.0.0.8!"}));
  ASSERT_TRUE(becomes({"10.0.0.8", "10.0.0.9", "fd00::3"})) << "a pod that ends may still own actors";
  watch.event("DELETED", slice("b", "10", {"fd00::3"}));
  ASSERT_TRUE(becomes({"10.0.0.8", "10.0.0.9"}));
}

TEST_F(Watching, AnotherNamespaceAndPort) {
  begin({"carts", "other", 1400});
  const auto& list = next();
  EXPECT_NE(list.target.find("/namespaces/other/"), std::string::npos);
  list.answer(200, slice_list("7", {slice("a", "5", {"10.0.0.1", "fd00::1"})}));
  ASSERT_TRUE(becomes({"10.0.0.1:1400", "[fd00::1]:1400"}));
}

TEST_F(Watching, GoesOnFromTheLastVersionWithANewToken) {
  auto& watch = listed({"10.0.0.1"});
  watch.event("BOOKMARK", R"({"kind":"EndpointSlice","metadata":{"resourceVersion":"99"}})");
  write("token", "two");
  watch.write("0\r\n\r\n");
  const auto& again = next();
  EXPECT_NE(again.target.find("resourceVersion=99&"), std::string::npos);
  EXPECT_EQ(again.token, "two") << "the kubelet replaces it";
  EXPECT_EQ(service->problem(), "");
}

TEST_F(Watching, AVersionThatIsTooOldIsListedAnew) {
  auto& watch = listed({"10.0.0.1"});
  watch.event("ERROR", R"({"kind":"Status","code":410,"message":"too old resource version"})");
  auto& list = next();
  EXPECT_FALSE(list.is_watch());
  EXPECT_EQ(service->problem(), "");
  list.answer(200, slice_list("50", {slice("a", "49", {"10.0.0.4"})}));
  ASSERT_TRUE(becomes({"10.0.0.4"}));
  next().answer(410, "{}");
  EXPECT_FALSE(next().is_watch());
}

TEST_F(Watching, AServerThatFailsChangesNothingAndIsAskedLessAndLess) {
  auto& watch = listed({"10.0.0.1"});
  watch.close();
  ASSERT_TRUE(complains("broke off"));
  for (const char* wrong : {"", "{", "[]", "{\"kind\":\"PodList\"}", "null", "\"x\""}) {
    next().answer(200, wrong);
    ASSERT_TRUE(run_until([&] { return server->requests.size() > seen; })) << "asks again after " << wrong;
    EXPECT_EQ(service->addresses(), Addresses{"10.0.0.1"});
  }
  next().answer(500, "oops");
  ASSERT_TRUE(complains("answers 500"));
  next().answer(200, slice_list("60", {slice("a", "59", {"10.0.0.5"})}));
  ASSERT_TRUE(becomes({"10.0.0.5"}));
  EXPECT_EQ(service->problem(), "");
}

TEST_F(Watching, GarbageInAWatchIsNoEvent) {
  auto& watch = listed({"10.0.0.1"});
  watch.event("MODIFIED", "17");
  ASSERT_TRUE(complains("not an event"));
  EXPECT_FALSE(next().is_watch());
  EXPECT_EQ(service->addresses(), Addresses{"10.0.0.1"});
}

TEST_F(Watching, NoRightsAreSaidInWords) {
  begin();
  next().answer(403, R"({"kind":"Status","message":"endpointslices is forbidden: User \"x\" cannot list"})");
  ASSERT_TRUE(complains("403: endpointslices is forbidden"));
  EXPECT_NE(service->problem().find("get, list and watch"), std::string::npos);
  EXPECT_TRUE(service->answered());
  EXPECT_GT(changes, 0);
}

TEST_F(Watching, AnEmptyServiceIsAProblemAndKeepsWhatWasGood) {
  auto& watch = listed({"10.0.0.1"});
  watch.event("MODIFIED", slice("a", "8", {}));
  ASSERT_TRUE(complains("no endpoints"));
  EXPECT_EQ(service->addresses(), Addresses{"10.0.0.1"});
}

TEST_F(Watching, AloneOnlyInAListThatNamesThisHost) {
  access.self = "10.0.0.2";
  auto& watch = listed({"10.0.0.1", "10.0.0.2!"});
  ASSERT_TRUE(complains("this host, 10.0.0.2, is not among")) << "the one that ends was another pod with this address";
  watch.event("MODIFIED", slice("a", "8", {"10.0.0.1", "10.0.0.2"}));
  ASSERT_TRUE(run_until([this] { return service->problem().empty(); }));
}

TEST_F(Watching, AServerThatNeverAnswersIsGivenUp) {
  access.patience = 50ms;
  begin();
  ASSERT_TRUE(complains("no answer"));
}

TEST_F(Watching, AServerThatFallsSilentIsGivenUp) {
  access.patience = 1s;  // it covers the TLS handshake too, which takes a while on a busy machine
  begin();
  next().write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{");
  ASSERT_TRUE(complains("silent"));
}

TEST_F(Watching, AServerOfAnotherNameIsNotTrusted) {
  server = std::make_unique<FakeApiServer>(loop, directory, "10.9.9.9");
  access.server = server->endpoint();
  begin();
  ASSERT_TRUE(complains("TLS: certificate verify failed"));
  EXPECT_TRUE(server->requests.empty()) << "it never saw the token";
}

TEST_F(Watching, AnotherAuthorityIsNotTrusted) {
  FakeApiServer::make_certificate(directory, "127.0.0.1");
  begin();
  ASSERT_TRUE(complains("TLS: certificate verify failed"));
  EXPECT_TRUE(server->requests.empty());
}

TEST_F(Watching, NoAccountIsSaidInWords) {
  std::filesystem::remove(directory + "/token");
  begin();
  EXPECT_FALSE(service->answered()) << "never within start()";
  ASSERT_TRUE(complains("automountServiceAccountToken"));
}

TEST_F(Watching, NobodyListens) {
  access.server = net::testing::unused_endpoint();
  begin();
  ASSERT_TRUE(complains("connecting to 127.0.0.1"));
}

TEST_F(Watching, EndsWithItsWatch) {
  auto& watch = listed({"10.0.0.1"});
  settle();
  service.reset();
  ASSERT_TRUE(run_until([&] { return *watch.closed; }));
}

TEST(EndpointSlices, OneAddressForEachPod) {
  const auto both = parse_slice_list(R"({"kind":"EndpointSliceList","metadata":{"resourceVersion":"1"},"items":[
    {"metadata":{"name":"v4"},"endpoints":[{"addresses":["10.0.0.1"],"targetRef":{"uid":"a"}},{"addresses":["10.0.0.2"],"targetRef":{"uid":"b"}}]},
    {"metadata":{"name":"v6"},"endpoints":[{"addresses":["FD00::1"],"targetRef":{"uid":"a"}},{"addresses":["fd00::3"],"targetRef":{"uid":"c"}}]},
    {"metadata":{"name":"odd"},"endpoints":[{"addresses":["a.example",7],"targetRef":4},null,{"addresses":{}}]},
    {"metadata":{"name":"none"},"endpoints":null}]})");
  ASSERT_TRUE(both);
  EXPECT_EQ(pod_addresses(both->slices, "10.0.0.1"), (Addresses{"10.0.0.1", "10.0.0.2", "fd00::3"}));
  EXPECT_EQ(pod_addresses(both->slices, "fd00::1"), (Addresses{"10.0.0.2", "fd00::1", "fd00::3"}));
  EXPECT_TRUE(lists(both->slices, "fd00::1"));
  EXPECT_FALSE(lists(both->slices, "fd00::9"));
}

TEST(KubernetesServer, IsFoundInTheEnvironment) {
  std::map<std::string, std::string> all;
  const auto environment = [&](const char* name) -> const char* {
    const auto found = all.find(name);
    return found == all.end() ? nullptr : found->second.c_str();
  };
  EXPECT_FALSE(kubernetes_server(environment));
  all = {{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
  EXPECT_EQ(kubernetes_server(environment)->to_string(), "10.96.0.1:443");
  all["KUBERNETES_SERVICE_PORT_HTTPS"] = "6443";
  all["KUBERNETES_SERVICE_HOST"] = "FD00::0:1";
  EXPECT_EQ(kubernetes_server(environment)->to_string(), "[fd00::1]:6443");
  all["KUBERNETES_SERVICE_PORT_HTTPS"] = "tcp://10.96.0.1:443";
  EXPECT_FALSE(kubernetes_server(environment));
}

}  // namespace
}  // namespace ringside::discovery
