// Whoever reaches the peer port may call himself by any name. What he says in the name of another changes nothing.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

// a and b serve; the stranger reaches a, and knows all that a ping tells.
struct Stranger : testing::Test {
  Stranger() {
    cluster.start("a");
    cluster.start("b");
    cluster.converge();
    cluster.passes = [this](const std::string& from, const std::string& to, const PeerRequest& request) {
      if (from == "a") asked[to].push_back(request);
      return true;
    };
  }
  Sender in_the_name_of_b() {
    Sender sender = cluster.node("b").self();
    sender.from_elsewhere = true;
    return sender;
  }
  // What a answers.
  PeerAnswer says(const Sender& sender, const PeerRequest& request, const std::string& from = "10.6.6.6") {
    const ReplyId token(++last_);
    cluster.node("a").peer_asked(cluster.now(), token, sender, from, request);
    cluster.pass(1'000'000);
    return cluster.replies[token];
  }
  bool has_asked(const std::string& host) { return asked.contains(host); }

  Cluster cluster;
  std::map<std::string, std::vector<PeerRequest>> asked;

 private:
  std::uint64_t last_ = 900;
};

// Else this host would try ports for it: what was found there, and how soon, is the same to whoever may be anybody.
TEST_F(Stranger, HearsNothingOfWhatCameOfLookingAtTheNameThatItGives) {
  for (const bool refused : {true, false}) {
    SCOPED_TRACE(refused);
    const std::string host = refused ? "10.0.0.77" : "10.0.0.78";
    Sender sender{host, 9, "default", 0, true};
    const ReplyId token(std::uint64_t{refused ? 801U : 802U});
    cluster.passes = [&](const std::string&, const std::string& to, const PeerRequest&) {
      return to != host || refused;
    };
    cluster.node("a").peer_asked(cluster.now(), token, sender, "10.6.6.6", JoinRequest{512, false});
    cluster.pass(900'000);
    EXPECT_FALSE(cluster.replies.contains(token));
    cluster.pass(300'000);
    if (!refused) continue;  // the fixture has no time-outs
    const auto& says = std::get<JoinAnswer>(cluster.replies.at(token));
    EXPECT_EQ(says.status, ReplyStatus::kUnverified);
    EXPECT_EQ(says.detail, "it does not reach this host under the name " + host + ": is --host right?");
  }
}

TEST_F(Stranger, IsToldNothingOfSingleActors) {
  const ActorId id = cluster.id_of("a", "a");
  cluster.call("a", id);
  const ExplainRequest question{id, 0, 1};
  EXPECT_EQ(std::get<PeerFailure>(says(in_the_name_of_b(), question)).detail, "explanations are for members");
  EXPECT_EQ(std::get<PeerFailure>(says(Sender{}, question)).kind, PeerFailure::Kind::kRejected);
  EXPECT_TRUE(std::get<ExplainAnswer>(says(cluster.node("b").self(), question)).explanation->activation);
}

TEST_F(Stranger, EndsNoActivationOfAnother) {
  // Active on b from before a became the owner of it.
  cluster.start("c");
  cluster.converge();
  const ActorId id = cluster.id_of("a", "c");
  cluster.call("c", id);
  cluster.end_turns("c");
  ASSERT_EQ(cluster.node("c").where(id).rule, "claim");
  const Epoch epoch = cluster.node("c").where(id).epoch;
  Sender sender = cluster.node("c").self();
  sender.from_elsewhere = true;
  const std::string key = "key";
  const EndedRequest lie{{Ended{id, epoch, {{key, Outcome::kApplied, "made up", 1, kNoPlace}}}}};
  EXPECT_EQ(std::get<EndedAnswer>(says(sender, lie)).status, ReplyStatus::kUnverified);
  sender.from_elsewhere = false;
  EXPECT_NE(std::get<EndedAnswer>(says(sender, lie)).status, ReplyStatus::kUnverified) << "the host itself is heard";
}

TEST_F(Stranger, IsNotToldWhatIsHeldHere) {
  const ActorId id = cluster.id_of("a", "a");
  cluster.call("a", id);
  cluster.end_turns("a");
  const InventoryRequest request{cluster.node("a").self().generation, 1, HashRanges::everything()};
  const auto told = std::get<InventoryAnswer>(says(in_the_name_of_b(), request));
  EXPECT_EQ(told.status, ReplyStatus::kUnverified);
  EXPECT_TRUE(told.claims.empty());
  EXPECT_EQ(std::get<InventoryAnswer>(says(cluster.node("b").self(), request)).claims.size(), 1U);
}

TEST_F(Stranger, SetsNoClock) {
  const Epoch before = cluster.node("a").self().clock;
  Sender sender = in_the_name_of_b();
  sender.clock = Epoch(before.value() + (std::uint64_t{50'000} << 12));  // 50 s ahead
  says(sender, PingRequest{});
  EXPECT_LT(cluster.node("a").self().clock, sender.clock);
  sender.from_elsewhere = false;
  says(sender, PingRequest{});
  EXPECT_GE(cluster.node("a").self().clock, sender.clock) << "a member is followed";
}

TEST_F(Stranger, ClosesNoNameByAGreatGeneration) {
  Sender sender = in_the_name_of_b();
  for (const Generation generation : {Generation(std::uint64_t{1} << 63), Generation(UINT64_MAX)}) {
    sender.generation = generation;
    for (const PeerRequest& request :
         {PeerRequest(PingRequest{}), PeerRequest(JoinRequest{kDefaultPoints, false}), PeerRequest(LeaveRequest{}),
          PeerRequest(ProbeRequest{"b"}), PeerRequest(EndedRequest{}), PeerRequest(ClosingRequest{"b"})}) {
      says(sender, request);
    }
  }
  cluster.crash("b");
  cluster.pass(5'000'000);
  cluster.start("b");
  cluster.pass(5'000'000);
  EXPECT_EQ(cluster.node("a").status().members, 2U);
  EXPECT_EQ(cluster.node("b").status().phase, Phase::kReady);
}

TEST_F(Stranger, HasFewNamesLookedAt) {
  NegotiateRequest request;
  request.cluster = "default";
  request.points = kDefaultPoints;
  for (int i = 0; i < 4000; ++i) request.hosts.push_back("silent-" + std::to_string(i));
  Sender unknown{"elsewhere", Generation(1), "default", Epoch()};
  EXPECT_TRUE(std::holds_alternative<NegotiateAnswer>(says(unknown, request)));
  const auto looked_at =
      std::count_if(asked.begin(), asked.end(), [](const auto& entry) { return entry.first.starts_with("silent-"); });
  EXPECT_EQ(looked_at + (has_asked("elsewhere") ? 1 : 0), static_cast<std::ptrdiff_t>(Candidates::kMostOfStrangers));
  EXPECT_EQ(cluster.node("a").status().phase, Phase::kReady);
}

TEST_F(Stranger, MakesNobodyKnockAtOtherDoors) {
  NegotiateRequest request;
  request.cluster = "default";
  request.points = kDefaultPoints;
  request.hosts = {"127.0.0.1", "169.254.169.254", "10.9.9.9", "8.8.8.8", "name-like-ours", "10.6.6.6"};
  says(Sender{}, request, "10.6.6.6");
  EXPECT_TRUE(has_asked("name-like-ours"));
  EXPECT_TRUE(has_asked("10.6.6.6")) << "that is where it speaks from";
  EXPECT_TRUE(has_asked("10.9.9.9")) << "as near as the stranger itself";
  for (const char* name : {"127.0.0.1", "169.254.169.254", "8.8.8.8"}) EXPECT_FALSE(has_asked(name)) << name;

  const auto join = std::get<JoinAnswer>(
      says({"127.0.0.1", Generation(7), "default", Epoch(), true}, JoinRequest{kDefaultPoints, false}));
  EXPECT_EQ(join.status, ReplyStatus::kUnverified);
  EXPECT_FALSE(has_asked("127.0.0.1"));
}

TEST_F(Stranger, KeepsNoHostFromJoiningForLong) {
  cluster.listed = {{"a", "b", "c"}};
  cluster.start("c", nullptr, false);
  NegotiateRequest request;
  request.cluster = "default";
  request.points = kDefaultPoints;
  for (int i = 0; i < 100; ++i) {
    request.hosts.push_back("silent-" + std::to_string(i));
    cluster.stop(request.hosts.back());
  }
  cluster.node("c").peer_asked(cluster.now(), ReplyId(800), Sender{"x", Generation(1), "default", Epoch()}, "",
                               request);
  cluster.node("c").app_up(cluster.now());
  cluster.pass(2'000'000);
  EXPECT_EQ(cluster.node("c").status().phase, Phase::kReady) << cluster.node("c").status().not_ready_because;
}

}  // namespace
}  // namespace ringside::core
