#include "tests/transcripts/stage.h"

#include <algorithm>
#include <cstdio>

#include "sidecar/core/hash.h"
#include "tests/sim/options.h"

namespace ringside::transcripts {
namespace {

constexpr std::int64_t kMessage = 1'000;
constexpr std::int64_t kLegacyTimeout = 2'000'000;
constexpr std::int64_t kWallMs = 1'790'000'000'000;

}  // namespace

Stage::Stage(std::function<void(const std::string&)> write) : write_(std::move(write)) {}

Stage::Host& Stage::host(const std::string& name) { return hosts_[name]; }

core::Now Stage::time() const { return {core::Instant(core::Duration(now_)), kWallMs + now_ / 1000}; }

void Stage::say(const std::string& line) {
  if (muted_) return;
  char stamp[32];
  std::snprintf(stamp, sizeof stamp, "%6lld  ", static_cast<long long>((now_ - command_began_) / 1000));
  write_(stamp + line);
}

bool Stage::shown(const core::PeerRequest& request) const {
  const bool routine =
      std::holds_alternative<core::PingRequest>(request) || std::holds_alternative<core::NegotiateRequest>(request);
  return show_pings_ || !routine;
}

// ---- time -----------------------------------------------------------------------------------------------------------

void Stage::travel(std::function<void()> what) {
  ++under_way_;
  at(now_ + kMessage, [this, what = std::move(what)] {
    --under_way_;
    what();
  });
}

// What reaches a stopped process waits until it goes on; what reaches an earlier run is lost.
void Stage::on(const std::string& name, std::function<void(Host&)> what) {
  Host& target = host(name);
  if (!target.alive()) return;
  if (target.stopped) {
    target.inbox.push_back([this, name, what = std::move(what)] { on(name, what); });
    return;
  }
  what(target);
  if (target.node) settle(name);
}

void Stage::step() {
  now_ = std::max(now_, agenda_.next());
  agenda_.take()();
}

void Stage::pass(core::Duration time) {
  const std::int64_t end = now_ + time.count();
  while (agenda_.next() <= end) step();
  now_ = end;
}

void Stage::until_quiet() {
  while (under_way_ > 0) step();
}

void Stage::settle(const std::string& name) {
  Host& one = host(name);
  const std::uint64_t incarnation = one.incarnation;
  while (one.node && one.incarnation == incarnation) {
    core::Effects effects = one.node->take_effects();
    if (effects.empty()) break;
    for (core::Effect& effect : effects) carry_out(name, effect);
  }
  if (!one.node || one.stopped) return;
  const core::Instant next = one.node->next_wakeup();
  if (next == core::kNever || next == one.wake_at) return;
  one.wake_at = next;
  at(std::max(now_, next.time_since_epoch().count()), [this, name, next, incarnation] {
    Host& woken = host(name);
    if (woken.incarnation != incarnation || woken.wake_at != next) return;
    woken.wake_at = core::kNever;
    if (!woken.stopped) on(name, [this](Host& h) { h.node->wake(time()); });
  });
}

void Stage::carry_out(const std::string& name, core::Effect& effect) {
  Host& one = host(name);
  if (auto* question = std::get_if<core::AskPeer>(&effect)) {
    ask(name, *question);
  } else if (auto* answer = std::get_if<core::AnswerPeer>(&effect)) {
    const auto replied = one.asked.extract(answer->token);
    replied.mapped()(std::move(answer->answer));
  } else if (auto* call = std::get_if<core::ForwardCall>(&effect)) {
    forward(name, std::move(*call));
  } else if (auto* started = std::get_if<core::StartTurn>(&effect)) {
    turn(name, std::move(*started));
  } else if (auto* request = std::get_if<core::DeactivateActor>(&effect)) {
    deactivate(name, words_.id(request->actor.id) + " (" + words_.epoch(request->actor.epoch) + ")", request->token);
  } else if (auto* all = std::get_if<core::DeactivateAll>(&effect)) {
    deactivate(name, "all", all->token);
  } else if (auto* finished = std::get_if<core::FinishCall>(&effect)) {
    const auto answered = one.calls.extract(finished->token);
    answered.mapped()(std::move(finished->answer));
  } else if (std::holds_alternative<core::ReadDiscovery>(effect)) {
    travel([this, name, incarnation = one.incarnation] {
      if (host(name).incarnation != incarnation) return;
      on(name, [this](Host& h) { h.node->discovered(time(), cast_, true); });
    });
  } else if (auto* line = std::get_if<core::LogLine>(&effect)) {
    if (line->level != core::Level::kDebug) say(name + ": " + words_.log(*line));
  }
}

void Stage::deactivate(const std::string& name, const std::string& which, core::DeactivationId token) {
  say(name + " -> app: deactivate " + which);
  travel([this, name, token, incarnation = host(name).incarnation] {
    if (host(name).incarnation != incarnation) return;
    say("app -> " + name + ": done");
    on(name, [this, token](Host& h) { h.node->deactivated(time(), token, {}); });
  });
}

// ---- messages -------------------------------------------------------------------------------------------------------

bool Stage::arrives(const std::string& from, const std::string& to, const std::string& kind) {
  if (cut_.contains({from, to})) return false;
  const auto lost = to_lose_.find({from, to, kind});
  if (lost == to_lose_.end()) return true;
  if (--lost->second == 0) to_lose_.erase(lost);
  say("(lost: " + kind + " from " + from + " to " + to + ")");
  return false;
}

void Stage::ask(const std::string& from, const core::AskPeer& asked) {
  const auto over = std::make_shared<bool>(false);
  const auto reply = [this, from, over, token = asked.token,
                      incarnation = host(from).incarnation](core::PeerAnswer says) {
    if (std::exchange(*over, true) || host(from).incarnation != incarnation) return;
    on(from, [this, token, says = std::move(says)](Host& h) { h.node->peer_answered(time(), token, says); });
  };
  after(asked.timeout.count(), [reply] { reply(core::PeerFailure{core::PeerFailure::Kind::kLost, "no answer"}); });
  question(from, host(from).node->self(), asked.host, asked.request, reply);
}

void Stage::question(const std::string& from, core::Sender sender, const std::string& to, core::PeerRequest request,
                     Replied replied) {
  if (shown(request)) say(from + " -> " + to + ": " + words_.request(from, request));
  if (!arrives(from, to, Words::kind(request))) return;
  const bool show = shown(request);
  const auto back = [this, from, to, show, kind = Words::kind(request), replied](core::PeerAnswer says) {
    if (show) say(to + " -> " + from + ": " + words_.answer(to, says));
    if (!arrives(to, from, "answer")) return;
    travel([replied, says = std::move(says)] { replied(says); });
  };
  travel([this, from, to, sender = std::move(sender), request = std::move(request), back] {
    Host& target = host(to);
    if (!target.alive()) {
      return back(core::PeerFailure{core::PeerFailure::Kind::kReset, "(connection refused)"});
    }
    if (target.legacy) return back(target.legacy->answer(request));
    on(to, [this, from, sender, request, back](Host& h) {
      const core::ReplyId token(next_number_++);
      h.asked[token] = back;
      h.node->peer_asked(time(), token, sender, from, request);
    });
  });
}

void Stage::forward(const std::string& from, core::ForwardCall call) {
  const auto answered = [this, from, token = call.token, incarnation = host(from).incarnation](core::Answer says) {
    if (host(from).incarnation != incarnation) return;
    on(from, [this, token, says = std::move(says)](Host& h) { h.node->forward_answered(time(), token, says); });
  };
  auto copy = std::make_shared<core::Call>(*call.call);
  copy->origin = core::Origin::kPeer;
  std::string text = from + " -> " + call.host + ": apply " + words_.id(copy->id);
  if (call.legacy) {
    copy->hops.reset();
    copy->target.reset();
  } else {
    copy->hops = call.hops;
    copy->target = call.target;
    text += ", hop " + std::to_string(call.hops) + ", to " + words_.run(call.target.host, call.target.generation);
    if (call.target.epoch != 0) text += " (" + words_.epoch(call.target.epoch) + ")";
  }
  say(text);
  deliver(from, call.host, std::move(copy), answered);
}

void Stage::deliver(const std::string& from, const std::string& to, core::CallPtr call, Answered answered) {
  if (!arrives(from, to, "apply")) return;
  const auto back = [this, from, to, answered](core::Answer says) {
    say(to + " -> " + from + ": " + Words::outcome(says));
    if (!arrives(to, from, "answer")) return;
    travel([answered, says = std::move(says)] { answered(says); });
  };
  travel([this, to, call = std::move(call), back] {
    Host& target = host(to);
    if (!target.alive()) {
      return back(core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kPeerUnreachable));
    }
    if (target.legacy) return target.legacy->apply(call, back);
    on(to, [this, call, back](Host& h) {
      const core::CallId token(next_number_++);
      h.calls[token] = back;
      h.node->apply(time(), token, call);
    });
  });
}

void Stage::turn(const std::string& name, core::StartTurn started) {
  say(name + " -> app: turn of " + words_.id(started.call->id) + " (" + words_.epoch(started.epoch) + ")");
  Host& one = host(name);
  one.turns.push_back(std::move(started));
  if (one.slow_app) return;
  travel([this, name, incarnation = one.incarnation] {
    if (host(name).incarnation == incarnation) app_answers(name);
  });
}

// ---- what a legacy host does ----------------------------------------------------------------------------------------

void Stage::legacy_asks(const std::string& from, const std::string& to, core::PeerRequest request, Replied done) {
  const auto over = std::make_shared<bool>(false);
  const Replied once = [over, done = std::move(done)](core::PeerAnswer says) {
    if (!std::exchange(*over, true)) done(std::move(says));
  };
  after(kLegacyTimeout, [once] { once(core::PeerFailure{core::PeerFailure::Kind::kLost, "no answer"}); });
  question(from, {}, to, std::move(request), once);
}

void Stage::legacy_forwards(const std::string& from, const std::string& to, core::CallPtr call, Answered done) {
  say(from + " -> " + to + ": apply " + words_.id(call->id));
  auto copy = std::make_shared<core::Call>(*call);
  copy->origin = core::Origin::kPeer;
  copy->hops.reset();
  copy->target.reset();
  deliver(from, to, std::move(copy), std::move(done));
}

void Stage::legacy_turn(const std::string& at, core::CallPtr call, Answered done) {
  say(at + ": runs a turn of " + words_.id(call->id));
  core::Answer answer;
  answer.outcome = core::Outcome::kApplied;
  travel([done = std::move(done), answer] { done(answer); });
}

void Stage::legacy_ended(const std::string& at, core::ActorId id) { say(at + ": forgets " + words_.id(id)); }

// ---- what a script does ---------------------------------------------------------------------------------------------

void Stage::start(const std::string& name) {
  Host& one = host(name);
  const std::uint64_t incarnation = one.incarnation + 1;
  one = Host{};
  one.incarnation = incarnation;
  core::NodeConfig config;
  config.host = name;
  config.quorum = quorum_;
  config.points = sim::kPointsPerHost;  // those of a legacy host here
  one.node = std::make_unique<core::Node>(config, core::hash_bytes(name).value() + incarnation);
  on(name, [this](Host& h) { h.node->start(time(), true); });
}

void Stage::start_legacy(const std::string& name) {
  Host& one = host(name);
  const std::uint64_t incarnation = one.incarnation + 1;
  one = Host{};
  one.incarnation = incarnation;
  std::vector<std::string> others = cast_;
  std::erase(others, name);
  sim::LegacyWorld& world = *this;
  one.legacy = std::make_unique<sim::LegacyHost>(world, name, others);
  one.legacy->start([this, name, incarnation] { return host(name).incarnation == incarnation; });
}

// Its connections break: whoever waits for an answer of a call hears that at once.
void Stage::crash(const std::string& name) {
  const auto calls = std::move(host(name).calls);
  const std::uint64_t incarnation = host(name).incarnation + 1;
  host(name) = Host{};
  host(name).incarnation = incarnation;
  for (const auto& [token, answered] : calls) {
    answered(core::Answer::failed(core::Outcome::kUnknown, core::Reason::kPeerLost));
  }
}

void Stage::stop(const std::string& name) { host(name).stopped = true; }

void Stage::go_on(const std::string& name) {
  Host& one = host(name);
  one.stopped = false;
  one.wake_at = core::kNever;
  for (const auto& what : std::exchange(one.inbox, {})) what();
  on(name, [this](Host& h) { h.node->wake(time()); });
}

void Stage::cut(const std::string& one, const std::string& other) {
  cut_.insert({one, other});
  cut_.insert({other, one});
}

void Stage::lose_next(const std::string& from, const std::string& to, const std::string& kind) {
  ++to_lose_[{from, to, kind}];
}

void Stage::app_answers(const std::string& name) {
  for (const core::StartTurn& turn : std::exchange(host(name).turns, {})) {
    core::Answer answer;
    answer.outcome = core::Outcome::kApplied;
    say("app -> " + name + ": " + words_.id(turn.call->id) + " applied");
    on(name, [this, token = turn.token, answer](Host& h) { h.node->turn_ended(time(), token, answer); });
  }
}

void Stage::app_up(const std::string& name, bool up) {
  on(name, [this, up](Host& h) { up ? h.node->app_up(time()) : h.node->app_down(time(), "it crashed", false); });
  if (up) return;
  for (const core::StartTurn& turn : std::exchange(host(name).turns, {})) {
    const auto lost = core::Answer::failed(core::Outcome::kUnknown, core::Reason::kAppLost);
    on(name, [this, token = turn.token, lost](Host& h) { h.node->turn_ended(time(), token, lost); });
  }
}

void Stage::call(const std::string& at, core::ActorId id, const std::string& key, core::Duration within) {
  auto call = std::make_shared<core::Call>();
  call->id = id;
  call->request = "batch";
  call->idempotency_key = key;
  call->deadline = core::Instant(core::Duration(now_) + within);
  const std::string name = "caller " + std::to_string(next_call_++);
  say(name + " -> " + at + ": apply " + words_.id(id) + (key.empty() ? "" : ", key " + key));
  const core::CallId token(next_number_++);
  host(at).calls[token] = [this, at, name](const core::Answer& answer) {
    const bool applied = answer.outcome == core::Outcome::kApplied;
    say(at + " -> " + name + ": " + Words::outcome(answer) + (applied ? ", by " + answer.holder : ""));
  };
  on(at, [this, token, call](Host& h) { h.node->apply(time(), token, call); });
}

void Stage::drain(const std::string& name) {
  on(name, [this](Host& h) { h.node->drain(time()); });
}

void Stage::uncordon(const std::string& name) {
  on(name, [this](Host& h) { h.node->uncordon(time()); });
}

void Stage::close(const std::string& name) {
  Host& one = host(name);
  if (one.legacy) {
    one.legacy->say_goodbye();
  } else {
    on(name, [this](Host& h) { h.node->close(time()); });
  }
}

void Stage::where(const std::string& at, core::ActorId id) {
  const core::Placement place = host(at).node->where(id);
  say(at + ": " + words_.id(id) + " is at " + place.holder + ": " + place.why);
}

core::ActorId Stage::id_of(const std::string& owner, const std::string& name) {
  const core::Ring::Ptr ring = core::Ring::make(cast_, sim::kPointsPerHost);
  while (*ring->owner(next_id_) != owner) ++next_id_;
  const core::ActorId id = next_id_;
  ++next_id_;
  words_.name(id, name);
  return id;
}

}  // namespace ringside::transcripts
