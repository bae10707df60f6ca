#include "tests/unit/core/legacy_fixture.h"

#include <memory>
#include <utility>

namespace ringside::core {

void BesideLegacyHost::add(const std::string& name) {
  hosts.insert(name);
  a.peer_asked(now, ReplyId(++last_), {}, name, NegotiateRequest{{name}, "", 0});
  play();
  answers.clear();
  asked.clear();
}

void BesideLegacyHost::play() {
  for (Effects effects = a.take_effects(); !effects.empty(); effects = a.take_effects()) {
    for (Effect& effect : effects) {
      auto* said = std::get_if<AnswerPeer>(&effect);
      if (said != nullptr && std::holds_alternative<AckAnswer>(said->answer)) {
        answers[said->token] = std::get<AckAnswer>(said->answer);
      }
      if (auto* call = std::get_if<FinishCall>(&effect)) finished[call->token] = call->answer;
      if (auto* turn = std::get_if<StartTurn>(&effect)) turns.push_back(*turn);
      if (auto* forward = std::get_if<ForwardCall>(&effect)) forwards.push_back(*forward);
      if (auto* request = std::get_if<DeactivateActor>(&effect)) a.deactivated(now, request->token, {});
      if (auto* request = std::get_if<DeactivateAll>(&effect)) a.deactivated(now, request->token, {});
      if (std::holds_alternative<ReadDiscovery>(effect)) a.discovered(now, {}, true);
      auto* question = std::get_if<AskPeer>(&effect);
      if (question != nullptr && question->host == a.self().host) {
        a.peer_answered(now, question->token, PeerFailure{PeerFailure::Kind::kUnresolved, "no such name"});
      }
      if (question == nullptr || !hosts.contains(question->host)) continue;
      asked.push_back(question->request);
      a.peer_answered(now, question->token, reply(question->host, question->request));
    }
  }
}

PeerAnswer BesideLegacyHost::reply(const std::string& host, const PeerRequest& request) const {
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

AckAnswer BesideLegacyHost::say(PeerRequest request, const std::string& from) {
  const ReplyId token(++last_);
  a.peer_asked(now, token, {}, from, request);
  play();
  EXPECT_EQ(answers.count(token), 1U) << "not answered";
  return answers[token];
}

CallId BesideLegacyHost::call(ActorId id, Origin origin, std::optional<std::uint32_t> hops) {
  auto call = std::make_shared<Call>();
  call->hops = hops;
  call->id = id;
  call->origin = origin;
  call->deadline = now.mono + Duration(60'000'000);
  const CallId token(++last_);
  a.apply(now, token, call);
  play();
  return token;
}

void BesideLegacyHost::pass(std::int64_t us) {
  for (std::int64_t passed = 0; passed < us; passed += 50'000) {
    now.mono += Duration(50'000);
    a.wake(now);
    play();
  }
}

}  // namespace ringside::core
