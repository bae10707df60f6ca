#include "sidecar/local/waiters.h"

#include "tests/unit/local/local_fixture.h"

namespace ringside::local::testing {
namespace {

class WaitersTest : public LocalTest {
 protected:
  std::string version() { return body_of(ask("GET", "/v1/members"))["version"]; }
  // What was sent before this has been handled when it returns, on other connections too.
  void handled() { ask("GET", "/v1/status"); }
};

TEST_F(WaitersTest, AnswersAtTheNextChange) {
  const std::string seen = version();
  const auto pending = start("GET", "/v1/members?wait=" + seen);
  handled();
  EXPECT_FALSE(pending->arrived());
  gateway.change_view();
  EXPECT_NE(body_of(finish(pending))["version"], seen);
  // What has been missed meanwhile is answered at once.
  EXPECT_NE(body_of(ask("GET", "/v1/members?wait=" + seen))["version"], seen);
}

TEST_F(WaitersTest, AnswersAtTheLatest) {
  const std::string seen = version();
  EXPECT_EQ(body_of(ask("GET", "/v1/members?wait=" + seen, {{"ringside-timeout", "1ms"}}))["version"], seen);
}

TEST_F(WaitersTest, DrainIsBegunAndAwaited) {
  EXPECT_EQ(body_of(ask("GET", "/v1/drain?wait=true"))["done"], false);  // none is under way
  auto response = post_json("/v1/drain", "{}");
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(body_of(response)["phase"], "draining");
  const auto first = start("GET", "/v1/drain?wait=true");
  const auto second = start("POST", "/v1/drain?wait=true", {{"content-type", "application/json"}});
  handled();
  EXPECT_FALSE(first->arrived());
  EXPECT_EQ(ask("GET", "/v1/drain").status, 200);
  gateway.end_drain(core::Phase::kDrained, false);
  EXPECT_EQ(body_of(finish(first))["done"], true);
  EXPECT_EQ(body_of(finish(second))["done"], true);
  EXPECT_EQ(body_of(ask("GET", "/v1/drain?wait=true"))["done"], true);
}

TEST_F(WaitersTest, DrainIsAwaitedNoLongerThanTheCallerWould) {
  post_json("/v1/drain", "{}");
  const auto body = body_of(ask("GET", "/v1/drain?wait=true", {{"ringside-timeout", "1ms"}}));
  EXPECT_EQ(body["done"], false);
  EXPECT_EQ(body["phase"], "draining");
  const auto next = start("GET", "/v1/drain?wait=true");
  handled();
  gateway.end_drain(core::Phase::kDrained, false);
  EXPECT_EQ(body_of(finish(next))["done"], true);
}

TEST_F(WaitersTest, DrainThatTakesTooLong) {
  post_json("/v1/drain", "{}");
  const auto pending = start("GET", "/v1/drain?wait=true");
  handled();
  gateway.end_drain(core::Phase::kDraining, true);
  const auto body = body_of(finish(pending));
  EXPECT_EQ(body["done"], false);
  EXPECT_EQ(body["timed_out"], true);
}

TEST_F(WaitersTest, DrainThatIsTakenBack) {
  post_json("/v1/drain", "{}");
  const auto pending = start("GET", "/v1/drain?wait=true");
  handled();
  gateway.uncordon("operator");
  gateway.change_view();
  EXPECT_EQ(body_of(finish(pending))["done"], false);
  EXPECT_TRUE(gateway.drain_watchers.empty());
}

TEST_F(WaitersTest, OnlySoManyWaitWhateverTheyWaitFor) {
  post_json("/v1/drain", "{}");
  const std::string seen = version();
  const auto first = start("GET", "/v1/members?wait=" + seen);
  start("GET", "/v1/drain?wait=true");
  start("GET", "/v1/drain?wait=true");
  handled();
  for (const std::string& target : {"/v1/members?wait=" + seen, std::string("/v1/drain?wait=true")}) {
    const auto refused = ask("GET", target);
    EXPECT_EQ(refused.status, 429) << target;
    EXPECT_EQ(body_of(refused)["reason"], "too-many-waiting");
    EXPECT_EQ(body_of(refused)["detail"], "3 requests wait for a change, and no more may: end some of them");
    EXPECT_FALSE(refused.headers.get("retry-after").empty());
  }
  EXPECT_EQ(ask("GET", "/v1/members").status, 200) << "whoever does not wait is served";
  gateway.change_view();
  EXPECT_EQ(finish(first).status, 200);
}

TEST_F(WaitersTest, StopAnswersEverybody) {
  const std::string seen = version();
  const auto pending = start("GET", "/v1/members?wait=" + seen);
  handled();
  api->stop();
  EXPECT_EQ(finish(pending).status, 200);
  EXPECT_EQ(ask("GET", "/v1/members?wait=" + seen).status, 200);
}

TEST_F(WaitersTest, ClientsThatGoAwayAreForgotten) {
  const std::string seen = version();
  const auto pending = start("GET", "/v1/members?wait=" + seen);
  handled();
  client->cancel(last_request);
  EXPECT_TRUE(run_until([&] { return listener->connections() <= 1; }));
  gateway.change_view();
}

}  // namespace
}  // namespace ringside::local::testing
