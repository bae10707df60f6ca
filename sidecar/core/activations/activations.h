// The actors that are active on this host: from the claim, through one turn after another, until the app has forgotten
// them.
//
//   actor_table    who is active, and the calls that wait for each
//   turns          what is with the app
//   deactivations  whom the app is to forget, and how often it was asked
//   inherited      answers of activations before these
//
// It speaks to the app by itself (StartTurn, BreakTurn, DeactivateActor) and knows of calls only their ids and what
// they ask for: what becomes of a call is returned, and the node tells the calls.
//
// Example: call 1 for actor 7 enters and gets a turn; calls 2 and 3 wait. Turn 1 ends; the node asks for the next call
// until the actor has a turn again: 2 has waited too long and is refused, 3 gets its turn.
//
// Invariants
//  1. An actor has at most one turn under way, which names this activation.
//  2. A call waits in one queue, and there once; waiting() counts them all.
//  3. An activation stays in the table, and is reported as a claim, until release(), which follows from the app's word
//     (or from its end).
// Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "sidecar/base/result.h"
#include "sidecar/core/activations/actor_table.h"
#include "sidecar/core/activations/deactivations.h"
#include "sidecar/core/activations/inherited.h"
#include "sidecar/core/activations/turns.h"
#include "sidecar/core/cluster_view.h"
#include "sidecar/core/config.h"
#include "sidecar/core/context.h"
#include "sidecar/core/explanation.h"
#include "sidecar/core/snapshot.h"
#include "sidecar/core/timers.h"

namespace ringside::core {

class Activations {
 public:
  Activations(const NodeConfig& config, Context& context, Timers& timers, const ClusterView& cluster);

  // ---- to read ----
  const ActorTable& actors() const { return actors_; }
  const Turns& turns() const { return turns_; }
  const Deactivations& deactivations() const { return deactivations_; }
  const Inherited& inherited() const { return inherited_; }
  const std::map<TurnId, std::vector<CallId>>& left_behind() const { return left_behind_; }
  std::size_t waiting() const { return waiting_; }  // calls in queues
  std::size_t unfinished() const;
  ActorStatus status_of(const Actor& actor, Instant now) const;
  std::optional<ActivationFacts> activation_of(ActorId id) const;  // without its age; nothing: it is not active
  // "actor 7 is busy with a turn that has run 3.0 s; 12 calls wait for it"; empty: it is not active.
  std::string busy_with(ActorId id) const;
  // Why a call waits in the queue of its actor: who has to act, and a sentence. kNone: it is about to begin.
  struct Delay {
    Reason reason = Reason::kNone;
    std::string detail;
  };
  std::optional<Delay> delay_of(const Call& call) const;  // nothing: that actor is not active
  void check() const;                                     // ends the process if an invariant does not hold

  // ---- for people who look ----
  // The `most` first of each list; recorded from the first look on (hot_actors.h).
  Top top(std::size_t most);

  // ---- its timers ----
  void due(due::TurnTimeout at);
  void due(due::TurnBreak at);
  void due(due::EndingAgain at);
  void due(due::IdleAgain at);

  // ---- activations begin ----
  void activate(ActorId id, Epoch epoch);  // it knows what earlier ones have answered, if that was left to this host
  void inherit(const Ended& ended) { inherited_.put(ended); }

  // ---- a call comes to an actor that is active ----
  struct MustWait {
    std::size_t behind = 0;  // calls in front of it; if there is room for one more, wait() follows
  };
  using Entered = std::variant<TurnId, Answer, MustWait>;
  // serves_while_draining: a turn may still begin at an actor that the app has not been asked yet to forget.
  Entered enter(CallId token, const CallPtr& call, bool serves_while_draining);
  void wait(CallId token, const CallPtr& call);
  // The app could not be reached for its turn: it is the first in the queue again, and runs after a pause.
  void wait_first(CallId token, const CallPtr& call, unsigned attempts);
  // An operator wants the activation to end, and waits in front until then. A turn that does not end soon is broken.
  void deactivate_for(CallId token, const CallPtr& call);
  void withdraw(ActorId id, CallId token);  // it has ended in the queue
  void forget_caller(TurnId turn) { turns_.forget_caller(turn); }

  // ---- turns ----
  // Takes the next call of the actor, unless that has a turn under way, is about to end, or finds no room for a turn.
  std::optional<QueuedCall> take_next(ActorId id);
  // What the app has answered to an earlier call under the same key.
  std::optional<Answer> answer_from_window(ActorId id, const Call& call) const;
  TurnId start_turn(ActorId id, CallId token, const CallPtr& call);
  struct TurnEnd {
    ActorId id = 0;
    CallId call;            // none: its caller has heard already
    Answer answer;          // for the caller
    bool active = false;    // the activation goes on, or is about to end
    bool answered = false;  // the app has
    Duration took{0};
    std::vector<CallId> followers;  // left behind when the activation was lost; they may go now
  };
  std::optional<TurnEnd> turn_ended(TurnId turn, Answer answer);  // nothing: it is not under way
  // After that: true where the activation is to end now.
  bool end_after_turn(ActorId id, bool app_wants_it);
  // Actors that wait for room: as long as there is some, the next of them.
  std::size_t awaiting_room() const { return turns_.awaiting_room().size(); }
  std::optional<ActorId> next_with_room();
  bool make_room() { return turns_.make_room(context_.now.mono); }

  // ---- activations end ----
  void end(ActorId id, Deactivation why);
  // Where there are very many, some are put on the list at once and the others by end_more(). It counts for all of them
  // from now on: no turn begins at one that is not on the list yet.
  void end_all(Deactivation why);
  bool is_ending_all() const { return ending_all_.has_value(); }
  void end_more();
  void deactivate_idle();
  struct AfterDeactivation {
    enum class What : std::uint8_t {
      kAskedAgain,  // later
      kReleased,    // to be released
      kHandedOver,  // to be released once its successors know what it has answered
      kStays,       // the app keeps it; operators who wanted its end get the answer
    } what = What::kAskedAgain;
    Claim claim;
    std::vector<CallId> operators;
    Answer refusal;
  };
  // Nothing: it was not asked here, or is not any more.
  std::optional<AfterDeactivation> deactivated(DeactivationId token, const Deactivated& said);
  void send_deactivations();
  Ended ended(const Claim& claim) const;    // with its answers, of one that is being handed over
  std::vector<CallId> release(ActorId id);  // the calls that waited for it
  struct Lost {
    std::vector<Claim> claims;
    std::vector<std::vector<CallId>> queues;
    std::vector<CallId> left_behind;  // they follow a turn that is still under way (TurnEnd::followers)
  };
  Lost lose_all();

 private:
  std::optional<Answer> known_answer(const Actor& actor, const Call& call) const;
  TurnId begin_turn(Actor& actor, CallId token, const CallPtr& call);
  bool may_start(const Call& call) const;
  bool goes_before_its_end(const Actor& actor, bool serves_while_draining) const;
  base::Result<void, Answer> check_chain(const Call& call, const Actor& actor) const;
  void end_actor(Actor& actor, Deactivation why);
  Actor* find(ActorId id);  // as end_all() wants it
  Actor& at(ActorId id);    // the same of one that is there
  std::vector<CallId> operators_at(const Actor& actor) const;
  bool goes_on(const Actor& actor, const Deactivated& said) const;
  bool given_up(const Actor& actor, const Deactivated& said) const;
  AfterDeactivation stay(Actor& actor, const Deactivated& said);
  AfterDeactivation over(Actor& actor);
  std::vector<CallId> take_queue(Actor& actor);
  void forget_idle_again(ActorId id);

  const NodeConfig& config_;
  Context& context_;
  Timers& timers_;
  const ClusterView& cluster_;
  ActorTable actors_;
  Turns turns_;
  Deactivations deactivations_;
  Inherited inherited_;
  std::map<TurnId, std::vector<CallId>> left_behind_;    // lost turns: the calls behind them
  std::unordered_map<ActorId, TimerHandle> idle_again_;  // what the app has failed to forget is asked for then
  std::optional<Deactivation> ending_all_;               // not all are on the list yet
  std::size_t waiting_ = 0;
};

}  // namespace ringside::core
