// One node "a" beside a legacy host, which answers whatever it is asked; and others like it, where a test adds them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
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

  void add(const std::string& name);

  void play();

  // It holds `held`, acknowledges with `acknowledges`, or says nothing where it is silent.
  PeerAnswer reply(const std::string& host, const PeerRequest& request) const;

  // What the legacy host was asked of that kind.
  template <typename Request>
  std::vector<Request> asked_for() const {
    std::vector<Request> all;
    for (const PeerRequest& request : asked) {
      if (const auto* one = std::get_if<Request>(&request)) all.push_back(*one);
    }
    return all;
  }

  AckAnswer say(PeerRequest request, const std::string& from);

  CallId call(ActorId id, Origin origin = Origin::kLocal, std::optional<std::uint32_t> hops = std::nullopt);

  void pass(std::int64_t us);

  ActorId mine(ActorId from = 1) { return cluster.id_of("a", "a", from); }    // ids that the ring gives to us
  ActorId its(ActorId from = 1) { return cluster.id_of("a", legacy, from); }  // and to it

  Cluster cluster;
  const std::string legacy;
  std::set<std::string> hosts;
  Node& a;
  Now now = cluster.now();
  std::map<ReplyId, AckAnswer> answers;
  std::map<CallId, Answer> finished;
  std::vector<StartTurn> turns;
  std::vector<ForwardCall> forwards;
  std::vector<PeerRequest> asked;
  std::vector<ActorId> held;
  AckAnswer acknowledges{true, "", {}};
  bool silent = false;

 private:
  std::uint64_t last_ = 100;
};

}  // namespace ringside::core
