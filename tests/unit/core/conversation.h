// One node, and whatever the test answers in the name of the others.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sidecar/core/node.h"

namespace ringside::core {

// Answers what a node asks, where `reply` does, until it asks no more; returns what else it wants done.
inline Effects converse(Node& node, Now now, const std::function<std::optional<PeerAnswer>(const AskPeer&)>& reply) {
  Effects rest;
  for (Effects effects = node.take_effects(); !effects.empty(); effects = node.take_effects()) {
    for (Effect& effect : effects) {
      const auto* question = std::get_if<AskPeer>(&effect);
      if (const auto* all = std::get_if<DeactivateAll>(&effect)) {
        node.deactivated(now, all->token, {});
      } else if (question == nullptr) {
        rest.push_back(std::move(effect));
      } else if (question->host == node.self().host) {
        node.peer_answered(now, question->token, PeerFailure{PeerFailure::Kind::kUnresolved, "no such name"});
      } else if (const auto answer = reply(*question)) {
        node.peer_answered(now, question->token, *answer);
      }
    }
  }
  return rest;
}

inline PingAnswer serving(const std::string& host, Generation generation) {
  PingAnswer says;
  says.host = host;
  says.generation = generation;
  says.cluster = "default";
  says.phase = Phase::kReady;
  return says;
}

inline constexpr Generation kFirstRun = generation_at(1'790'000'000'000, 0);

inline JoinAnswer taken_in(std::vector<std::string> names) {
  JoinAnswer says;
  says.status = ReplyStatus::kOk;
  says.generation = kFirstRun;
  says.phase = Phase::kReady;
  says.names = std::move(names);
  return says;
}

}  // namespace ringside::core
