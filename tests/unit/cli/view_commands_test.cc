#include "sidecar/cli/cli.h"
#include "sidecar/cli/output.h"
#include "tests/unit/cli/cli_fixture.h"

namespace ringside::cli::testing {
namespace {

core::MemberStatus member(std::string host, core::Phase phase) {
  core::MemberStatus status;
  status.host = std::move(host);
  status.phase = phase;
  status.generation = 5;
  status.on_ring = true;
  return status;
}

TEST_F(CliTest, Where) {
  EXPECT_EQ(run({"where", "42"}).out,
            "Actor 42 is active on 10.0.0.7 (this host), epoch 77, by its claim: active here, as 10.0.0.7 sees it.\n");
  core::MemberStatus owner = member("10.0.0.8", core::Phase::kReady);
  owner.silent_for = core::Duration{340'000};
  gateway.member_list = {owner};
  gateway.place = {0, "10.0.0.8", "ring", false, 0, "nobody has claimed it", {}};
  EXPECT_EQ(
      run({"where", "42"}).out,
      "Actor 42 belongs to 10.0.0.8, by the ring: nobody has claimed it, as 10.0.0.7 saw it 340ms ago. What it does "
      "there is told by 10.0.0.8 itself.\n");
  EXPECT_EQ(run({"where", "name:anna", "--json"}).json()["name"], "anna");
  EXPECT_EQ(run({"where", "name:anna"}).out.rfind("Actor name:anna belongs", 0), 0U);
}

TEST_F(CliTest, WhereTellsWhatGoesOnInAnActor) {
  core::ActorStatus actor;
  actor.id = 42;
  actor.name = "anna";
  actor.epoch = 77;
  gateway.place.here = actor;
  EXPECT_EQ(run({"where", "42"}).out,
            "Actor 42 (anna) is active on 10.0.0.7 (this host), epoch 77, by its claim: active here, as 10.0.0.7 sees "
            "it.\n");
  actor.busy = true;
  actor.turn_age = std::chrono::milliseconds(3000);
  actor.waiting = 12;
  actor.ending = "turn-timeout";
  actor.not_forgotten = 2;
  gateway.place.here = actor;
  const Ran ran = run({"where", "42"});
  EXPECT_TRUE(
      ran.out.ends_with(" A turn has run 3.0s. 12 calls wait. It is being deactivated: turn-timeout, failed 2 "
                        "times.\n"))
      << ran.out;
  EXPECT_EQ(run({"where", "42", "--json"}).json()["waiting"], 12);
}

TEST_F(CliTest, AnActorThatTheAppFailedToForgetIsNotSaidToEnd) {
  core::ActorStatus actor;
  actor.id = 42;
  actor.not_forgotten = 2;
  gateway.place.here = actor;
  EXPECT_TRUE(
      run({"where", "42"})
          .out.ends_with("sees it. The application has failed 2 times in a row to forget it while it was idle.\n"));
}

TEST(Fields, CountsAreReadInBothForms) {
  const auto row = nlohmann::json::parse(R"({"new":12,"old":"12","none":null,"text":"x"})");
  EXPECT_EQ(number_of(row, "new"), 12);
  EXPECT_EQ(number_of(row, "old"), 12);
  EXPECT_EQ(number_of(row, "none"), 0);
  EXPECT_EQ(number_of(row, "missing"), 0);
  EXPECT_EQ(text_of(row, "new"), text_of(row, "old"));
}

TEST_F(CliTest, Members) {
  gateway.member_list = {member("10.0.0.7", core::Phase::kReady), member("10.0.0.8", core::Phase::kDraining)};
  const Ran ran = run({"members"});
  EXPECT_EQ(ran.exit, kApplied);
  EXPECT_NE(ran.out.find("10.0.0.8"), std::string::npos);
  EXPECT_NE(ran.out.find("draining"), std::string::npos);
  EXPECT_NE(ran.out.find("settled"), std::string::npos);
  EXPECT_EQ(run({"members", "--json"}).json()["members"].size(), 2u);
}

TEST_F(CliTest, MembersOfAHostThatIsNotReady) {
  EXPECT_EQ(run({"members"}).out.find("not ready"), std::string::npos);
  there([this] { gateway.state.not_ready_because = "the application is not healthy"; });
  EXPECT_NE(run({"members"}).out.find("not ready: the application is not healthy"), std::string::npos);
}

TEST_F(CliTest, Actors) {
  EXPECT_NE(run({"actors"}).out.find("5 actors at 10.0.0.7"), std::string::npos);
  const auto body = run({"actors", "--limit", "2", "--json"}).json();
  EXPECT_EQ(body["actors"].size(), 2u);
  EXPECT_EQ(body["actors"][1]["id"], "2");
}

TEST_F(CliTest, Status) {
  const Ran ran = run({"status"});
  EXPECT_NE(ran.out.find("10.0.0.7"), std::string::npos);
  EXPECT_NE(ran.out.find("1.2.3"), std::string::npos);
  EXPECT_EQ(run({"status", "--json"}).json()["phase"], "ready");
}

TEST_F(CliTest, RingTellsWhatWouldMove) {
  const auto body = run({"ring", "--json"}).json();
  ASSERT_EQ(body["hosts"].size(), 2u);
  const double first = body["hosts"][0]["leave"]["moves"];
  EXPECT_NEAR(first, body["hosts"][0]["leave"]["to"]["10.0.0.8"].get<double>(), 1e-9);
  EXPECT_NEAR(first + body["hosts"][1]["leave"]["moves"].get<double>(), 1.0, 1e-9);
  EXPECT_NE(run({"ring"}).out.find("10.0.0.8"), std::string::npos);
  EXPECT_NE(run({"ring"}).out.find("as 10.0.0.7 sees it"), std::string::npos);

  const auto join = run({"ring", "--join", "10.0.0.9", "--json"}).json();
  const auto with = gateway.ring().with("10.0.0.9");
  EXPECT_NEAR(join["moves"].get<double>(), with->shares()[2], 1e-9);
  EXPECT_EQ(join["from"].size(), 2u);
  EXPECT_EQ(run({"ring", "--leave", "10.0.0.8"}).exit, kApplied);
  EXPECT_EQ(run({"ring", "--leave", "10.0.0.9"}).exit, kUsage);
  EXPECT_EQ(run({"ring", "--join", "10.0.0.8"}).exit, kUsage);
}

TEST_F(CliTest, RingAndStatusTellWeights) {
  gateway.ring_now = core::Ring::make({"10.0.0.7"}, 64)->with("10.0.0.8", 192);
  const auto body = run({"ring", "--json"}).json();
  EXPECT_EQ(body["hosts"][0]["points"], 64);
  EXPECT_EQ(body["hosts"][1]["points"], 192);
  EXPECT_NEAR(body["join"]["moves"].get<double>(), 0.2, 1e-9) << "64 of 320 points";
  EXPECT_NE(run({"ring"}).out.find("192"), std::string::npos);
  EXPECT_EQ(run({"ring", "--leave", "10.0.0.8"}).exit, kApplied);
  EXPECT_EQ(run({"status"}).out.find("weight"), std::string::npos);
  gateway.state.weight = 500;
  EXPECT_NE(run({"status"}).out.find(", weight 0.5, ringside"), std::string::npos);
}

TEST_F(CliTest, MembersTellWeights) {
  gateway.state.points = 512;
  core::MemberStatus heavy = member("10.0.0.8", core::Phase::kReady);
  heavy.points = 1024;
  core::MemberStatus light = member("10.0.0.9", core::Phase::kReady);
  light.points = 51;
  const core::MemberStatus off = member("10.0.0.10", core::Phase::kDrained);
  gateway.member_list = {heavy, light, off};
  const auto members = run({"members", "--json"}).json()["members"];
  EXPECT_EQ(members[0]["points"], 1024);
  EXPECT_EQ(members[0]["weight"], 2.0);
  EXPECT_EQ(members[1]["weight"], 0.1);
  EXPECT_FALSE(members[2].contains("weight")) << "it is not on the ring";
  EXPECT_NE(run({"members"}).out.find("WEIGHT"), std::string::npos);
}

TEST_F(CliTest, ARowOfTheRingIsALineHoweverManyHostsThereAre) {
  std::vector<std::string> hosts;
  for (int i = 0; i < 20; ++i) hosts.push_back("10.0.0." + std::to_string(100 + i));
  gateway.ring_now = core::Ring::make(hosts, 64);
  std::istringstream rows(run({"ring"}).out);
  std::string line;
  std::getline(rows, line);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(std::getline(rows, line));
    EXPECT_TRUE(line.ends_with(" more") && line.size() < 100) << line;
  }
  EXPECT_NE(run({"ring", "--leave", "10.0.0.100"}).out.find("10.0.0.119"), std::string::npos) << "there, all of them";
}

TEST_F(CliTest, DrainWaitsForItsEnd) {
  gateway.on_drain = [this] { gateway.state.phase = core::Phase::kDrained; };
  Ran ran = run({"drain"});
  EXPECT_EQ(ran.exit, kApplied) << ran.err;
  EXPECT_NE(ran.out.find("drained"), std::string::npos);
  EXPECT_EQ(run({"uncordon"}).out, "10.0.0.7 joins the ring again (joining so far)\n");

  gateway.state.actors = 1;
  gateway.on_drain = [this] { gateway.state.phase = core::Phase::kDraining; };
  EXPECT_EQ(run({"drain", "--no-wait"}).out, "draining: 1 actor, 0 turns under way, 0 waiting\n");

  gateway.on_drain = [this] { gateway.state.drain_overdue = true; };
  ran = run({"drain", "--json"});
  EXPECT_EQ(ran.exit, kDrainTimedOut);
  EXPECT_EQ(ran.json()["timed_out"], true);

  gateway.state.drain_overdue = false;
  gateway.on_drain = nullptr;
  EXPECT_EQ(run({"drain", "--no-wait"}).exit, kApplied);
}

TEST_F(CliTest, MembersAndStatusTellZones) {
  core::MemberStatus far = member("10.0.0.8", core::Phase::kReady);
  far.zone = "eu-1b";
  far.watched = true;
  gateway.member_list = {far, member("10.0.0.9", core::Phase::kReady)};
  EXPECT_NE(run({"members"}).out.find("eu-1b"), std::string::npos);
  const auto members = run({"members", "--json"}).json()["members"];
  EXPECT_EQ(members[0]["zone"], "eu-1b");
  EXPECT_EQ(members[0]["watched"], true);
  EXPECT_EQ(members[1]["zone"], "");
  EXPECT_EQ(run({"status"}).out.find(", in zone"), std::string::npos);
  gateway.state.zone = "eu-1a";
  EXPECT_NE(run({"status"}).out.find(", in zone eu-1a, ringside"), std::string::npos);
}

TEST_F(CliTest, DrainingTheLastReadyHostIsSaid) {
  const auto is_warned = [this] {
    return run({"drain", "--no-wait"}).err.find("no other host is ready") != std::string::npos;
  };
  core::MemberStatus self = member("10.0.0.7", core::Phase::kReady);
  self.self = true;
  gateway.member_list = {self};
  EXPECT_TRUE(is_warned());
  gateway.member_list = {self, member("10.0.0.8", core::Phase::kDraining)};
  EXPECT_TRUE(is_warned());
  gateway.member_list = {self, member("10.0.0.9", core::Phase::kJoining)};
  EXPECT_FALSE(is_warned()) << "calls wait for it";
  core::MemberStatus gateway_host = member("10.0.0.9", core::Phase::kReady);
  gateway_host.on_ring = false;
  gateway.member_list = {self, gateway_host};
  EXPECT_TRUE(is_warned()) << "it routes only, and takes no actors";
  gateway.member_list = {self, member("10.0.0.8", core::Phase::kReady)};
  EXPECT_FALSE(is_warned());
  core::MemberStatus legacy = member("10.0.0.8", core::Phase::kUnspecified);
  legacy.legacy = true;
  gateway.member_list = {self, legacy};
  EXPECT_FALSE(is_warned());
  self.on_ring = false;
  gateway.member_list = {self};
  EXPECT_FALSE(is_warned()) << "it has no actors";
  EXPECT_EQ(run({"drain", "--no-wait"}).exit, kApplied);
}

}  // namespace
}  // namespace ringside::cli::testing
