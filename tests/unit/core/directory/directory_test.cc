#include "sidecar/core/directory/directory.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sidecar/core/membership/ring.h"
#include "tests/unit/core/claims_fake.h"
#include "tests/unit/core/cluster_fake.h"

namespace ringside::core {
namespace {

using Counts = Directory::Judgement::Counts;

constexpr Duration kSecond{1'000'000};

HashRanges everything() { return Ring::make({"here"}, 1)->ranges("here"); }

class DirectoryTest : public ::testing::Test {
 protected:
  DirectoryTest() {
    context.now.mono = Instant(Duration{3'600'000'000});
    cluster.add("10.0.0.2", 2);
    cluster.add("10.0.0.3", 3);
    cluster.add("10.0.0.9", 0);
  }
  std::vector<AskPeer> asked() { return questions_in(context.effects); }
  // For what it holds: there is nobody else.
  AskPeer ask_the_legacy_host_alone() {
    cluster.others.erase("10.0.0.2");
    cluster.others.erase("10.0.0.3");
    directory.gain(everything());
    directory.ask_inventory();
    return asked().at(0);
  }
  HostRun run(const std::string& host) const { return *cluster.run_of(host); }
  std::string holder_of(ActorId id) const {
    const auto elsewhere = directory.displaced().find(id);
    return elsewhere ? elsewhere->holder.host : "";
  }
  Directory::InventoryHeard heard(const AskPeer& question, const PeerAnswer& answer) {
    return std::get<Directory::InventoryHeard>(directory.answered(question.token, answer).value().what);
  }
  Directory::AnnouncementHeard told(const AskPeer& question, const PeerAnswer& answer) {
    return std::get<Directory::AnnouncementHeard>(directory.answered(question.token, answer).value().what);
  }

  NodeConfig config;
  Context context{1};
  ClusterFake cluster;
  ClaimsFake here;
  Directory directory{config, context, cluster, here};
};

// ---- inventories ----------------------------------------------------------------------------------------------------

TEST_F(DirectoryTest, WhatIsGainedIsInDoubtUntilEverybodyHasAnswered) {
  directory.gain(everything());
  EXPECT_TRUE(directory.ask_inventory());
  const std::vector<AskPeer> questions = asked();
  ASSERT_EQ(questions.size(), 3U);
  EXPECT_FALSE(directory.ask_inventory()) << "no new question";
  EXPECT_TRUE(asked().empty()) << "and not again at once";
  InventoryAnswer second{ReplyStatus::kOk, directory.inventory().number(), {{7, 42}}, {{5, 40, {}}}};
  const auto first_heard = heard(questions[0], second);
  EXPECT_EQ(first_heard.displaced, (std::vector<Claim>{{7, 42}}));
  EXPECT_EQ(first_heard.inherited.size(), 1U);
  EXPECT_TRUE(first_heard.news);
  directory.run_ended(run("10.0.0.3"));
  EXPECT_TRUE(directory.inventory().in_doubt(hash_id(7)));
  EXPECT_TRUE(heard(questions[2], IdsAnswer{{8}}).news);
  EXPECT_FALSE(directory.inventory().in_doubt(hash_id(7)));
  EXPECT_EQ(holder_of(7), "10.0.0.2");
  EXPECT_EQ(holder_of(8), "10.0.0.9");
  EXPECT_FALSE(directory.answered(questions[0].token, second)) << "that one has been answered";
}

TEST_F(DirectoryTest, AListIsReadWhenItsLastSliceHasCome) {
  const AskPeer question = ask_the_legacy_host_alone();
  EXPECT_FALSE(heard(question, IdsAnswer{{7, 8}, true}).news);
  EXPECT_EQ(holder_of(7), "10.0.0.9") << "what it holds is known at once";
  EXPECT_TRUE(directory.inventory().in_doubt(hash_id(7)));
  context.now.mono += kSecond;
  directory.ask_inventory();
  EXPECT_TRUE(asked().empty()) << "its list is still being read: it is not asked for another one";
  directory.hear_expiries("10.0.0.9", {9});
  EXPECT_FALSE(heard(question, IdsAnswer{{9}, true}).news);
  EXPECT_EQ(holder_of(9), "") << "it had ended before its slice came";
  EXPECT_TRUE(heard(question, IdsAnswer{{10}}).news);
  EXPECT_FALSE(directory.inventory().in_doubt(hash_id(7)));
  EXPECT_EQ(directory.displaced().size(), 3U);
  EXPECT_FALSE(directory.answered(question.token, IdsAnswer{{11}}));
}

TEST_F(DirectoryTest, AHostThatVanishesWhileItsListIsReadHoldsNothing) {
  const AskPeer question = ask_the_legacy_host_alone();
  heard(question, IdsAnswer{{7, 8}, true});
  const HostRun gone = run("10.0.0.9");
  cluster.others.erase("10.0.0.9");
  directory.run_ended(gone);
  EXPECT_FALSE(directory.inventory().in_doubt(hash_id(7)));
  EXPECT_FALSE(heard(question, IdsAnswer{{9}, true}).news);
  EXPECT_EQ(directory.displaced().size(), 0U);
  EXPECT_FALSE(directory.answered(question.token, IdsAnswer{{10}})) << "the rest of the list is nobody's";
}

TEST_F(DirectoryTest, WhoHoldsLittleIsAskedForAllOfIt) {
  cluster.others.erase("10.0.0.9");
  cluster.actors = {{"10.0.0.2", config.asked_for_all_below - 1}, {"10.0.0.3", config.asked_for_all_below}};
  cluster.owners[8] = "10.0.0.3";
  const HashRanges gained({{hash_id(7), hash_id(7)}});
  directory.gain(gained);
  directory.ask_inventory();
  std::map<std::string, AskPeer> questions;
  for (AskPeer& question : asked()) questions.emplace(question.host, question);
  EXPECT_EQ(std::get<InventoryRequest>(questions.at("10.0.0.2").request).ranges, everything());
  EXPECT_EQ(std::get<InventoryRequest>(questions.at("10.0.0.3").request).ranges, gained);
  InventoryAnswer all{ReplyStatus::kOk, directory.inventory().number(), {{7, 41}, {8, 42}}, {}, false, 0, 0};
  all.remembered = {Ended{9, 40, {}}, Ended{8, 40, {}}};
  const Directory::InventoryHeard says = heard(questions.at("10.0.0.2"), all);
  EXPECT_EQ(holder_of(7), "10.0.0.2");
  EXPECT_EQ(holder_of(8), "") << "of another owner's range";
  ASSERT_EQ(says.inherited.size(), 1U);
  EXPECT_EQ(says.inherited.front().id, ActorId(9));
}

TEST_F(DirectoryTest, OfALongListADoubtedIdIsDroppedOnlyWhereNoSliceNamesIt) {
  for (const std::uint64_t id : {7, 8, 9}) directory.hear_claims(run("10.0.0.9"), {{ActorId(id), 0}}, true);
  directory.ask_ids("10.0.0.9", {7, 8, 9});
  const AskPeer question = asked().at(0);
  heard(question, IdsAnswer{{7}, true});
  directory.hear_claims(run("10.0.0.9"), {{9, 0}}, true);
  heard(question, IdsAnswer{{1}});
  EXPECT_EQ(holder_of(7), "10.0.0.9") << "the first slice named it";
  EXPECT_EQ(holder_of(8), "");
  EXPECT_EQ(holder_of(9), "10.0.0.9") << "it was claimed after the list was made";
}

TEST_F(DirectoryTest, WhatIsHeldHereIsToldInSlices) {
  config.most_in_slice = 2;
  for (std::uint64_t id = 1; id <= 5; ++id) here.claims[ActorId(id)] = Epoch(40 + id);
  const Sender sender{"10.0.0.2", 2, "", 0};
  InventoryRequest request{cluster.self().generation, 12, everything(), 0, 0};
  std::vector<ActorId> told;
  for (int slices = 1;; ++slices) {
    const InventoryAnswer says = directory.inventory_for(sender, request);
    ASSERT_EQ(says.status, ReplyStatus::kOk);
    for (const Claim& claim : says.claims) told.push_back(claim.id);
    request.after = says.upto;
    request.as_of = says.as_of;
    if (slices == 1) here.claims.erase(4);
    EXPECT_EQ(says.more, slices < 2);
    if (!says.more) break;
  }
  EXPECT_EQ(told, (std::vector<ActorId>{1, 2, 3, 5}));
  directory.gain(everything());
  EXPECT_EQ(directory.inventory_for(sender, request).status, ReplyStatus::kStale)
      << "what was gained may be active among the ids that were told before";
}

TEST_F(DirectoryTest, WhatAnAnswerToTheInventoryIsWorth) {
  struct Row {
    const char* what;
    PeerAnswer answer;
    bool news, declared_dead;
  };
  const Row rows[] = {
      {"it holds nothing", InventoryAnswer{ReplyStatus::kOk, 1, {}, {}}, true, false},
      {"of another question", InventoryAnswer{ReplyStatus::kOk, 9, {}, {}}, false, false},
      {"it has declared this run dead", InventoryAnswer{ReplyStatus::kDeclaredDead, 1, {}, {}}, false, true},
      {"it does not see this host yet", InventoryAnswer{ReplyStatus::kUnverified, 1, {}, {}}, false, false},
      {"lost", PeerFailure{PeerFailure::Kind::kLost, ""}, false, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Directory fresh(config, context, cluster, here);
    fresh.gain(everything());
    fresh.ask_inventory();
    const auto said = fresh.answered(asked()[0].token, row.answer);
    const auto& heard = std::get<Directory::InventoryHeard>(said.value().what);
    EXPECT_EQ(heard.news, row.news);
    EXPECT_EQ(heard.declared_dead, row.declared_dead);
    EXPECT_TRUE(fresh.inventory().in_doubt(hash_id(7)));
  }
}

TEST_F(DirectoryTest, AnEndThatOvertakesTheAnswerCounts) {
  directory.gain(everything());
  directory.ask_inventory();
  const std::vector<AskPeer> questions = asked();
  directory.hear_ends("10.0.0.2", {{7, 42, {}}});
  heard(questions[0], InventoryAnswer{ReplyStatus::kOk, 1, {{7, 42}, {8, 43}}, {}});
  EXPECT_EQ(holder_of(7), "");
  EXPECT_EQ(holder_of(8), "10.0.0.2");
}

TEST_F(DirectoryTest, WhoAsksForAnInventoryIsTold) {
  here.claims = {{ActorId(7), Epoch(42)}, {ActorId(8), Epoch(43)}};
  struct Row {
    Standing standing;
    Generation to;
    ReplyStatus status;
    std::size_t claims;
  };
  const Row rows[] = {
      {Standing::kInView, 1, ReplyStatus::kOk, 2},
      {Standing::kInView, 2, ReplyStatus::kStale, 0},
      {Standing::kUnknown, 1, ReplyStatus::kUnverified, 0},
      {Standing::kDeclaredDead, 1, ReplyStatus::kDeclaredDead, 0},
  };
  for (const Row& row : rows) {
    cluster.standing = row.standing;
    const InventoryAnswer says = directory.inventory_for({}, {row.to, 5, everything()});
    EXPECT_EQ(says.status, row.status);
    EXPECT_EQ(says.claims.size(), row.claims);
    EXPECT_EQ(says.number, InventoryNumber(5));
  }
}

TEST_F(DirectoryTest, ALegacyHostIsAskedForWhatItMayHoldNoMore) {
  directory.hear_claims(run("10.0.0.9"), {{7, 0}, {8, 0}}, true);
  directory.ask_ids("10.0.0.9", {7, 8});
  heard(asked().at(0), IdsAnswer{{8}});
  EXPECT_EQ(holder_of(7), "");
  EXPECT_EQ(holder_of(8), "10.0.0.9");
  directory.ask_ids("10.0.0.9", {8});
  EXPECT_TRUE(heard(asked().at(0), PeerFailure{PeerFailure::Kind::kLost, ""}).unheard);
  EXPECT_EQ(holder_of(8), "10.0.0.9");
}

// ---- claims ---------------------------------------------------------------------------------------------------------

TEST_F(DirectoryTest, FirstClaimWinsAndOfTwoTheGreaterEpoch) {
  cluster.owners = {{ActorId(11), "10.0.0.2"}, {ActorId(12), "10.0.0.3"}};
  here.claims = {{ActorId(1), Epoch(50)}};
  directory.hear_claims(run("10.0.0.3"), {{2, 40}}, true);
  directory.hint(12, "10.0.0.3");
  struct Row {
    const char* what;
    Claim claim;
    const char* rejected_for;  // empty: accepted
    bool yielded;
    const char* elsewhere;
  };
  const Row rows[] = {
      {"of nobody's", {3, 42}, "", false, "10.0.0.2"},
      {"of what is here, and less", {1, 49}, "here", false, ""},
      {"of what is here, and the same", {1, 50}, "here", false, ""},
      {"of what is here, and greater", {1, 51}, "", true, "10.0.0.2"},
      {"of what another holds", {2, 60}, "10.0.0.3", false, "10.0.0.3"},
      {"of what is its own by the ring", {11, 42}, "", false, ""},
      {"of what its owner is known to hold", {12, 42}, "10.0.0.3", false, ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Directory::ClaimsHeard heard = directory.hear_claims(run("10.0.0.2"), {row.claim}, true);
    EXPECT_EQ(heard.ack.accepted, *row.rejected_for == '\0');
    EXPECT_EQ(heard.ack.rejected.empty() ? "" : heard.ack.rejected[0].holder, row.rejected_for);
    EXPECT_EQ(heard.yielded.size(), row.yielded ? 1U : 0U);
    EXPECT_EQ(holder_of(row.claim.id), row.elsewhere);
  }
}

TEST_F(DirectoryTest, WhoseWordCounts) {
  struct Row {
    const char* what;
    Sender sender;
    OwnershipRequest request;
    const char* source_ip;
    Counts counts;
  };
  const Sender itself{"10.0.0.2", 2, "", 0}, another{"10.0.0.3", 3, "", 0}, legacy{};
  const Row rows[] = {
      {"a member, from its address", itself, {"10.0.0.2", 2, {}}, "10.0.0.2", Counts::kYes},
      {"a member, from another address", itself, {"10.0.0.2", 2, {}}, "10.0.0.7", Counts::kNo},
      {"an earlier run of it", itself, {"10.0.0.2", 1, {}}, "10.0.0.2", Counts::kNo},
      {"another member in its name", another, {"10.0.0.2", 2, {}}, "10.0.0.3", Counts::kNo},
      {"in this host's name", itself, {"here", 1, {}}, "10.0.0.2", Counts::kNo},
      {"no member", {"10.0.0.7", 7, "", 0}, {"10.0.0.7", 7, {}}, "10.0.0.7", Counts::kNo},
      {"a legacy member", legacy, {"10.0.0.9", 0, {}}, "10.0.0.9", Counts::kYes},
      {"a legacy member, from elsewhere", legacy, {"10.0.0.9", 0, {}}, "10.0.0.7", Counts::kIfItSaysSoToo},
      {"a legacy host that is not a member yet", legacy, {"10.0.0.8", 0, {}}, "10.0.0.8", Counts::kOnceAMember},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    cluster.standing = row.sender.host.empty() ? Standing::kUnspecified : Standing::kInView;
    const Directory::Judgement judgement = directory.judge(row.sender, row.request, row.source_ip);
    EXPECT_EQ(judgement.counts, row.counts);
    EXPECT_EQ(judgement.why_not.empty(), row.counts != Counts::kNo);
  }
  EXPECT_EQ(directory.judge(LegacyExpiryRequest{"10.0.0.9", {7}}, "10.0.0.9").counts, Counts::kYes);
  EXPECT_EQ(directory.judge(LegacyExpiryRequest{"10.0.0.9", {7}}, "10.0.0.7").counts, Counts::kIfItSaysSoToo);
  EXPECT_EQ(directory.judge(LegacyExpiryRequest{"10.0.0.2", {7}}, "10.0.0.2").counts, Counts::kNo);
}

TEST_F(DirectoryTest, WhatComesOfAnAnnouncement) {
  here.claims = {{ActorId(1), Epoch(50)}, {ActorId(2), Epoch(51)}};
  struct Row {
    const char* what;
    PeerAnswer answer;
    std::size_t unheard;
    std::vector<ActorId> yielded;
    std::size_t asked;  // further questions
  };
  const Row rows[] = {
      {"accepted", AckAnswer{true, "", {}}, 0, {}, 0},
      {"one rejected, for a member", AckAnswer{false, "", {{2, "10.0.0.2", 60}}}, 0, {2}, 0},
      {"one rejected, for a stranger", AckAnswer{false, "", {{2, "10.0.0.77", 60}}}, 0, {2}, 0},
      {"one rejected that was not announced", AckAnswer{false, "", {{5, "10.0.0.2", 60}}}, 0, {}, 0},
      {"rejected, and not which", AckAnswer{false, "no", {}}, 0, {}, 2},
      {"lost", PeerFailure{PeerFailure::Kind::kLost, ""}, 2, {}, 0},
      {"refused", PeerFailure{PeerFailure::Kind::kRejected, ""}, 0, {}, 0},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    directory.announce("10.0.0.9", {{1, 50}, {2, 51}});
    const auto heard = told(asked().at(0), row.answer);
    EXPECT_EQ(heard.unheard.size(), row.unheard);
    std::vector<ActorId> yielded;
    for (const Directory::Yielded& one : heard.yielded) yielded.push_back(one.id);
    EXPECT_EQ(yielded, row.yielded);
    EXPECT_EQ(asked().size(), row.asked);
  }
}

TEST_F(DirectoryTest, WhatEndedBeforeItsClaimArrivedIsToldAsEnded) {
  here.claims = {{ActorId(1), Epoch(50)}};
  directory.announce("10.0.0.9", {{1, 50}, {2, 51}});
  told(asked().at(0), AckAnswer{true, "", {}});
  const std::vector<AskPeer> questions = asked();
  ASSERT_EQ(questions.size(), 1U);
  EXPECT_EQ(std::get<LegacyExpiryRequest>(questions[0].request).ids, std::vector<ActorId>{2});
}

TEST_F(DirectoryTest, WhatIsGrantedIsKeptAsAStray) {
  here.claims = {{ActorId(1), Epoch(50)}};
  cluster.owners = {{ActorId(11), "10.0.0.3"}};
  directory.hear_claims(run("10.0.0.3"), {{2, 40}}, true);
  const auto granted = [&](ActorId id) { return directory.grant(run("10.0.0.2"), {{id, 60}}).accepted; };
  EXPECT_TRUE(granted(3));
  EXPECT_EQ(holder_of(3), "10.0.0.2");
  EXPECT_FALSE(granted(1)) << "it is active here";
  EXPECT_FALSE(granted(2)) << "another holds it";
  EXPECT_FALSE(granted(11)) << "it is not this host's to grant";
  cluster.its_phase = Phase::kDraining;
  EXPECT_FALSE(granted(4));
}

// ---- two holders, ends, calls ---------------------------------------------------------------------------------------

TEST_F(DirectoryTest, OfTwoHoldersTheLesserIsTold) {
  here.claims = {{ActorId(1), Epoch(50)}, {ActorId(2), Epoch(50)}};
  directory.gain(everything());
  directory.ask_inventory();
  const std::vector<AskPeer> questions = asked();
  heard(questions[0], InventoryAnswer{ReplyStatus::kOk, 1, {{1, 60}, {2, 40}, {3, 41}}, {}});
  heard(questions[1], InventoryAnswer{ReplyStatus::kOk, 1, {{3, 44}}, {}});
  Directory::Contested contested = directory.resolve_contested();
  ASSERT_EQ(contested.yielded.size(), 1U) << "1 is greater elsewhere";
  EXPECT_EQ(contested.yielded[0].id, ActorId(1));
  directory.tell(std::move(contested));
  std::vector<std::string> told;
  for (const AskPeer& question : asked()) {
    told.push_back(question.host + " of " + std::get<OwnershipRequest>(question.request).host);
  }
  EXPECT_EQ(told, (std::vector<std::string>{"10.0.0.2 of here", "10.0.0.2 of 10.0.0.3"}));
  directory.tell(directory.resolve_contested());
  EXPECT_TRUE(asked().empty()) << "again after a while";
  here.claims.clear();
  directory.hear_ends("10.0.0.2", {{3, 41, {}}});
  context.now.mono += kSecond;
  EXPECT_TRUE(directory.resolve_contested().mine.empty());
  EXPECT_EQ(holder_of(3), "10.0.0.3");
}

TEST_F(DirectoryTest, AnEndDropsWhatItIsAbout) {
  cluster.owners = {{ActorId(11), "10.0.0.3"}};
  directory.hear_claims(run("10.0.0.2"), {{1, 50}}, true);
  const std::vector<Remembered> answers{{"key", Outcome::kApplied, "", 0, kNoPlace}};
  EXPECT_EQ(directory.hear_ends("10.0.0.2", {{1, 49, {}}}).status, ReplyStatus::kOk);
  EXPECT_EQ(holder_of(1), "10.0.0.2") << "that was another activation";
  const auto mine = directory.hear_ends("10.0.0.2", {{1, 50, answers}});
  EXPECT_EQ(holder_of(1), "");
  EXPECT_EQ(mine.status, ReplyStatus::kOk);
  EXPECT_EQ(mine.inherited.size(), 1U);
  const auto of_another = directory.hear_ends("10.0.0.2", {{11, 50, answers}});
  EXPECT_EQ(of_another.status, ReplyStatus::kStale);
  EXPECT_TRUE(of_another.inherited.empty());
}

TEST_F(DirectoryTest, WhoAnsweredLastIsHintedAtUnlessTheRingSaysSo) {
  cluster.owners = {{ActorId(11), "10.0.0.3"}};
  directory.was_answered_by(11, "10.0.0.2");
  ASSERT_NE(directory.hints().find(11), nullptr);
  EXPECT_EQ(*directory.hints().find(11), "10.0.0.2");
  directory.was_answered_by(11, "10.0.0.3");
  EXPECT_EQ(directory.hints().find(11), nullptr);
  directory.was_answered_by(11, "10.0.0.2");
  directory.is_not_at(11, "10.0.0.2", 0);
  EXPECT_EQ(directory.hints().find(11), nullptr);
}

}  // namespace
}  // namespace ringside::core
