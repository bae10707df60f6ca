// Where an actor is and why: what the hosts say, one after the other, and that it is what happens.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/unit/core/cluster_fake.h"
#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

std::string deciding(const Explanation& says) {
  std::string rules;
  for (const RuleCheck& check : says.rules) {
    if (check.verdict == RuleCheck::Verdict::kDecides) rules += (rules.empty() ? "" : ", ") + check.rule;
  }
  return rules;
}

std::string why(const Explanation& says, const std::string& rule) {
  const auto found =
      std::find_if(says.rules.begin(), says.rules.end(), [&](const RuleCheck& check) { return check.rule == rule; });
  return found == says.rules.end() ? "there is no such rule" : found->why;
}

// "a: ring, b: claim", and what is wrong with whom.
std::string path_of(const Explained& explained) {
  std::string path = explained.here.host + ": " + deciding(explained.here);
  for (const Explained::Asked& asked : explained.asked) {
    path += ", " + asked.says.host + ": " + (asked.problem.empty() ? deciding(asked.says) : asked.problem);
  }
  return path;
}

std::string then(const Explained& explained, const std::string& event) {
  for (const Explained::Change& change : explained.changes) {
    if (change.event == event) return change.then;
  }
  return "nothing is said of that";
}

struct Explain : testing::Test {
  void start(const std::vector<std::string>& names) {
    for (const std::string& name : names) cluster.start(name);
    cluster.converge();
  }
  void touch(const std::string& at, ActorId id) {
    const CallId token = cluster.call(at, id);
    for (const char* name : {"a", "b", "c"}) {
      Answer answer = Cluster::applied();
      answer.holder = name;
      if (cluster.has(name)) cluster.end_turns(name, answer);
    }
    ASSERT_EQ(cluster.answer(at, token)->outcome, Outcome::kApplied);
  }

  Cluster cluster;
};

TEST_F(Explain, TheOwnerIsAskedForWhatItAloneKnows) {
  start({"a", "b"});
  const ActorId id = cluster.id_of("a", "b");
  Explained told = *cluster.explain("a", id);
  EXPECT_EQ(path_of(told), "a: ring, b: free");
  EXPECT_EQ(told.holder, "");
  EXPECT_EQ(told.asked[0].says.goes, "claim");
  EXPECT_EQ(then(told, "a call comes"), "b");

  touch("a", id);
  cluster.pass(3'000'000);
  told = *cluster.explain("a", id);
  EXPECT_EQ(path_of(told), "a: ring, b: claim");
  EXPECT_EQ(told.holder, "b");
  ASSERT_NE(told.activation(), nullptr);
  EXPECT_EQ(told.activation()->state.epoch, cluster.node("b").where(id).epoch);
  EXPECT_EQ(told.activation()->state.idle, Duration(3'000'000));
  EXPECT_EQ(told.activation()->age, Duration(3'000'000));
  EXPECT_EQ(told.activation()->expires_in, Duration(1'797'000'000));
  EXPECT_EQ(why(told.here, "claim"), "it is not active here");
  EXPECT_NE(why(told.here, "ring").find("the next point on the ring is of b, which was heard 0."), std::string::npos);
  EXPECT_EQ(why(told.here, "stray"), "") << "a rule behind the one that decides is not asked";

  told = *cluster.explain("b", id);
  EXPECT_EQ(path_of(told), "b: claim");
  EXPECT_EQ(told.holder, "b");
}

TEST_F(Explain, ATurnIsToldAlsoWhenItsCallerHasGone) {
  start({"a", "b"});
  const ActorId id = cluster.id_of("a", "b");
  const auto adjust = [&](Call& call) {
    call.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    call.deadline = cluster.now().mono + Duration(1'000'000);
  };
  cluster.call("b", id, adjust);
  cluster.call("b", id);
  cluster.pass(4'000'000);
  const Explained told = *cluster.explain("a", id);
  ASSERT_NE(told.activation(), nullptr);
  EXPECT_TRUE(told.activation()->state.busy);
  EXPECT_EQ(told.activation()->state.turn_age, Duration(4'000'000));
  EXPECT_EQ(told.activation()->state.waiting, 1U);
  EXPECT_EQ(told.activation()->expires_in, std::nullopt);
  ASSERT_NE(told.activation()->call, nullptr);
  EXPECT_NE(told.activation()->call->traceparent, "");
}

// The ring owner knows that it is a stray, and the third host, which asks the ring owner, finds the holder by it.
TEST_F(Explain, AStrayIsFoundByWayOfItsRingOwner) {
  start({"a", "b"});
  for (ActorId id = 1; id <= 60; ++id) touch("a", id);
  start({"c"});
  cluster.pass(1'000'000);
  int found = 0;
  for (ActorId id = 1; id <= 60; ++id) {
    if (*cluster.node("c").ring().owner(id) != "c") continue;
    const std::string holder = cluster.node("c").where(id).holder;
    const std::string other = holder == "a" ? "b" : "a";
    EXPECT_EQ(path_of(*cluster.explain("c", id)), "c: stray, " + holder + ": claim");
    const Explained told = *cluster.explain(other, id);
    EXPECT_EQ(told.holder, holder);
    EXPECT_EQ(path_of(told), other + ": ring, c: stray, " + holder + ": claim");
    EXPECT_EQ(then(told, holder + " leaves"), "c");
    EXPECT_EQ(then(told, "it expires"), "c");
    EXPECT_EQ(then(told, "a host joins"), holder);
    touch(other, id);
    const Explained answered = *cluster.explain(other, id);
    EXPECT_EQ(path_of(answered), other + ": hint, " + holder + ": claim") << "who has answered is remembered";
    EXPECT_NE(why(answered.here, "hint").find("last answered by " + holder + ", which was heard 0."),
              std::string::npos);
    ++found;
  }
  EXPECT_GT(found, 5);
}

// Explain, where and what happens to a call are one.
TEST_F(Explain, AgreesWithWhereAndWithWhatHappens) {
  start({"a", "b"});
  for (ActorId id = 1; id <= 40; ++id) touch(id.value() % 2 == 0 ? "a" : "b", id);
  start({"c"});
  for (ActorId id = 1; id <= 80; ++id) {
    SCOPED_TRACE(to_string(id));
    for (const char* at : {"a", "b", "c"}) {
      const Explained told = *cluster.explain(at, id);
      const Placement where = cluster.node(at).where(id);
      EXPECT_EQ(told.place.holder, where.holder);
      EXPECT_EQ(told.place.rule, where.rule);
      EXPECT_EQ(told.place.why, where.why);
      const std::string rule = deciding(told.here);
      EXPECT_EQ(where.rule, rule == "claim" || rule == "stray" ? rule : "ring");
      const std::string goes_to = told.holder.empty() ? then(told, "a call comes") : told.holder;
      const CallId token = cluster.call(at, id);
      EXPECT_EQ(cluster.end_turns(goes_to), 1) << "at " << at << ": " << path_of(told);
      ASSERT_NE(cluster.answer(at, token), nullptr);
    }
  }
}

TEST_F(Explain, TheHeirIsWhoGetsItWhenItsHostLeaves) {
  start({"a", "b", "c"});
  std::map<ActorId, std::string> heirs;
  for (ActorId id = 1; id <= 30; ++id) {
    touch("a", id);
    const Explained told = *cluster.explain("a", id);
    if (told.holder == "b") heirs[id] = then(told, "b leaves");
  }
  ASSERT_FALSE(heirs.empty());
  cluster.node("b").drain(cluster.now());
  cluster.pass(2'000'000);
  for (const auto& [id, heir] : heirs) {
    cluster.call("a", id);
    EXPECT_EQ(cluster.end_turns(heir), 1) << to_string(id);
  }
}

TEST_F(Explain, AHostOfAnEarlierVersionIsExplainedAsFarAsThisOneKnows) {
  ClusterFake fake;
  fake.add("b", 5);
  Context context(1);
  Explaining explaining(context, fake);
  Explained own;
  own.here.host = "a";
  own.here.to = "b";
  ASSERT_FALSE(explaining.begin(1, own));
  const auto asked = std::get<AskPeer>(context.effects.back());
  EXPECT_EQ(asked.timeout, Explaining::kLimit);
  const auto told = explaining.answered(asked.token, PeerFailure{PeerFailure::Kind::kUnserved, "unknown method"});
  ASSERT_TRUE(told);
  EXPECT_EQ(told->explained.asked[0].problem,
            "it is of an earlier version, which explains nothing: explained as far as this host knows");
  EXPECT_EQ(explaining.unfinished(), 0U);
}

TEST_F(Explain, AnUnansweredQuestionIsUnfinished) {
  start({"a", "b"});
  cluster.passes = [](const std::string&, const std::string&, const PeerRequest& request) {
    return !std::holds_alternative<ExplainRequest>(request);
  };
  EXPECT_FALSE(cluster.explain("a", cluster.id_of("a", "b")));
  EXPECT_EQ(cluster.node("a").status().unfinished, 1U);
}

TEST_F(Explain, ASilentHostIsNotAsked) {
  start({"a", "b", "c"});
  const ActorId id = cluster.id_of("a", "b");
  cluster.stop("b");
  cluster.pass(2'000'000);
  const Explained told = *cluster.explain("a", id);
  EXPECT_EQ(path_of(told), "a: ring, b: it is silent, and was not asked");
  EXPECT_EQ(told.here.goes, "wait");
  EXPECT_EQ(told.here.reason, "peer-unreachable");
  EXPECT_NE(why(told.here, "ring").find("b, which has not been heard for 2."), std::string::npos);
}

// By a host that wants to know first whether this one is who it says.
TEST(Explaining, WhatIsRefusedIsAskedAgainAFewTimes) {
  ClusterFake fake;
  fake.add("b", 5);
  Context context(1);
  Explaining explaining(context, fake);
  Explained own;
  own.here.host = "a";
  own.here.to = "b";
  own.here.epoch = 77;
  const PeerAnswer refusal = PeerFailure{PeerFailure::Kind::kRejected, "explanations are for members"};
  const auto last = [&] { return std::get<AskPeer>(context.effects.back()); };
  for (const unsigned refusals : {Explaining::kMostTries - 1, Explaining::kMostTries}) {
    ASSERT_FALSE(explaining.begin(1, own));
    std::optional<Explaining::Done> done;
    for (unsigned i = 0; i < refusals; ++i) {
      EXPECT_FALSE(done);
      context.now.mono += Duration(1'000);
      EXPECT_EQ(std::get<ExplainRequest>(last().request).epoch, Epoch(77));
      done = explaining.answered(last().token, refusal);
    }
    if (refusals < Explaining::kMostTries) {
      EXPECT_EQ(last().timeout, Explaining::kLimit - Duration(4'000)) << "within the same time";
      done = explaining.answered(last().token, ExplainAnswer{});
    }
    ASSERT_TRUE(done);
    EXPECT_EQ(done->explained.asked.size(), 1U);
    EXPECT_EQ(done->explained.asked[0].problem,
              refusals < Explaining::kMostTries ? "" : "it did not explain itself: explanations are for members");
  }
  EXPECT_EQ(explaining.unfinished(), 0U);
}

TEST(Explaining, HasABoundOfHostsOfTimeAndOfQuestions) {
  ClusterFake fake;
  for (const char* name : {"b", "c", "d", "e"}) fake.add(name, 5);
  Context context(1);
  Explaining explaining(context, fake);
  Explained own;
  own.here.host = "a";
  own.here.to = "b";
  const auto says = [](const std::string& to) {
    Explanation explanation;
    explanation.to = to;
    return ExplainAnswer(std::move(explanation));
  };
  const auto last = [&] { return std::get<AskPeer>(context.effects.back()); };

  ASSERT_FALSE(explaining.begin(1, own));
  context.now.mono += Duration(400'000);
  ASSERT_FALSE(explaining.answered(last().token, says("c")));
  EXPECT_EQ(last().timeout, Duration(600'000)) << "all hosts share the time";
  EXPECT_EQ(std::get<ExplainRequest>(last().request).hops, 2U);
  ASSERT_FALSE(explaining.answered(last().token, says("d")));
  auto done = explaining.answered(last().token, says("e"));
  ASSERT_TRUE(done) << "a call has no more hops either";
  EXPECT_EQ(done->explained.asked.size(), 3U);

  ASSERT_FALSE(explaining.begin(2, own));
  done = explaining.answered(last().token, says("a"));
  EXPECT_TRUE(done) << "nobody is asked twice, this host included";

  ASSERT_FALSE(explaining.begin(3, own));
  context.now.mono += Explaining::kLimit;
  done = explaining.answered(last().token, says("c"));
  ASSERT_TRUE(done);
  EXPECT_NE(done->explained.asked[1].problem.find("the time for explanations"), std::string::npos);

  for (std::uint64_t i = 0; i < Explaining::kMost; ++i) ASSERT_FALSE(explaining.begin(ExplainId(10 + i), own));
  done = explaining.begin(99, own);
  ASSERT_TRUE(done);
  EXPECT_NE(done->explained.asked[0].problem.find("are under way already"), std::string::npos);

  fake.add("old", 0);
  own.here.to = "old";
  done = explaining.begin(100, own);
  ASSERT_TRUE(done);
  EXPECT_NE(done->explained.asked[0].problem.find("speaks the given protocol alone"), std::string::npos);
}

}  // namespace
}  // namespace ringside::core
