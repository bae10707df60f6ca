// Some nodes on an ideal network, driven by hand: tests read as sentences.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <ranges>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sidecar/core/node.h"

namespace ringside::core {

// Questions are carried at once, unless their kind is held back; turns and deactivations end when the test says so.
class Cluster {
 public:
  struct Host {
    std::unique_ptr<Node> node;
    std::vector<StartTurn> turns;
    std::vector<DeactivateActors> deactivations;
    std::map<Token, Answer> answers;
    std::vector<std::string> cut;
    int drained = 0;
  };

  Host& start(const std::string& name, const std::function<void(NodeConfig&)>& adjust = nullptr, bool app_up = true) {
    NodeConfig config;
    config.host = name;
    if (adjust) adjust(config);
    Host& host = hosts_[name];
    host = Host{};
    host.node = std::make_unique<Node>(config, hash_bytes(name) + generation_++);
    host.node->start(now(), app_up);
    settle();
    return host;
  }

  void crash(const std::string& name) { hosts_.at(name).node.reset(); }
  Host& operator[](const std::string& name) { return hosts_.at(name); }
  Node& node(const std::string& name) { return *hosts_.at(name).node; }

  // Every host hears of every name, and time goes on until nothing changes.
  void converge() {
    for (auto& [name, host] : hosts_) {
      if (host.node) host.node->discovered(now(), names(), true);
    }
    settle();
    pass(1'000'000);
  }

  Now now() const { return {Instant(Duration(time_us_)), 1'790'000'000'000 + time_us_ / 1000}; }

  // In steps, as a loop would wake the nodes.
  void pass(std::int64_t us) {
    const std::int64_t end = time_us_ + us;
    while (time_us_ < end) {
      time_us_ = end < time_us_ + 50'000 ? end : time_us_ + 50'000;
      for (auto& [name, host] : hosts_) {
        if (host.node && !stopped_.contains(name)) host.node->wake(now());
      }
      settle();
    }
  }

  Token call(const std::string& name, ActorId id, const std::function<void(Call&)>& adjust = nullptr) {
    auto call = std::make_shared<Call>();
    call->id = id;
    call->request = "batch";
    call->deadline = now().mono + Duration(10'000'000);
    if (adjust) adjust(*call);
    const Token token = next_++;
    node(name).apply(now(), token, call);
    settle();
    return token;
  }

  // The turns that wait at the app end with this outcome, one round.
  int end_turns(const std::string& name, Answer answer = applied()) {
    const std::vector<StartTurn> turns = std::exchange(hosts_.at(name).turns, {});
    for (const StartTurn& turn : turns) node(name).turn_ended(now(), turn.token, answer);
    settle();
    return static_cast<int>(turns.size());
  }

  void confirm_deactivations(const std::string& name) {
    const auto requests = std::exchange(hosts_.at(name).deactivations, {});
    for (const DeactivateActors& request : requests) node(name).deactivated(now(), request.token);
    settle();
  }

  static Answer applied() { return {Outcome::kApplied, Reason::kNone, {}, {}, {}, {}}; }
  // The answer of a call, or nothing yet.
  const Answer* answer(const std::string& name, Token token) {
    const auto found = hosts_.at(name).answers.find(token);
    return found == hosts_.at(name).answers.end() ? nullptr : &found->second;
  }

  // An id that the ring of that host gives to `owner`.
  ActorId id_of(const std::string& viewer, const std::string& owner, ActorId from = 1) {
    for (ActorId id = from; true; ++id) {
      if (*node(viewer).ring().owner(id) == owner) return id;
    }
  }

  void stop(const std::string& name) { stopped_.insert(name); }  // what is sent to it gets lost
  void go_on(const std::string& name) { stopped_.erase(name); }
  bool auto_confirm = true, discovery_answers = true;  // at once: deactivations, and nodes that want it read again
  // Asked before each question travels; false: it is lost.
  std::function<bool(const std::string& from, const std::string& to, const PeerRequest&)> passes;

 private:
  std::vector<std::string> names() const {
    const auto all = std::views::keys(hosts_);
    return {all.begin(), all.end()};
  }

  void settle() {
    for (bool again = true; again;) {
      again = false;
      for (auto& [name, host] : hosts_) {
        if (!host.node || stopped_.contains(name)) continue;
        for (Effects effects = host.node->take_effects(); !effects.empty(); effects = host.node->take_effects()) {
          again = true;
          for (Effect& effect : effects) carry_out(name, host, effect);
          if (!host.node) break;
        }
      }
    }
  }

  void carry_out(const std::string& name, Host& host, Effect& effect) {
    if (auto* question = std::get_if<AskPeer>(&effect)) return ask(name, host, *question);
    if (auto* answer = std::get_if<AnswerPeer>(&effect)) {
      const auto [asker, token] = asked_.at(answer->token);
      asked_.erase(answer->token);
      if (auto& node = hosts_.at(asker).node) node->peer_answered(now(), token, answer->answer);
    } else if (auto* forward = std::get_if<ForwardCall>(&effect)) {
      Host* target = hosts_.contains(forward->host) ? &hosts_.at(forward->host) : nullptr;
      if (target == nullptr || !target->node) {
        host.node->forward_answered(now(), forward->token,
                                    Answer::failed(Outcome::kNotDelivered, Reason::kPeerUnreachable));
        return;
      }
      auto copy = std::make_shared<Call>(*forward->call);
      copy->origin = Origin::kPeer;
      copy->hops = forward->hops;
      copy->target = forward->target;
      const Token token = next_++;
      forwards_[token] = {name, forward->token};
      target->node->apply(now(), token, copy);
    } else if (auto* finished = std::get_if<FinishCall>(&effect)) {
      if (const auto found = forwards_.find(finished->token); found != forwards_.end()) {
        const auto [origin, token] = found->second;
        forwards_.erase(found);
        if (auto& node = hosts_.at(origin).node) node->forward_answered(now(), token, finished->answer);
      } else {
        EXPECT_TRUE(host.answers.emplace(finished->token, finished->answer).second) << "answered twice";
      }
    } else if (auto* turn = std::get_if<StartTurn>(&effect)) {
      host.turns.push_back(*turn);
    } else if (auto* request = std::get_if<DeactivateActors>(&effect)) {
      if (auto_confirm) {
        host.node->deactivated(now(), request->token);
      } else {
        host.deactivations.push_back(*request);
      }
    } else if (auto* cut = std::get_if<CutPeer>(&effect)) {
      host.cut.push_back(cut->host);
    } else if (std::holds_alternative<DrainDone>(effect)) {
      ++host.drained;
    } else if (std::holds_alternative<ReadDiscovery>(effect) && discovery_answers) {
      host.node->discovered(now(), names(), true);
    }
  }

  void ask(const std::string& name, Host& host, const AskPeer& question) {
    if (stopped_.contains(question.host) || (passes && !passes(name, question.host, question.request))) return;
    const auto target = hosts_.find(question.host);
    if (target == hosts_.end() || !target->second.node) {
      host.node->peer_answered(now(), question.token, PeerFailure{PeerFailure::Kind::kRefused, "refused"});
    } else {
      const Token token = next_++;
      asked_[token] = {name, question.token};
      target->second.node->peer_asked(now(), token, host.node->self(), name, question.request);
    }
  }

  std::map<std::string, Host> hosts_;
  std::map<Token, std::pair<std::string, Token>> asked_, forwards_;
  std::set<std::string> stopped_;
  Token next_ = 1'000'000;
  std::int64_t time_us_ = 3'600'000'000;
  std::uint64_t generation_ = 0;
};

}  // namespace ringside::core
