#include "tests/unit/core/node_fixture.h"

#include <ranges>
#include <utility>

namespace ringside::core {

Cluster::Host& Cluster::start(const std::string& name, const std::function<void(NodeConfig&)>& adjust, bool app_up) {
  NodeConfig config;
  config.host = name;
  if (adjust) adjust(config);
  Host& host = hosts_[name];
  host = Host{};
  host.node = std::make_unique<Node>(config, hash_bytes(name).value() + generation_++);
  host.node->start(now(name), app_up);
  settle();
  return host;
}

void Cluster::converge() {
  for (auto& [name, host] : hosts_) {
    if (host.node) host.node->discovered(now(name), names(), true);
  }
  settle();
  pass(1'000'000);
}

void Cluster::pass(std::int64_t us) {
  const std::int64_t end = time_us_ + us;
  while (time_us_ < end) {
    time_us_ = end < time_us_ + 50'000 ? end : time_us_ + 50'000;
    for (auto& [name, host] : hosts_) {
      if (host.node && !stopped_.contains(name)) host.node->wake(now(name));
    }
    settle();
  }
}

CallId Cluster::call(const std::string& name, ActorId id, const std::function<void(Call&)>& adjust) {
  auto call = std::make_shared<Call>();
  call->id = id;
  call->request = "batch";
  call->deadline = now().mono + Duration(10'000'000);
  if (adjust) adjust(*call);
  const CallId token(next_++);
  node(name).apply(now(name), token, call);
  settle();
  return token;
}

std::optional<Explained> Cluster::explain(const std::string& name, ActorId id) {
  const ExplainId token(next_++);
  node(name).explain(now(name), token, id);
  settle();
  auto& told = hosts_.at(name).explained;
  return told.contains(token) ? std::optional(told.at(token)) : std::nullopt;
}

int Cluster::end_turns(const std::string& name, const Answer& answer) {
  const std::vector<StartTurn> turns = std::exchange(hosts_.at(name).turns, {});
  for (const StartTurn& turn : turns) node(name).turn_ended(now(name), turn.token, answer);
  settle();
  return static_cast<int>(turns.size());
}

void Cluster::confirm_deactivations(const std::string& name, const Deactivated& said) {
  for (const DeactivateActor& request : std::exchange(hosts_.at(name).deactivations, {})) {
    node(name).deactivated(now(name), request.token, said);
  }
  for (const DeactivateAll& request : std::exchange(hosts_.at(name).clean_slates, {})) {
    node(name).deactivated(now(name), request.token, said);
  }
  settle();
}

const Answer* Cluster::answer(const std::string& name, CallId token) {
  const auto found = hosts_.at(name).answers.find(token);
  return found == hosts_.at(name).answers.end() ? nullptr : &found->second;
}

ActorId Cluster::id_of(const std::string& viewer, const std::string& owner, ActorId from) {
  for (ActorId id = from; true; ++id) {
    if (*node(viewer).ring().owner(id) == owner) return id;
  }
}

std::vector<std::string> Cluster::names() const {
  if (listed) return *listed;
  return {std::views::keys(hosts_).begin(), std::views::keys(hosts_).end()};
}

void Cluster::settle() {
  for (bool again = true; again;) {
    again = false;
    for (auto& [name, host] : hosts_) {
      if (!host.node || stopped_.contains(name)) continue;
      host.node->check();
      for (Effects effects = host.node->take_effects(); !effects.empty(); effects = host.node->take_effects()) {
        again = true;
        for (Effect& effect : effects) carry_out(name, host, effect);
        if (!host.node) break;
      }
    }
  }
}

void Cluster::carry_out(const std::string& name, Host& host, Effect& effect) {
  if (auto* question = std::get_if<AskPeer>(&effect)) return ask(name, host, *question);
  if (auto* answer = std::get_if<AnswerPeer>(&effect)) {
    const auto question = asked_.extract(answer->token);
    if (question.empty()) {  // the test's own
      replies[answer->token] = answer->answer;
      return;
    }
    const auto [asker, token] = question.mapped();
    if (knows_no_weights.contains(name) || knows_no_weights.contains(asker)) {
      if (auto* ping = std::get_if<PingAnswer>(&answer->answer)) ping->points = 0;
      if (auto* join = std::get_if<JoinAnswer>(&answer->answer)) join->points = 0;
    }
    if (auto& node = hosts_.at(asker).node) node->peer_answered(now(asker), token, answer->answer);
  } else if (auto* forward = std::get_if<ForwardCall>(&effect)) {
    Host* target = hosts_.contains(forward->host) ? &hosts_.at(forward->host) : nullptr;
    if (target == nullptr || !target->node) {
      host.node->forward_answered(now(name), forward->token,
                                  Answer::failed(Outcome::kNotDelivered, Reason::kPeerUnreachable));
      return;
    }
    auto copy = std::make_shared<Call>(*forward->call);
    copy->origin = Origin::kPeer;
    copy->hops = forward->hops;
    copy->target = forward->target;
    const CallId token(next_++);
    forwards_[token] = {name, forward->token};
    target->node->apply(now(forward->host), token, copy);
  } else if (auto* finished = std::get_if<FinishCall>(&effect)) {
    if (const auto found = forwards_.find(finished->token); found != forwards_.end()) {
      const auto [origin, token] = found->second;
      forwards_.erase(found);
      if (auto& node = hosts_.at(origin).node) node->forward_answered(now(origin), token, finished->answer);
    } else {
      EXPECT_TRUE(host.answers.emplace(finished->token, finished->answer).second) << "answered twice";
    }
  } else if (auto* turn = std::get_if<StartTurn>(&effect)) {
    host.turns.push_back(*turn);
  } else if (auto* broken = std::get_if<BreakTurn>(&effect)) {
    host.broken.push_back(broken->token);
  } else if (auto* request = std::get_if<DeactivateActor>(&effect)) {
    if (auto_confirm) {
      host.node->deactivated(now(name), request->token, {});
    } else {
      host.deactivations.push_back(*request);
    }
  } else if (auto* all = std::get_if<DeactivateAll>(&effect)) {
    if (auto_confirm) {
      host.node->deactivated(now(name), all->token, {});
    } else {
      host.clean_slates.push_back(*all);
    }
  } else if (auto* drop = std::get_if<DropPeerQueue>(&effect)) {
    host.dropped_queues.push_back(drop->host);
  } else if (auto* event = std::get_if<HostEvent>(&effect)) {
    host.events.push_back(std::move(*event));
  } else if (auto* explained = std::get_if<TellExplanation>(&effect)) {
    EXPECT_TRUE(host.explained.emplace(explained->token, *explained->explained).second) << "told twice";
  } else if (std::holds_alternative<DrainDone>(effect)) {
    ++host.drained;
  } else if (std::holds_alternative<ReadDiscovery>(effect) && discovery_answers) {
    host.node->discovered(now(name), names(), true);
  }
}

void Cluster::lose_forwards(const std::string& name, const std::string& error) {
  for (auto entry = forwards_.begin(); entry != forwards_.end();) {
    const auto [origin, token] = entry->second;
    entry = origin == name ? forwards_.erase(entry) : std::next(entry);
    if (origin != name) continue;
    node(name).forward_answered(now(name), token, Answer::failed(Outcome::kUnknown, Reason::kPeerLost, error));
  }
  settle();
}

void Cluster::ask(const std::string& name, Host& host, const AskPeer& question) {
  if (stopped_.contains(question.host) || (passes && !passes(name, question.host, question.request))) return;
  if (unresolved.contains({name, question.host})) {
    host.node->peer_answered(now(name), question.token, PeerFailure{PeerFailure::Kind::kUnresolved, "no such name"});
    return;
  }
  if (const auto impostor = impostors.find(question.host); impostor != impostors.end()) {
    PingAnswer says;
    says.host = "twin";
    says.cluster = "default";
    says.phase = Phase::kJoining;
    says.generation = impostor->second;
    host.node->peer_answered(now(name), question.token, says);
    return;
  }
  const auto alias = addresses.find(question.host);
  const auto astray = led_astray.find({name, question.host});
  const std::string& to = astray != led_astray.end() ? astray->second
                          : alias != addresses.end() ? alias->second
                                                     : question.host;
  const auto target = hosts_.find(to);
  if (target == hosts_.end() || !target->second.node) {
    host.node->peer_answered(now(name), question.token, PeerFailure{PeerFailure::Kind::kReset, "refused"});
  } else {
    const ReplyId token(next_++);
    asked_[token] = {name, question.token};
    target->second.node->peer_asked(now(to), token, host.node->self(), name, question.request);
  }
}

}  // namespace ringside::core
