#include "sidecar/admin/admin_api.h"

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "sidecar/net/http1/http1_client.h"
#include "tests/unit/local/fake_gateway.h"
#include "tests/unit/net/net_fixture.h"

namespace ringside::admin {
namespace {

// What a handler answers to a request that no connection has brought.
net::HttpResponse answered(const net::HttpHandler& handler, net::HttpRequest request) {
  std::optional<net::HttpResponse> answer;
  struct Sink final : net::HttpReply::Sink {
    explicit Sink(std::optional<net::HttpResponse>& to) : answer(to) {}
    void respond(net::HttpResponse response) override { answer = std::move(response); }
    std::unique_ptr<net::HttpStream> stream(net::HttpResponse, net::HttpStream::Events) override { return nullptr; }
    void drop() override {}
    void on_cancel(absl::AnyInvocable<void()>) override {}
    void on_input_end(absl::AnyInvocable<void()>) override {}
    bool input_ended() const override { return false; }
    std::optional<net::HttpResponse>& answer;
  };
  handler(std::move(request), net::HttpReply(std::make_shared<Sink>(answer)));
  return answer.value_or(net::HttpResponse());
}

class Admin : public net::testing::LoopTest {
 protected:
  Admin()
      : metrics(gateway, "1.2.3"),
        history([this] { return wall_ms; }),
        events(loop, history, {.self = "10.0.0.7", .most = 2}),
        api(gateway, metrics, events, kConnections) {
    gateway.state.host = "10.0.0.7";
    gateway.state.phase = core::Phase::kReady;
    auto options = net::testing::on_loopback();
    options.http1.emplace().handler = api.handler();
    options.http1->when_full = api.handler_when_full();
    options.slots = std::make_shared<net::Budget>(kConnections);
    listener = net::testing::serve(loop, std::move(options));
    net::Http1ClientOptions to;
    to.endpoint = listener->local_address();
    client = std::make_unique<net::Http1Client>(loop, to);
  }
  ~Admin() override {
    client->close();
    listener->close();
  }
  net::Http1Client::RequestId ask(const std::string& method, const std::string& target) {
    got.reset();
    net::HttpRequest request;
    request.method = method;
    request.target = target;
    return client->request(request, std::nullopt, [this](net::HttpResult result) { got = std::move(result); });
  }
  net::HttpResponse get(const std::string& target, const std::string& method = "GET") {
    ask(method, target);
    EXPECT_TRUE(run_until([this] { return got.has_value(); }));
    return got ? got->response : net::HttpResponse{};
  }

  static constexpr std::size_t kConnections = 32;
  local::testing::FakeGateway gateway;
  Metrics metrics;
  std::int64_t wall_ms = 1'790'000'000'000;
  events::History history;
  events::EventStreams events;
  AdminApi api;
  std::unique_ptr<net::Listener> listener;
  std::unique_ptr<net::Http1Client> client;
  std::optional<net::HttpResult> got;
};

net::testing::RawSocket asking(const net::Endpoint& at, const std::string& target) {
  auto socket = net::testing::RawSocket::connect_to(at);
  socket.send("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
  return socket;
}

TEST_F(Admin, OnlyShows) {
  for (const char* method : {"POST", "PUT", "DELETE"}) {
    const net::HttpResponse response = get("/status", method);
    EXPECT_EQ(response.status, 405);
    EXPECT_EQ(response.headers.get("allow"), "GET, HEAD");
  }
  EXPECT_EQ(get("/v1/drain").status, 404);
  EXPECT_EQ(get("/livez?verbose").status, 200);
}

TEST_F(Admin, ReadyzSaysWhatIsMissing) {
  EXPECT_EQ(get("/readyz").status, 200);
  gateway.state.not_ready_because = "no answer yet from 10.0.0.8";
  core::MemberStatus stranger;
  stranger.host = "10.0.0.9";
  stranger.member = false;
  stranger.problem = "it is of cluster staging";
  gateway.member_list = {stranger};
  const net::HttpResponse response = get("/readyz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body,
            "not ready: no answer yet from 10.0.0.8\nnote: 10.0.0.9 is not a member: it is of cluster staging\n");
}

TEST_F(Admin, WhatCameOfLookingAtANameThatIsHearsayIsNotTold) {
  core::MemberStatus named;
  named.host = "10.0.0.9";
  named.member = false;
  named.only_named = true;
  named.problem = "connecting to 10.0.0.9:1337: refused";
  gateway.member_list = {named};
  for (const char* path : {"/readyz", "/status", "/"}) {
    const std::string body = get(path).body;
    EXPECT_EQ(body.find("10.0.0.9"), std::string::npos) << path << ": " << body;
    EXPECT_EQ(body.find("refused"), std::string::npos) << path;
  }
}

TEST_F(Admin, SingleActorsAreTold) {
  const net::HttpResponse response = get("/v1/actors/name:anna/explain");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(nlohmann::json::parse(response.body)["name"], "anna");
  EXPECT_EQ(get("/v1/actors/0/explain").status, 400);
  EXPECT_EQ(get("/v1/actors//explain").status, 404);
  EXPECT_EQ(get("/v1/actors/42").status, 404);
  EXPECT_EQ(nlohmann::json::parse(get("/v1/top?n=3").body)["busiest"]["total"], 0);
  EXPECT_EQ(get("/v1/top?n=0").status, 400);
  EXPECT_EQ(get("/v1/actors/explain").status, 404);
  EXPECT_EQ(get("/v1/actors/42/explain", "POST").status, 405);
}

// What would be sent to a client, wherever that is.
struct Heard final : net::HttpReply::Sink {
  void respond(net::HttpResponse response) override { said = std::move(response); }
  std::unique_ptr<net::HttpStream> stream(net::HttpResponse, net::HttpStream::Events) override { return nullptr; }
  void drop() override {}
  void on_cancel(absl::AnyInvocable<void()>) override {}
  void on_input_end(absl::AnyInvocable<void()>) override {}
  bool input_ended() const override { return false; }
  net::HttpResponse said;
};

TEST(AdminHereOnly, SingleActorsAreNotToldToOtherMachines) {
  local::testing::FakeGateway gateway;
  HereOnly here_only(gateway);
  for (const char* peer : {"10.0.0.99", "2001:db8::1"}) {
    for (const char* target : {"/v1/actors/42/explain", "/v1/top", "/v1/top?n=5"}) {
      const auto heard = std::make_shared<Heard>();
      net::HttpReply reply(heard);
      EXPECT_TRUE(here_only.serve({"GET", target, {}, {}, peer}, reply));
      EXPECT_EQ(heard->said.status, 403) << peer;
      EXPECT_NE(heard->said.body.find("on this machine alone: ask the local listener"), std::string::npos);
    }
  }
  EXPECT_EQ(gateway.looks, 0) << "others do not even begin the recording";
}

TEST_F(Admin, WhatOthersSaidMayBeAnyBytes) {
  gateway.state.not_ready_because = "the application: \xff\n";
  core::MemberStatus stranger;
  stranger.host = "10.0.0.9";
  stranger.member = false;
  stranger.problem = "caf\xc3\xa9 \xc3";
  gateway.member_list = {stranger};
  EXPECT_EQ(nlohmann::json::parse(get("/status").body)["others"][0]["problem"], "caf\xc3\xa9 ?");
  EXPECT_EQ(get("/readyz").body, "not ready: the application: ??\nnote: 10.0.0.9 is not a member: caf\xc3\xa9 ?\n");
  EXPECT_NE(get("/").body.find("caf\xc3\xa9 ?<"), std::string::npos);
}

TEST_F(Admin, HeadTellsTheLengthOfWhatGetAnswers) {
  const std::string length = std::to_string(get("/readyz").body.size());
  const net::HttpResponse response = get("/readyz", "HEAD");
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.headers.get("content-length"), length);
}

TEST_F(Admin, SingleActorsAreToldToClientsOnThisMachineAlone) {
  history.happened({.kind = core::EventKind::kTurnTimeout, .actor = "name:anna", .why = "slow"});
  const auto told_to = [this](const std::string& peer, net::Metadata headers = {{"host", "localhost:9137"}}) {
    net::HttpRequest request{"GET", "/events?since=1h", std::move(headers), {}, peer};
    return answered(api.handler(), std::move(request)).body;
  };
  for (const char* peer : {"127.0.0.1", "::1"}) EXPECT_NE(told_to(peer).find("name:anna"), std::string::npos) << peer;
  for (const char* peer : {"10.0.0.9", "fd00::9", "127.0.0.1.example.org", ""}) {
    const std::string told = told_to(peer);
    EXPECT_EQ(told.find("anna"), std::string::npos) << peer;
    EXPECT_NE(told.find("turn_timeout"), std::string::npos) << peer;
  }
  // A page that a browser on this machine shows, whatever its name leads to now.
  EXPECT_NE(told_to("127.0.0.1", {{"host", "127.0.0.1:9137"}, {"sec-fetch-site", "none"}}).find("anna"),
            std::string::npos);
  for (const net::Metadata& page :
       {net::Metadata{{"host", "evil.example"}}, net::Metadata{{"host", "evil.example"}, {"host", "localhost"}},
        net::Metadata{{"host", "localhost:9137"}, {"origin", "http://evil.example"}},
        net::Metadata{{"host", "localhost:9137"}, {"sec-fetch-site", "cross-site"}}, net::Metadata{}}) {
    const std::string told = told_to("127.0.0.1", page);
    EXPECT_EQ(told.find("anna"), std::string::npos) << page.get("host");
    EXPECT_NE(told.find("turn_timeout"), std::string::npos) << page.get("host");
  }
}

TEST_F(Admin, OneAddressMayNotTakeUpAllStreams) {
  events::EventStreams shared(loop, history, {.self = "10.0.0.7", .most = 4, .most_of_one_address = 1});
  AdminApi other(gateway, metrics, shared, kConnections);
  auto options = net::testing::on_loopback();
  options.http1.emplace().handler = other.handler();
  const auto at = net::testing::serve(loop, std::move(options));
  auto first = asking(at->local_address(), "/events");
  ASSERT_TRUE(run_until([&] { return first.has("retry: 2000"); }));
  auto second = asking(at->local_address(), "/events");
  ASSERT_TRUE(run_until([&] { return second.has("HTTP/1.1 503 "); }));
  EXPECT_EQ(shared.why_full("10.0.0.9"), "");
  EXPECT_EQ(shared.why_full("127.0.0.1").substr(0, 44), "1 stream of events is open to 127.0.0.1, and");
  at->close();
}

TEST_F(Admin, StreamsOfEventsAreBounded) {
  auto first = asking(listener->local_address(), "/events");
  auto second = asking(listener->local_address(), "/events");
  ASSERT_TRUE(run_until([&] { return first.has("retry: 2000") && second.has("retry: 2000"); }));
  const net::HttpResponse refused = get("/events");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.get("retry-after"), "1");
  EXPECT_EQ(get("/events?since=1h").status, 200) << "a list takes up none";
  EXPECT_EQ(get("/events?since=x").status, 400);
  first.close();
  ASSERT_TRUE(run_until([&] { return events.size() == 1; }));
}

TEST_F(Admin, StatusIsJson) {
  const auto status = nlohmann::json::parse(get("/status").body);
  EXPECT_EQ(status["host"], "10.0.0.7");
  EXPECT_EQ(status["phase"], "ready");
}

TEST_F(Admin, DrainedAnswersWhenTheDrainHasEnded) {
  ask("GET", "/drained");
  ASSERT_TRUE(run_until([this] { return gateway.drain_watchers.size() == 1; }));
  EXPECT_FALSE(got);
  gateway.end_drain(core::Phase::kDrained, false);
  ASSERT_TRUE(run_until([this] { return got.has_value(); }));
  EXPECT_EQ(got->response.status, 200);
  ask("GET", "/drained");
  ASSERT_TRUE(run_until([this] { return gateway.drain_watchers.size() == 1; }));
  gateway.end_drain(core::Phase::kDraining, true);
  ASSERT_TRUE(run_until([this] { return got.has_value(); }));
  EXPECT_EQ(got->response.status, 500);
}

TEST_F(Admin, WhoeverWaitedForADrainAndWentIsForgotten) {
  const auto request = ask("GET", "/drained");
  ASSERT_TRUE(run_until([this] { return gateway.drain_watchers.size() == 1; }));
  client->cancel(request);
  ASSERT_TRUE(run_until([this] { return gateway.drain_watchers.empty(); }));
}

TEST_F(Admin, NoMoreThanAPartOfTheConnectionsWaitForADrain) {
  std::vector<net::testing::RawSocket> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(asking(listener->local_address(), "/drained"));
  ASSERT_TRUE(run_until([&] { return waiting.back().has("HTTP/1.1 503 "); }));
  EXPECT_TRUE(waiting.back().has("retry-after: 1\r\n"));
  EXPECT_TRUE(waiting.back().has("at most 8, of which 2 from one address")) << waiting.back().input();
  EXPECT_EQ(gateway.drain_watchers.size(), 2U);
  waiting.front().reset();
  ASSERT_TRUE(run_until([this] { return gateway.drain_watchers.size() == 1; }));
  auto again = asking(listener->local_address(), "/drained");
  ASSERT_TRUE(run_until([this] { return gateway.drain_watchers.size() == 2; }));
  gateway.end_drain(core::Phase::kDrained, false);
  EXPECT_TRUE(run_until([&] { return again.has("HTTP/1.1 200 "); }));
}

TEST_F(Admin, ProbesAreAnsweredWhoeverHoldsTheConnections) {
  // Slow ones, silent ones, ones that are kept open for nothing: more than there is room for.
  std::vector<net::testing::RawSocket> held;
  for (std::size_t i = 0; i < 3 * kConnections; ++i) {
    held.push_back(net::testing::RawSocket::connect_to(listener->local_address()));
    if (i % 3 == 1) held.back().send("GET /livez HTTP/1.1\r\nHo");
    if (i % 3 == 2) held.back().send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  for (const char* path : {"/livez", "/readyz", "/metrics"}) {
    auto probe = asking(listener->local_address(), path);
    EXPECT_TRUE(run_until([&probe] { return probe.has("HTTP/1.1 200 ") || probe.over(); }));
    EXPECT_TRUE(probe.has("HTTP/1.1 200 ")) << path << ": " << probe.input();
  }
}

TEST_F(Admin, BesidesProbesItSaysThatItIsFull) {
  const auto pending = [this](const std::string& target) {
    return answered(api.handler_when_full(), {"GET", target, {}, {}, {}});
  };
  for (const char* path : {"/livez", "/readyz", "/metrics?x"}) EXPECT_EQ(pending(path).status, 200) << path;
  for (const char* path : {"/drained", "/status", "/"}) {
    EXPECT_EQ(pending(path).status, 503) << path;
    EXPECT_EQ(pending(path).headers.get("retry-after"), "1") << path;
  }
}

// Nothing else would tell that it is still there.
TEST_F(Admin, WhoeverEndsItsHalfDoesNotWaitForADrain) {
  for (const char* before : {"", "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    auto socket = net::testing::RawSocket::connect_to(listener->local_address());
    socket.send(std::string(before) + "GET /drained HTTP/1.1\r\nHost: x\r\n\r\n");
    socket.half_close();
    ASSERT_TRUE(run_until([&socket] { return socket.over(); }));
    EXPECT_TRUE(socket.has("not drained yet")) << socket.input();
    EXPECT_TRUE(gateway.drain_watchers.empty());
  }
}

TEST_F(Admin, ThePageEscapesWhatOthersSay) {
  core::MemberStatus stranger;
  stranger.host = "<script>alert(1)</script>";
  stranger.member = false;
  stranger.problem = "\"quoted\" & <b>bold</b>";
  gateway.member_list = {stranger};
  const net::HttpResponse response = get("/");
  EXPECT_EQ(response.headers.get("content-security-policy"), "default-src 'none'; style-src 'unsafe-inline'");
  EXPECT_EQ(response.body.find("<script"), std::string::npos);
  EXPECT_NE(response.body.find("&lt;script&gt;"), std::string::npos);
  EXPECT_NE(response.body.find("&quot;quoted&quot; &amp; &lt;b&gt;"), std::string::npos);
}

TEST_F(Admin, HeadHasNoBody) {
  const net::HttpResponse response = get("/metrics", "HEAD");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
}

}  // namespace
}  // namespace ringside::admin
