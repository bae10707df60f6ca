// Membership by itself: what it says has happened (view_event.h), and in which order. Its protocol is tested with whole
// nodes (node_membership_test.cc, node_names_test.cc, node_lifecycle_test.cc).
#include "sidecar/core/membership/membership.h"

#include <gtest/gtest.h>

#include "sidecar/base/overloaded.h"

namespace ringside::core {
namespace {

std::string said_of(Gone how) {
  return how == Gone::kSilent     ? "silent"
         : how == Gone::kRefusing ? "refusing"
         : how == Gone::kReplaced ? "replaced"
                                  : "in order";
}

std::string text_of(const std::vector<ViewEvent>& events) {
  std::string text;
  for (const ViewEvent& event : events) {
    if (!text.empty()) text += ", ";
    text += std::visit(
        base::Overloaded{
            [](const view_event::RingChanged& ring) {
              return "ring " + std::to_string(ring.before->hosts().size()) + " to " +
                     std::to_string(ring.after->hosts().size());
            },
            [](const view_event::Admitted& member) { return member.run.host + " admitted"; },
            [](const view_event::RunEnded& ended) { return ended.run.host + " ended " + said_of(ended.how); },
            [](const view_event::LeftRing& member) { return member.run.host + " left as " + to_string(member.phase); },
            [](const view_event::Joined&) { return std::string("joined"); },
            [](const view_event::MustRejoin& rejoin) { return "must rejoin: " + rejoin.why; },
            [](const view_event::Confirmed&) { return std::string("confirmed"); },
            [](const view_event::HeardAgain&) { return std::string("heard again"); },
            [](const view_event::Changed&) { return std::string("changed"); },
        },
        event);
  }
  return text;
}

// Host a. The others are what they answer to a ping; who is not among them refuses connections.
class MembershipEvents : public ::testing::Test {
 protected:
  MembershipEvents() {
    context.now = {Instant(Duration(3'600'000'000)), 1'790'000'000'000};
    clock.advance(context.now);
  }

  void is_there(const std::string& host, Generation generation, Phase phase = Phase::kReady) {
    PingAnswer& says = peers[host];
    says.host = host;
    says.generation = generation;
    says.phase = phase;
    says.cluster = config.cluster;
    says.standing = Standing::kInView;
  }

  // a has joined beside them.
  void join(const std::vector<std::string>& others) {
    for (const std::string& host : others) is_there(host, 10);
    a.start(20, Phase::kJoining);
    a.discovered(others, true);
    carry_out();
    a.set_phase(Phase::kReady);
    ASSERT_TRUE(a.roster().joined());
    static_cast<void>(a.take_events());
  }

  void carry_out() {
    while (!context.effects.empty()) {
      for (const Effect& effect : std::exchange(context.effects, {})) {
        const auto* question = std::get_if<AskPeer>(&effect);
        if (question == nullptr || silent.contains(question->host)) continue;
        a.answered(question->token, answer_to(*question));
      }
    }
  }

  PeerAnswer answer_to(const AskPeer& question) {
    const auto peer = peers.find(question.host);
    if (peer == peers.end()) return PeerFailure{PeerFailure::Kind::kReset, "refused"};
    const PingAnswer& says = peer->second;
    if (std::holds_alternative<PingRequest>(question.request)) return says;
    if (std::holds_alternative<JoinRequest>(question.request)) {
      JoinAnswer answer;
      answer.status = ReplyStatus::kOk;
      answer.generation = says.generation;
      answer.phase = says.phase;
      return answer;
    }
    return PeerFailure{PeerFailure::Kind::kUnserved, "not in this test"};
  }

  // Until something has happened.
  std::string pass() {
    for (int step = 0; step < 200; ++step) {
      context.now.mono += Duration(100'000);
      context.now.wall_ms += 100;
      clock.advance(context.now);
      for (const std::string& host : a.begin_tick()) a.tick_member(host);
      a.end_tick();
      carry_out();
      if (const std::vector<ViewEvent> events = a.take_events(); !events.empty()) return text_of(events);
    }
    return "nothing";
  }

  const MembershipConfig config = of_a();
  Context context{1};
  EpochClock clock;
  std::map<std::string, PingAnswer> peers;
  std::set<std::string> silent;
  Membership a{config, context, clock};

 private:
  static MembershipConfig of_a() {
    MembershipConfig own;
    own.host = "a";
    return own;
  }
};

TEST_F(MembershipEvents, OfJoiningAreTakenOnce) {
  is_there("b", 10);
  a.start(20, Phase::kJoining);
  a.discovered({"b"}, true);
  carry_out();
  EXPECT_EQ(text_of(a.take_events()), "ring 0 to 1, ring 1 to 2, changed, changed, joined, changed");
  EXPECT_EQ(text_of(a.take_events()), "");
}

TEST_F(MembershipEvents, OfAHostThatComesLater) {
  join({"b"});
  is_there("c", 10, Phase::kJoining);
  a.join(ReplyId(77), {"c", 10, "default", 0}, "", {config.points, false});
  carry_out();
  EXPECT_EQ(text_of(a.take_events()), "ring 2 to 3, c admitted, changed");
}

struct Row {
  const char* what;
  std::function<void(std::map<std::string, PingAnswer>&)> befalls;
  const char* events;
};

TEST_F(MembershipEvents, OfWhatAPingTells) {
  const Row rows[] = {
      {"b drains", [](auto& others) { others["b"].phase = Phase::kDraining; },
       "ring 3 to 2, b left as draining, changed"},
      {"then it is drained", [](auto& others) { others["b"].phase = Phase::kDrained; }, "changed"},
      {"it is another process", [](auto& others) { others["b"].generation = 11; }, "b ended replaced, changed"},
      {"c exits", [](auto& others) { others.erase("c"); }, "ring 2 to 1, c ended refusing, changed"},
  };
  join({"b", "c"});
  for (const Row& row : rows) {
    row.befalls(peers);
    EXPECT_EQ(pass(), row.events) << row.what;
  }
}

TEST_F(MembershipEvents, ChangesOfTheRingStandFirst) {
  join({"b", "c"});
  is_there("b", 11, Phase::kJoining);
  a.join(ReplyId(77), {"b", 11, "default", 0}, "", {config.points, false});
  carry_out();
  EXPECT_EQ(text_of(a.take_events()), "ring 3 to 2, ring 2 to 3, b ended replaced, changed, b admitted, changed")
      << "whatever goes on after the end of that run is decided by the ring with the next one";
}

TEST_F(MembershipEvents, OfSilence) {
  join({"b", "c"});
  silent = {"b", "c"};
  EXPECT_EQ(pass(), "ring 3 to 2, ring 2 to 1, b ended silent, changed, c ended silent, changed");
}

TEST_F(MembershipEvents, OfBeingTakenForDead) {
  join({"b"});
  peers["b"].standing = Standing::kDeclaredDead;
  EXPECT_EQ(pass(), "must rejoin: buried by b");
  EXPECT_EQ(a.roster().phase(), Phase::kReady) << "what follows is for the caller to decide";
}

TEST_F(MembershipEvents, OfAStall) {
  join({"b", "c"});
  a.suspect_self(Duration(5'000'000));
  EXPECT_TRUE(a.roster().confirming());
  EXPECT_EQ(pass(), "confirmed");
  EXPECT_FALSE(a.roster().confirming());
}

}  // namespace
}  // namespace ringside::core
