// Where a call goes: a table of what is known, and what follows.
#include "sidecar/core/route.h"

#include <fstream>
#include <functional>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sidecar/core/membership/ring.h"
#include "tests/unit/core/cluster_fake.h"

namespace ringside::core {
namespace {

constexpr ActorId kId{7};

std::string text_of(const Route& route) {
  const std::string reason = route.reason == Reason::kNone ? "" : " " + std::string(to_string(route.reason));
  const std::string epoch = route.epoch == 0 ? "" : " under " + to_string(route.epoch);
  switch (route.kind) {
    case Route::Kind::kHere:
      return "here" + epoch;
    case Route::Kind::kClaim:
      return "claim";
    case Route::Kind::kAskForIt:
      return "ask for it";
    case Route::Kind::kForward:
      return "to " + route.to->host + epoch;
    case Route::Kind::kWait:
      return "wait" + reason;
    case Route::Kind::kFail:
      return "fail" + reason;
  }
  return "";
}

// A host that is ready, beside "other" and the legacy host "old". The ring gives actor 7 to this host.
struct Situation {
  Situation() {
    cluster.add("other", 5);
    cluster.add("old", 0);
    call.id = kId;
  }
  void ring_says(const std::string& host) { cluster.owners[kId] = host; }
  void no_host_is_on_the_ring() { cluster.nobody_owns = true; }
  void is_active(Epoch epoch) { actors.create(kId, epoch, Instant()); }
  void is_active_on(const std::string& host, Epoch epoch) { displaced.put(kId, *cluster.run_of(host), epoch); }
  void names(Epoch epoch) { call.target = Target{"here", 1, "default", epoch}; }
  void comes_from_a_peer(bool forwarded) {
    call.origin = Origin::kPeer;
    if (forwarded) call.hops = 1;
  }
  void range_is_in_doubt() { inventory.gain(Ring::make({"here"}, 1)->ranges("here")); }
  RouteFacts facts() {
    return {cluster, actors, inventory, displaced, hints,      grants,
            has_app, app_up, quorum,    closing,   comes_back, peer_apply_own};
  }
  Route route() { return route_of(call, facts()); }
  Route place() { return place_of(call, facts()); }

  ClusterFake cluster;
  ActorTable actors{1 << 20};
  Inventory inventory;
  DisplacedActivations displaced{100};
  Hints hints;
  OwnershipGrants grants;
  Call call;
  bool has_app = true, app_up = true, quorum = true, closing = false, comes_back = false, peer_apply_own = false;
};

TEST(RouteTest, WhereACallGoes) {
  using S = Situation;
  struct Row {
    const char* what;
    std::function<void(S&)> arrange;
    std::string goes;
    Rule by;
  };
  const Row rows[] = {
      // ---- this host's own ----
      {"it is active here", [](S& s) { s.is_active(42); }, "here under 42", Rule::kClaim},
      {"that very activation is named", [](S& s) { s.is_active(42), s.names(42); }, "here under 42", Rule::kClaim},
      {"another one is named", [](S& s) { s.is_active(42), s.names(41); }, "fail not-mine", Rule::kNamed},
      {"one is named, and none is here", [](S& s) { s.names(42); }, "fail not-mine", Rule::kNamed},
      {"named, and its grant is on its way",
       [](S& s) {
         s.grants.ask({kId, 42}), s.names(42);
       },
       "wait ownership-moving", Rule::kNamed},
      {"nobody has it", [](S&) {}, "claim", Rule::kFree},
      {"its range has just become this host's", [](S& s) { s.range_is_in_doubt(); }, "wait ownership-moving",
       Rule::kInDoubt},
      {"this host is draining", [](S& s) { s.cluster.its_phase = Phase::kDraining; }, "wait ownership-moving",
       Rule::kNotReady},
      {"this host has not joined yet",
       [](S& s) { s.cluster.its_phase = Phase::kJoining, s.cluster.has_joined = false; }, "wait not-ready",
       Rule::kNotReady},
      {"another holds it", [](S& s) { s.is_active_on("other", 41); }, "to other under 41", Rule::kStray},
      {"another holds it, and is silent", [](S& s) { s.is_active_on("other", 41), s.cluster.suspected = {"other"}; },
       "wait peer-unreachable", Rule::kStray},
      {"another held it, and is gone", [](S& s) { s.is_active_on("other", 41), s.cluster.others.erase("other"); },
       "claim", Rule::kFree},
      // ---- another's ----
      {"the ring names another", [](S& s) { s.ring_says("other"); }, "to other", Rule::kRing},
      {"which is silent", [](S& s) { s.ring_says("other"), s.cluster.suspected = {"other"}; }, "wait peer-unreachable",
       Rule::kRing},
      {"another has answered for it", [](S& s) { s.ring_says("other"), s.hints.put(kId, "old"); }, "to old",
       Rule::kHint},
      {"which is silent", [](S& s) { s.ring_says("other"), s.hints.put(kId, "old"), s.cluster.suspected = {"old"}; },
       "to other", Rule::kRing},
      {"which is gone", [](S& s) { s.ring_says("other"), s.hints.put(kId, "gone"); }, "to other", Rule::kRing},
      {"a hint, for a call that was forwarded",
       [](S& s) { s.ring_says("other"), s.hints.put(kId, "old"), s.comes_from_a_peer(true); }, "to other", Rule::kRing},
      {"this host leaves, and the successor does not know",
       [](S& s) { s.ring_says("other"), s.cluster.its_phase = Phase::kDraining; }, "wait ownership-moving",
       Rule::kLeaving},
      {"this host leaves, and the successor knows",
       [](S& s) { s.ring_says("other"), s.cluster.its_phase = Phase::kDraining, s.cluster.saw_leave = {"other"}; },
       "to other", Rule::kRing},
      {"a host without an app does not leave",
       [](S& s) { s.ring_says("other"), s.cluster.its_phase = Phase::kAppDown, s.has_app = false; }, "to other",
       Rule::kRing},
      // ---- nobody's ----
      {"no host is on the ring", [](S& s) { s.no_host_is_on_the_ring(); }, "wait no-owner", Rule::kNoOwner},
      {"and this one has yet to join", [](S& s) { s.no_host_is_on_the_ring(), s.cluster.has_joined = false; },
       "wait not-ready", Rule::kNoOwner},
      {"and its app is down", [](S& s) { s.no_host_is_on_the_ring(), s.app_up = false; }, "wait app-down",
       Rule::kNoOwner},
      {"and it is on its way back", [](S& s) { s.no_host_is_on_the_ring(), s.comes_back = true; }, "wait not-ready",
       Rule::kNoOwner},
      {"and it is about to end", [](S& s) { s.no_host_is_on_the_ring(), s.closing = true; }, "fail shutting-down",
       Rule::kNoOwner},
      // ---- whatever the ring says ----
      {"this host was stopped", [](S& s) { s.is_active(42), s.cluster.is_confirming = true; }, "wait not-ready",
       Rule::kStopped},
      {"there is no quorum", [](S& s) { s.is_active(42), s.quorum = false; }, "fail no-quorum", Rule::kQuorum},
      // ---- --peer-apply own ----
      {"a legacy host's ring names this host, and ours another",
       [](S& s) { s.peer_apply_own = true, s.ring_says("other"), s.comes_from_a_peer(false); }, "ask for it",
       Rule::kGrant},
      {"whose grant has come",
       [](S& s) {
         s.peer_apply_own = true, s.ring_says("other"), s.comes_from_a_peer(false);
         s.grants.ask({kId, 42}), s.grants.grant({kId, 42});
       },
       "claim", Rule::kFree},
      {"ours names a legacy host, which cannot be asked",
       [](S& s) { s.peer_apply_own = true, s.ring_says("old"), s.comes_from_a_peer(false); }, "claim", Rule::kFree},
      {"a member is known to hold it",
       [](S& s) {
         s.peer_apply_own = true, s.ring_says("other"), s.comes_from_a_peer(false), s.hints.put(kId, "other");
       },
       "to other", Rule::kHint},
      {"forwarded here by a hint of a legacy host",
       [](S& s) { s.peer_apply_own = true, s.ring_says("old"), s.comes_from_a_peer(true); }, "fail not-mine",
       Rule::kSentBack},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Situation situation;
    row.arrange(situation);
    const Route route = situation.route();
    EXPECT_EQ(text_of(route), row.goes);
    EXPECT_EQ(to_string(route.rule), std::string(to_string(row.by)));
  }
}

// The rules that say whether this host may route at all say nothing of where an actor is.
TEST(RouteTest, WhereAnActorIsDoesNotDependOnWhetherThisHostMayRoute) {
  Situation situation;
  situation.is_active(42);
  situation.quorum = false;
  EXPECT_EQ(situation.route().rule, Rule::kQuorum);
  EXPECT_EQ(situation.place().rule, Rule::kClaim);
  situation.cluster.is_confirming = true;
  EXPECT_EQ(situation.route().rule, Rule::kStopped);
  EXPECT_EQ(text_of(situation.place()), "here under 42");
}

TEST(RouteTest, TheDocumentHasTheRulesInTheirOrder) {
  std::ifstream file(SOURCE_DIR "/docs/ownership.md");
  const std::regex row(R"(^\| `([a-z-]+)` \| \S.*)");
  std::vector<std::string> documented;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_match(line, match, row)) documented.push_back(match[1]);
  }
  std::vector<std::string> rules;
  for (std::size_t i = 0; i < kRules; ++i) rules.emplace_back(to_string(static_cast<Rule>(i)));
  EXPECT_EQ(documented, rules);
}

}  // namespace
}  // namespace ringside::core
