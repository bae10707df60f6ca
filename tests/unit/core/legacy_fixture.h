// One node "a" beside a legacy host, which answers whatever it is asked; and others like it, where a test adds them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/core/node_fixture.h"

namespace ringside::core {

class BesideLegacyHost : public ::testing::Test {
 protected:
  explicit BesideLegacyHost(std::string name, const std::function<void(NodeConfig&)>& adjust = nullptr)
      : legacy(std::move(name)), a((cluster.start("a", adjust), cluster.converge(), cluster.node("a"))) {
    add(legacy);
  }

  void add(const std::string& name) {
    hosts.insert(name);
    a.peer_asked(now, ++last_, {}, name, NegotiateRequest{{name}, "", 0});
    play();
    answers.clear();
    asked.clear();
  }

  void play() {
    for (Effects effects = a.take_effects(); !effects.empty(); effects = a.take_effects()) {
      for (Effect& effect : effects) {
        auto* said = std::get_if<AnswerPeer>(&effect);
        if (said != nullptr && std::holds_alternative<AckAnswer>(said->answer)) {
          answers[said->token] = std::get<AckAnswer>(said->answer);
        }
        if (auto* call = std::get_if<FinishCall>(&effect)) finished[call->token] = call->answer;
        if (auto* turn = std::get_if<StartTurn>(&effect)) turns.push_back(*turn);
        if (auto* forward = std::get_if<ForwardCall>(&effect)) forwards.push_back(*forward);
        if (auto* request = std::get_if<DeactivateActors>(&effect)) a.deactivated(now, request->token);
        if (std::holds_alternative<ReadDiscovery>(effect)) a.discovered(now, {}, true);
        auto* question = std::get_if<AskPeer>(&effect);
        if (question == nullptr || !hosts.contains(question->host)) continue;
        asked.push_back(question->request);
        a.peer_answered(now, question->token, reply(question->host, question->request));
      }
    }
  }

  // It holds `held`, acknowledges with `acknowledges`, or says nothing where it is silent.
  PeerAnswer reply(const std::string& host, const PeerRequest& request) const {
    if (std::holds_alternative<PingRequest>(request)) {
      PingAnswer ping;
      ping.host = host;
      return ping;
    }
    if (std::holds_alternative<NegotiateRequest>(request)) return NegotiateAnswer{{host}, "", 0};
    if (silent) return PeerFailure{PeerFailure::Kind::kLost, "timed out"};
    if (std::holds_alternative<IdsRequest>(request)) return IdsAnswer{held};
    if (std::holds_alternative<OwnershipRequest>(request)) return acknowledges;
    return AckAnswer{true, "", {}};
  }

  // What the legacy host was asked of that kind.
  template <typename Request>
  std::vector<Request> asked_for() const {
    std::vector<Request> all;
    for (const PeerRequest& request : asked) {
      if (const auto* one = std::get_if<Request>(&request)) all.push_back(*one);
    }
    return all;
  }

  AckAnswer say(PeerRequest request, const std::string& from) {
    const Token token = ++last_;
    a.peer_asked(now, token, {}, from, std::move(request));
    play();
    EXPECT_EQ(answers.count(token), 1U) << "not answered";
    return answers[token];
  }

  Token call(ActorId id, Origin origin = Origin::kLocal, std::optional<std::uint32_t> hops = std::nullopt) {
    auto call = std::make_shared<Call>();
    call->hops = hops;
    call->id = id;
    call->origin = origin;
    call->deadline = now.mono + Duration(60'000'000);
    const Token token = ++last_;
    a.apply(now, token, call);
    play();
    return token;
  }

  void pass(std::int64_t us) {
    for (std::int64_t passed = 0; passed < us; passed += 50'000) {
      now.mono += Duration(50'000);
      a.wake(now);
      play();
    }
  }

  ActorId mine(ActorId from = 1) { return cluster.id_of("a", "a", from); }    // ids that the ring gives to us
  ActorId its(ActorId from = 1) { return cluster.id_of("a", legacy, from); }  // and to it

  Cluster cluster;
  const std::string legacy;
  std::set<std::string> hosts;
  Node& a;
  Now now = cluster.now();
  std::map<Token, AckAnswer> answers;
  std::map<Token, Answer> finished;
  std::vector<StartTurn> turns;
  std::vector<ForwardCall> forwards;
  std::vector<PeerRequest> asked;
  std::vector<ActorId> held;
  AckAnswer acknowledges{true, "", {}};
  bool silent = false;

 private:
  Token last_ = 100;
};

}  // namespace ringside::core
