// Some nodes on an ideal network, driven by hand: tests read as sentences.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
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
    std::vector<DeactivateActor> deactivations;
    std::vector<DeactivateAll> clean_slates;
    std::map<CallId, Answer> answers;
    std::vector<TurnId> broken;
    std::vector<std::string> dropped_queues;
    int drained = 0;
    std::vector<HostEvent> events;
    std::map<ExplainId, Explained> explained;
  };

  Host& start(const std::string& name, const std::function<void(NodeConfig&)>& adjust = nullptr, bool app_up = true);

  void crash(const std::string& name) { hosts_.at(name).node.reset(); }
  bool has(const std::string& name) const { return hosts_.contains(name); }
  Host& operator[](const std::string& name) { return hosts_.at(name); }
  Node& node(const std::string& name) { return *hosts_.at(name).node; }

  // Every host hears of every name, and time goes on until nothing changes.
  void converge();

  Now now() const { return {Instant(Duration(time_us_)), 1'790'000'000'000 + time_us_ / 1000}; }
  Now now(const std::string& name) { return {now().mono, now().wall_ms + wall_ahead_ms[name]}; }

  // In steps, as a loop would wake the nodes.
  void pass(std::int64_t us);

  CallId call(const std::string& name, ActorId id, const std::function<void(Call&)>& adjust = nullptr);

  // As it is told; nothing: not yet.
  std::optional<Explained> explain(const std::string& name, ActorId id);

  // The turns that wait at the app end with this outcome, one round.
  int end_turns(const std::string& name, const Answer& answer = applied());

  void confirm_deactivations(const std::string& name, const Deactivated& said = {});

  static Answer applied() {
    Answer answer;
    answer.outcome = Outcome::kApplied;
    return answer;
  }
  // What this host has forwarded and not heard of yet ends with its connection.
  void lose_forwards(const std::string& name, const std::string& error);
  // The answer of a call, or nothing yet.
  const Answer* answer(const std::string& name, CallId token);

  // An id that the ring of that host gives to `owner`.
  ActorId id_of(const std::string& viewer, const std::string& owner, ActorId from = 1);

  void stop(const std::string& name) { stopped_.insert(name); }  // what is sent to it gets lost
  void go_on(const std::string& name) { stopped_.erase(name); }
  bool auto_confirm = true, discovery_answers = true;  // at once: deactivations, and nodes that want it read again
  std::map<std::string, std::int64_t> wall_ahead_ms;   // of the others' wall clocks
  std::set<std::string> knows_no_weights;              // hosts of the version before there were any
  // What discovery names; else every host by its name.
  std::optional<std::vector<std::string>> listed;
  std::map<std::string, std::string> addresses;                           // which host answers there, beside the names
  std::set<std::pair<std::string, std::string>> unresolved;               // who cannot resolve which name
  std::map<std::pair<std::string, std::string>, std::string> led_astray;  // who meets which other host under a name
  std::map<std::string, Generation> impostors;                            // where another host named "twin" answers
  std::map<ReplyId, PeerAnswer> replies;                                  // to what a test has asked by itself
  // Asked before each question travels; false: it is lost.
  std::function<bool(const std::string& from, const std::string& to, const PeerRequest&)> passes;

 private:
  std::vector<std::string> names() const;

  void settle();

  void carry_out(const std::string& name, Host& host, Effect& effect);

  void ask(const std::string& name, Host& host, const AskPeer& question);

  std::map<std::string, Host> hosts_;
  std::map<ReplyId, std::pair<std::string, QuestionId>> asked_;   // by whom, and what that one calls it
  std::map<CallId, std::pair<std::string, ForwardId>> forwards_;  // likewise
  std::set<std::string> stopped_;
  std::int64_t time_us_ = 3'600'000'000;
  std::uint64_t generation_ = 0, next_ = 1'000'000;
};

}  // namespace ringside::core
