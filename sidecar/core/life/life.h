// The life of this host: where it stands between its start and its end, as one state, and what each event makes of it.
//
//            kDrain                                      kUncordon
//   any ---------------> kDraining ------------------+---------------> kToJoin
//                            |                       |
//                            | kAllLeft              |
//                            +----------> kDrained --+
//
//                        begin_run()                 kAppUnhealthy
//   (start) --> kToJoin ---------------> kOnRing ---------------> kUnhealthy
//                 ^  |                      |                     |  |
//                 |  | begin_run(),         | kAppGone   kAllLeft |  | kAppUp, kUncordon
//                 |  | without the app      v          or kAppGone|  +-----------------> kToJoin
//                 |  +----------------> kAppDown <----------------+
//                 |                         |
//                 +-------------------------+
//                           kAppUp
//
// Two things are independent of it and of one another, and have small enums of their own. Whether a run is under way:
// others may take it for dead at any point of this life, and then all that it holds ends, and the next run goes on
// where this one stood. (A host that drains and is taken for dead goes on draining, under another generation.) And
// whether there is a quorum, which comes and goes with the members, whatever this host is about.
//
// It knows nothing of time, of members or of actors: it says what is to be done, and the node does it.
//
// Invariants
//  1. Others see this host as JOINING or READY in kOnRing alone. In kUnhealthy and kDraining they see it as DRAINING,
//     in kDrained as DRAINED, and in kAppDown as APP_DOWN. In kToJoin they see whatever it was before.
//  2. In kToJoin no run is under way: the first one has yet to begin, or the last one is over.
//  3. In kOnRing and in kAppDown there has been a run.
//  4. Where this host has an application, it is there in kOnRing, and is not in kUnhealthy and kAppDown.
// Loop thread only.
#pragma once

#include <cstdint>
#include <string>

#include "sidecar/core/types.h"

namespace ringside::core {

class Life {
 public:
  enum class State : std::uint8_t {
    kToJoin,     // to be on the ring, once all has ended that it still holds, and its app has forgotten the rest
    kOnRing,     // it joins, or serves
    kUnhealthy,  // its app lives and fails its health: what that holds ends in order, as in a drain
    kAppDown,    // without its app: on the ring again when that is back
    kDraining,   // somebody wants it off the ring
    kDrained,
  };
  static constexpr int kStates = 6;

  enum class Event : std::uint8_t {
    kStart,         // the health of its app is known
    kAppUp,         // it was not, before
    kAppUnhealthy,  // it lives, and is not healthy
    kAppGone,       // and all activations with it
    kDrain,
    kUncordon,
    kAllLeft,  // nothing is active here any more, and all members have seen this host leave the ring
  };
  static constexpr int kEvents = 7;

  // What the node is to do.
  enum class Action : std::uint8_t {
    kNothing,
    kDrain,            // leave the ring, and end what is active here
    kGoOnDraining,     // it was drained before it began: the first run is one that drains
    kLeaveUnhealthy,   // leave the ring
    kLeaveWithoutApp,  // leave the ring; nothing is left here that could end
    kComeBack,         // end what is active here: the next run begins after that
    kSayDrained,
  };

  // has_app: this host has one to serve for, and does not only pass calls on.
  explicit Life(bool has_app) : has_app_(has_app) {}

  // ---- what has happened ----
  // Ends the process where the event cannot be in this state.
  Action on(Event event);
  void app_fails_because(const std::string& why) { app_down_because_ = why; }  // for a person
  // Others have taken the run for dead. False: none is under way, so nothing is new.
  bool end_run();
  // Once everything of the last run has ended. What this host is from now on, as others see it.
  Phase begin_run();
  // The app takes long to forget what it held before: the first run begins without it, since calls can be routed.
  Phase begin_run_without_app();
  void lose_quorum();
  void find_quorum();
  void drain_takes_too_long();

  // ---- what may be done ----
  State state() const { return state_; }
  bool has_begun() const { return run_ != Run::kBeforeStart; }
  bool has_run() const { return run_ == Run::kUnderWay || run_ == Run::kOver; }  // the others may know of one
  bool awaits_run() const { return run_ == Run::kAwaited || run_ == Run::kOver; }
  // The app is to have forgotten everything before that run begins.
  bool needs_initial_reset() const;
  // What it holds is to end, and all members are to see it leave: then kAllLeft follows.
  bool is_leaving() const { return state_ == State::kUnhealthy || state_ == State::kDraining; }
  // A turn may still begin at an actor that the app has not been asked yet to forget.
  bool may_serve_while_draining() const;
  bool app_up() const { return app_up_; }
  const std::string& app_down_because() const { return app_down_because_; }
  bool has_quorum() const { return quorum_ == Quorum::kThere; }
  bool is_drain_overdue() const { return drain_overdue_; }

  void check() const;  // ends the process if an invariant does not hold

 private:
  enum class Run : std::uint8_t {
    kBeforeStart,
    kAwaited,  // the first one
    kUnderWay,
    kOver,  // the next one begins once everything has ended that it held
  };
  enum class Quorum : std::uint8_t { kThere, kLost };

  const bool has_app_;
  State state_ = State::kToJoin;
  Run run_ = Run::kBeforeStart;
  Quorum quorum_ = Quorum::kThere;
  bool app_up_ = false;
  bool drain_overdue_ = false;
  std::string app_down_because_;
};

}  // namespace ringside::core
