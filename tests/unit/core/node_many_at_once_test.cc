// What keeps many hosts that start together from being a storm (docs/decisions/0028).
#include <gtest/gtest.h>

#include "sidecar/core/names_digest.h"
#include "tests/unit/core/conversation.h"

namespace ringside::core {
namespace {

// a, which has heard of those others, and has been answered by none so far.
class Joiner : public ::testing::Test {
 protected:
  Joiner() { config.host = "a"; }

  void begin(const std::vector<std::string>& listed) {
    node.emplace(config, 1);
    node->start(now, true);
    questions([](const AskPeer&) { return std::nullopt; });  // until the app has forgotten what there was
    node->discovered(now, listed, true);
  }
  void wait(std::int64_t us) {
    now.mono += Duration(us);
    now.wall_ms += us / 1000;
    node->wake(now);
  }
  std::vector<AskPeer> questions(const std::function<std::optional<PeerAnswer>(const AskPeer&)>& reply) {
    std::vector<AskPeer> asked;
    converse(*node, now, [&](const AskPeer& question) {
      asked.push_back(question);
      return reply(question);
    });
    return asked;
  }

  NodeConfig config;
  Now now{Instant(Duration(3'600'000'000)), 1'790'000'000'000};
  std::optional<Node> node;
};

std::optional<PeerAnswer> answer_pings(const AskPeer& question) {
  if (!std::holds_alternative<PingRequest>(question.request)) return std::nullopt;
  return serving(question.host, kFirstRun);
}

std::vector<JoinRequest> joins_in(const std::vector<AskPeer>& questions) {
  std::vector<JoinRequest> joins;
  for (const AskPeer& question : questions) {
    if (const auto* join = std::get_if<JoinRequest>(&question.request)) joins.push_back(*join);
  }
  return joins;
}

TEST_F(Joiner, IsToldNoNamesThatItKnows) {
  begin({"b"});
  const auto asked = questions([](const AskPeer& question) -> std::optional<PeerAnswer> {
    if (!std::holds_alternative<JoinRequest>(question.request)) return answer_pings(question);
    JoinAnswer says = taken_in({});
    says.names_agree = true;
    return says;
  });
  ASSERT_EQ(joins_in(asked).size(), 1U);
  NamesDigest known;
  known.add("a");
  known.add("b");
  EXPECT_EQ(joins_in(asked).front().names, known.value());
  EXPECT_EQ(node->status().members, 2U);
  EXPECT_EQ(node->status().not_ready_because, "asking the members what they hold in this host's ranges")
      << "it has joined";
}

TEST_F(Joiner, ThatHasHeardOfOthersMeanwhileIsToldAllNames) {
  begin({"b"});
  std::optional<QuestionId> join;
  questions([&](const AskPeer& question) -> std::optional<PeerAnswer> {
    if (std::holds_alternative<JoinRequest>(question.request)) join = question.token;
    return answer_pings(question);
  });
  ASSERT_TRUE(join);
  node->discovered(now, {"b", "c"}, true);
  JoinAnswer says = taken_in({});
  says.names_agree = true;
  node->peer_answered(now, *join, says);
  const auto asked = questions([](const AskPeer&) { return std::nullopt; });
  ASSERT_EQ(joins_in(asked).size(), 1U) << "b compared other names than those that a knows";
  EXPECT_EQ(joins_in(asked).front().names, Fingerprint(0));
  EXPECT_NE(node->status().not_ready_because, "");
}

TEST_F(Joiner, KeepsWhatAMemberHasSaidOfItselfThoughAJoinAnswerDoesNotSayIt) {
  begin({"b", "c"});
  Phase phase = Phase::kJoining;
  const auto reply = [&](const AskPeer& question) -> std::optional<PeerAnswer> {
    if (question.host == "c") return std::nullopt;  // so that this host goes on joining
    if (std::holds_alternative<JoinRequest>(question.request)) {
      JoinAnswer says = taken_in({"a", "b"});
      says.phase = phase;
      return says;
    }
    if (!std::holds_alternative<PingRequest>(question.request)) return std::nullopt;
    PingAnswer says = serving("b", kFirstRun);
    says.phase = phase;
    says.actors = 1'000'000;
    says.version = "1.2.3";
    return says;
  };
  const auto b = [&] {
    for (const MemberStatus& member : node->members(now.mono)) {
      if (member.host == "b") return member;
    }
    return MemberStatus();
  };
  questions(reply);
  EXPECT_EQ(b().actors, 1'000'000U) << "said before it was asked to take this host in";
  phase = Phase::kReady;  // it names other hosts now than those that it had to meet: it is asked anew
  std::size_t joins = 0;
  for (int tick = 0; tick < 10; ++tick) {
    wait(100'000);
    joins += joins_in(questions(reply)).size();
    EXPECT_EQ(b().actors, 1'000'000U) << joins;
    EXPECT_EQ(b().version, "1.2.3") << joins;
  }
  EXPECT_GE(joins, 1U);
}

TEST_F(Joiner, IsNotAccusedOfItsSilenceByWhoIsLateItself) {
  begin({"b"});
  questions([](const AskPeer& question) -> std::optional<PeerAnswer> {
    if (std::holds_alternative<JoinRequest>(question.request)) return taken_in({"a", "b"});
    if (std::holds_alternative<InventoryRequest>(question.request)) {
      const auto& request = std::get<InventoryRequest>(question.request);
      return InventoryAnswer{ReplyStatus::kOk, request.number, {}, {}, false, 0, 0};
    }
    return answer_pings(question);
  });
  ASSERT_EQ(node->status().phase, Phase::kReady);
  // Each tick comes 900 ms late, as on a machine with work for many: of five seconds this host has not had one.
  for (int late = 0; late < 5; ++late) {
    wait(1'000'000);
    questions([](const AskPeer&) { return std::nullopt; });
  }
  EXPECT_EQ(node->status().members, 2U);
  for (int in_time = 0; in_time < 40; ++in_time) {
    wait(100'000);
    questions([](const AskPeer&) { return std::nullopt; });
  }
  EXPECT_EQ(node->status().members, 1U) << "b is silent, and this host is not late any more";
}

// What it says to others who ask to be taken in.
class Asked : public Joiner {
 protected:
  // b asks a; who is pinged for that is what comes back.
  std::size_t pings_for_its_join(const std::function<std::optional<PeerAnswer>(const AskPeer&)>& reply) {
    node->peer_asked(now, ReplyId(1), b, "", JoinRequest{config.points, false, 0});
    std::size_t pings = 0;
    const Effects rest = converse(*node, now, [&](const AskPeer& question) -> std::optional<PeerAnswer> {
      const bool pinged = question.host == "b" && std::holds_alternative<PingRequest>(question.request);
      pings += pinged ? 1 : 0;
      return pinged ? reply(question) : std::nullopt;
    });
    for (const Effect& effect : rest) {
      const auto* answer = std::get_if<AnswerPeer>(&effect);
      if (answer != nullptr && answer->token == ReplyId(1)) said = std::get<JoinAnswer>(answer->answer).status;
    }
    return pings;
  }
  std::optional<PeerAnswer> as_a_joiner(const AskPeer& question) const {
    if (!std::holds_alternative<PingRequest>(question.request)) return std::nullopt;
    PingAnswer says = serving("b", kFirstRun);
    says.phase = Phase::kJoining;
    return says;
  }

  Sender b{"b", kFirstRun, "default", Epoch()};
  std::optional<ReplyStatus> said;
};

TEST_F(Asked, AJoinerThatHasJustAnsweredIsNotPingedAgain) {
  begin({"b"});
  questions([this](const AskPeer& question) { return as_a_joiner(question); });
  EXPECT_EQ(pings_for_its_join([](const AskPeer&) { return std::nullopt; }), 0U);
  EXPECT_EQ(said, ReplyStatus::kOk);
}

TEST_F(Asked, AnotherRunOfItIsPinged) {
  begin({"b"});
  questions([this](const AskPeer& question) { return as_a_joiner(question); });
  b.generation = kFirstRun.next();
  EXPECT_EQ(pings_for_its_join([](const AskPeer&) { return std::nullopt; }), 1U);
  EXPECT_EQ(said, std::nullopt) << "not before it has answered";
}

TEST_F(Asked, OneThatAnsweredLongAgoIsPinged) {
  begin({"b"});
  questions([this](const AskPeer& question) { return as_a_joiner(question); });
  wait(2'600'000);
  questions([](const AskPeer&) { return std::nullopt; });
  EXPECT_EQ(pings_for_its_join([](const AskPeer&) { return std::nullopt; }), 1U);
  EXPECT_EQ(said, std::nullopt);
}

TEST_F(Asked, OneThatIsTooBusyToAnswerIsNotOutOfReach) {
  for (const auto& [kind, status] : {std::pair(PeerFailure::Kind::kLost, ReplyStatus::kNoAnswer),
                                     std::pair(PeerFailure::Kind::kUnreachable, ReplyStatus::kUnverified),
                                     std::pair(PeerFailure::Kind::kUnresolved, ReplyStatus::kUnverified)}) {
    begin({});
    said.reset();
    EXPECT_EQ(pings_for_its_join([kind](const AskPeer&) { return PeerFailure{kind, "why"}; }), 1U);
    EXPECT_EQ(said, status);
  }
}

// b has joined by a, which serves, and says now that it is ready.
class ReadyWord : public Joiner {
 protected:
  ReadyWord() {
    begin({});
    questions([](const AskPeer&) { return std::nullopt; });
    node->peer_asked(now, ReplyId(1), b, "", JoinRequest{config.points, false, 0});
    questions([](const AskPeer& question) -> std::optional<PeerAnswer> {
      if (!std::holds_alternative<PingRequest>(question.request)) return std::nullopt;
      PingAnswer says = serving("b", kFirstRun);
      says.phase = Phase::kJoining;
      return says;
    });
    b.phase = Phase::kReady;
  }
  Phase phase_of_b() {
    for (const MemberStatus& member : node->members(now.mono)) {
      if (member.host == "b") return member.phase;
    }
    return Phase::kUnspecified;
  }
  std::size_t pings_after_its_word() {
    node->peer_asked(now, ReplyId(2), b, "", PingRequest{});
    return questions([](const AskPeer&) { return std::nullopt; }).size();
  }

  Sender b{"b", kFirstRun, "default", Epoch()};
};

TEST_F(ReadyWord, OfWhoHasProvenItselfIsBelieved) {
  ASSERT_EQ(phase_of_b(), Phase::kJoining);
  b.proven = true;
  EXPECT_EQ(pings_after_its_word(), 0U);
  EXPECT_EQ(phase_of_b(), Phase::kReady);
}

TEST_F(ReadyWord, OfAnybodyElseMakesThisHostLook) {
  EXPECT_EQ(pings_after_its_word(), 1U);
  EXPECT_EQ(phase_of_b(), Phase::kJoining);
}

TEST_F(ReadyWord, OfAnotherRunSaysNothing) {
  b.proven = true;
  b.generation = kFirstRun.next();
  pings_after_its_word();
  EXPECT_EQ(phase_of_b(), Phase::kJoining);
}

// Fourteen others, of which a watches eight: how many pings it sends in a minute.
class Idle : public Joiner {
 protected:
  std::size_t pings_in_a_minute(bool all_have_its_ring) {
    std::vector<std::string> others;
    for (char name = 'b'; name <= 'o'; ++name) others.emplace_back(1, name);
    begin(others);
    std::size_t pings = 0;
    const auto reply = [&](const AskPeer& question) -> std::optional<PeerAnswer> {
      if (std::holds_alternative<PingRequest>(question.request)) {
        ++pings;
        PingAnswer says = serving(question.host, kFirstRun);
        says.ring = all_have_its_ring ? node->ring().fingerprint() : Fingerprint(1);
        says.standing = Standing::kInView;
        return says;
      }
      if (const auto* inventory = std::get_if<InventoryRequest>(&question.request)) {
        return InventoryAnswer{ReplyStatus::kOk, inventory->number, {}, {}, false, 0, 0};
      }
      if (!std::holds_alternative<JoinRequest>(question.request)) return std::nullopt;
      JoinAnswer says = taken_in({});
      says.names_agree = true;
      return says;
    };
    for (int tick = 0; tick < 700; ++tick) {
      questions(reply);
      wait(100'000);
      if (tick == 100) pings = 0;  // by then it has joined, and all have been asked once
    }
    EXPECT_EQ(node->status().settled, all_have_its_ring);
    return pings;
  }
};

TEST_F(Idle, ThoseThatAgreeAndAreNotWatchedAreAskedAQuarterAsOften) {
  const std::size_t unlike = pings_in_a_minute(false);
  const std::size_t alike = pings_in_a_minute(true);
  // Eight are pinged every half a second in both cases, the other six as often as that or four times as rarely.
  EXPECT_NEAR(static_cast<double>(unlike), 14 * 120, 14 * 12);
  EXPECT_NEAR(static_cast<double>(alike), 8 * 120 + 6 * 30, 8 * 12 + 6 * 8);
}

}  // namespace
}  // namespace ringside::core
