// Where a call goes: a table of what is known, and what follows.
#include "sidecar/core/route.h"

#include <functional>
#include <string>

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
  Route route() {
    return route_of(call, {cluster, actors, inventory, displaced, hints, grants, has_app, app_up, quorum, closing,
                           comes_back, peer_apply_own});
  }

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
  };
  const Row rows[] = {
      // ---- this host's own ----
      {"it is active here", [](S& s) { s.is_active(42); }, "here under 42"},
      {"that very activation is named", [](S& s) { s.is_active(42), s.names(42); }, "here under 42"},
      {"another one is named", [](S& s) { s.is_active(42), s.names(41); }, "fail not-mine"},
      {"one is named, and none is here", [](S& s) { s.names(42); }, "fail not-mine"},
      {"named, and its grant is on its way",
       [](S& s) {
         s.grants.ask({kId, 42}), s.names(42);
       },
       "wait ownership-moving"},
      {"nobody has it", [](S&) {}, "claim"},
      {"its range has just become this host's", [](S& s) { s.range_is_in_doubt(); }, "wait ownership-moving"},
      {"this host is draining", [](S& s) { s.cluster.its_phase = Phase::kDraining; }, "wait ownership-moving"},
      {"this host has not joined yet",
       [](S& s) { s.cluster.its_phase = Phase::kJoining, s.cluster.has_joined = false; }, "wait not-ready"},
      {"another holds it", [](S& s) { s.is_active_on("other", 41); }, "to other under 41"},
      {"another holds it, and is silent", [](S& s) { s.is_active_on("other", 41), s.cluster.suspected = {"other"}; },
       "wait peer-unreachable"},
      {"another held it, and is gone", [](S& s) { s.is_active_on("other", 41), s.cluster.others.erase("other"); },
       "claim"},
      // ---- another's ----
      {"the ring names another", [](S& s) { s.ring_says("other"); }, "to other"},
      {"which is silent", [](S& s) { s.ring_says("other"), s.cluster.suspected = {"other"}; }, "wait peer-unreachable"},
      {"another has answered for it", [](S& s) { s.ring_says("other"), s.hints.put(kId, "old"); }, "to old"},
      {"which is silent", [](S& s) { s.ring_says("other"), s.hints.put(kId, "old"), s.cluster.suspected = {"old"}; },
       "to other"},
      {"which is gone", [](S& s) { s.ring_says("other"), s.hints.put(kId, "gone"); }, "to other"},
      {"a hint, for a call that was forwarded",
       [](S& s) { s.ring_says("other"), s.hints.put(kId, "old"), s.comes_from_a_peer(true); }, "to other"},
      {"this host leaves, and the successor does not know",
       [](S& s) { s.ring_says("other"), s.cluster.its_phase = Phase::kDraining; }, "wait ownership-moving"},
      {"this host leaves, and the successor knows",
       [](S& s) { s.ring_says("other"), s.cluster.its_phase = Phase::kDraining, s.cluster.saw_leave = {"other"}; },
       "to other"},
      {"a host without an app does not leave",
       [](S& s) { s.ring_says("other"), s.cluster.its_phase = Phase::kAppDown, s.has_app = false; }, "to other"},
      // ---- nobody's ----
      {"no host is on the ring", [](S& s) { s.no_host_is_on_the_ring(); }, "wait no-owner"},
      {"and this one has yet to join", [](S& s) { s.no_host_is_on_the_ring(), s.cluster.has_joined = false; },
       "wait not-ready"},
      {"and its app is down", [](S& s) { s.no_host_is_on_the_ring(), s.app_up = false; }, "wait app-down"},
      {"and it is on its way back", [](S& s) { s.no_host_is_on_the_ring(), s.comes_back = true; }, "wait not-ready"},
      {"and it is about to end", [](S& s) { s.no_host_is_on_the_ring(), s.closing = true; }, "fail shutting-down"},
      // ---- whatever the ring says ----
      {"this host was stopped", [](S& s) { s.is_active(42), s.cluster.is_confirming = true; }, "wait not-ready"},
      {"there is no quorum", [](S& s) { s.is_active(42), s.quorum = false; }, "fail no-quorum"},
      // ---- --peer-apply own ----
      {"a legacy host's ring names this host, and ours another",
       [](S& s) { s.peer_apply_own = true, s.ring_says("other"), s.comes_from_a_peer(false); }, "ask for it"},
      {"whose grant has come",
       [](S& s) {
         s.peer_apply_own = true, s.ring_says("other"), s.comes_from_a_peer(false);
         s.grants.ask({kId, 42}), s.grants.grant({kId, 42});
       },
       "claim"},
      {"ours names a legacy host, which cannot be asked",
       [](S& s) { s.peer_apply_own = true, s.ring_says("old"), s.comes_from_a_peer(false); }, "claim"},
      {"a member is known to hold it",
       [](S& s) {
         s.peer_apply_own = true, s.ring_says("other"), s.comes_from_a_peer(false), s.hints.put(kId, "other");
       },
       "to other"},
      {"forwarded here by a hint of a legacy host",
       [](S& s) { s.peer_apply_own = true, s.ring_says("old"), s.comes_from_a_peer(true); }, "fail not-mine"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Situation situation;
    row.arrange(situation);
    EXPECT_EQ(text_of(situation.route()), row.goes);
  }
}

}  // namespace
}  // namespace ringside::core
