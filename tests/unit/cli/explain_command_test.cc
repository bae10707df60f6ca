#include "sidecar/cli/cli.h"
#include "tests/unit/cli/cli_fixture.h"

namespace ringside::cli::testing {
namespace {

using Verdict = core::RuleCheck::Verdict;

TEST_F(CliTest, ExplainSaysWhereAndWhyRuleByRule) {
  gateway.place = {0, "10.0.0.8", "ring", false, 0, "the ring names 10.0.0.8", {}};
  core::Explanation& here = gateway.explained.here;
  here.host = "10.0.0.7";
  here.rules = {{"claim", Verdict::kNo, "it is not active here"},
                {"ring", Verdict::kDecides, "the next point is of 10.0.0.8"},
                {"free", Verdict::kNotAsked, ""}};
  here.goes = "forward";
  here.to = "10.0.0.8";
  gateway.explained.settled = true;
  gateway.explained.holder = "10.0.0.8";
  gateway.explained.changes = {{"10.0.0.8 leaves", "10.0.0.9", "its is the next point on the ring"}};
  core::Explained::Asked& asked = gateway.explained.asked.emplace_back();
  asked.says.host = "10.0.0.8";
  asked.says.rules = {{"claim", Verdict::kDecides, "active here under epoch 78"}};
  asked.says.goes = "here";
  asked.took = core::Duration(800);
  core::ActivationFacts& active = asked.says.activation.emplace();
  active.state.epoch = 78;
  active.state.busy = true;
  active.state.turn_age = std::chrono::seconds(41);
  active.state.waiting = 12;
  active.age = std::chrono::minutes(12);
  active.method = "POST add";
  active.trace_id = "0af7651916cd43dd8448eb211c80319c";
  const Ran ran = run({"explain", "42"});
  EXPECT_EQ(ran.exit, kApplied);
  EXPECT_EQ(ran.out,
            "Actor 42 belongs to 10.0.0.8, by the ring: the ring names 10.0.0.8, as 10.0.0.7 sees it.\n"
            "active on 10.0.0.8 under epoch 78, for 12m: a turn has run 41.0s for POST add (trace "
            "0af7651916cd43dd8448eb211c80319c), 12 calls wait\n"
            "\n"
            "at 10.0.0.7, key b556806fb6d14353, ring 0000000000000000, settled\n"
            "RULE   VERDICT  FACTS\n"
            "claim  no       it is not active here\n"
            "ring   decides  the next point is of 10.0.0.8\n"
            "so a call goes to 10.0.0.8\n"
            "\n"
            "at 10.0.0.8, asked by 10.0.0.7, ring 0000000000000000, answered in 0.80ms\n"
            "RULE   VERDICT  FACTS\n"
            "claim  decides  active here under epoch 78\n"
            "so a call is carried out here\n"
            "\n"
            "IF               THEN      WHY\n"
            "10.0.0.8 leaves  10.0.0.9  its is the next point on the ring\n");
  // The first line is what `where` says.
  const std::string where = run({"where", "42"}).out;
  EXPECT_EQ(where.rfind(ran.out.substr(0, ran.out.find('\n')), 0), 0U) << where;
  EXPECT_EQ(run({"explain", "42", "--json"}).json()["asked"][0]["activation"]["waiting"], 12);

  asked.problem = "it is silent, and was not asked";
  asked.says.activation.reset();
  here.goes = "wait";
  here.reason = "peer-unreachable";
  const Ran silent = run({"explain", "name:anna"});
  EXPECT_NE(silent.out.find("so a call waits for 10.0.0.8 (peer-unreachable)\n"), std::string::npos) << silent.out;
  EXPECT_NE(silent.out.find("at 10.0.0.8: it is silent, and was not asked\n"), std::string::npos);
  EXPECT_EQ(run({"explain", "0"}).exit, kUsage);
  EXPECT_EQ(run({"explain"}).exit, kUsage);
}

}  // namespace
}  // namespace ringside::cli::testing
