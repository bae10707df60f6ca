// The life of this host with its clockwork: the state machine (life.h), what the app has to forget first
// (initial_reset.h), the time that a drain may take, and what people are told of all that.
//
// It calls nobody. Each event returns what follows for the rest of the node, in order (life_step.h): to change the
// phase, to end activations, to begin a run.
//
// Invariants
//  1. Those of life.h and initial_reset.h.
//  2. A drain's time runs in kDraining alone.
//  3. While the app is asked to forget everything, no pause before the next question runs, unless the host waits for
//     that answer before its first run.
// Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "sidecar/core/config.h"
#include "sidecar/core/context.h"
#include "sidecar/core/life/burials.h"
#include "sidecar/core/life/initial_reset.h"
#include "sidecar/core/life/life.h"
#include "sidecar/core/life/life_step.h"
#include "sidecar/core/timers.h"

namespace ringside::core {

class LifeCycle {
 public:
  LifeCycle(const NodeConfig& config, Context& context, Timers& timers);

  // ---- the application ----
  LifeSteps start(bool app_up, const std::string& why);  // its health is known; why: it is not up
  LifeSteps app_up();
  LifeSteps app_down(const std::string& why, bool alive);
  LifeSteps app_restarted(std::size_t actors);
  // What it says to the question under `token`; nothing: that is not a question of this part.
  std::optional<LifeSteps> deactivated(DeactivationId token, const Deactivated& said);
  LifeSteps initial_reset_due();

  // ---- drain ----
  // by: whose word it is, for people; empty: not told.
  LifeSteps drain(std::size_t actors, const std::string& by = {});
  LifeSteps uncordon(const std::string& by = {});
  // From time to time: people are told how far a drain has come.
  void tick(std::size_t actors);
  // Nothing is active here any more, and all members have seen this host leave the ring.
  LifeSteps all_left();
  // --drain-timeout: whoever waits for the drain waits no longer. It goes on, for what is left (for a person).
  void drain_due(std::size_t actors, std::string left);

  // ---- runs and quorum ----
  // All of the last run has ended: the phase in which the next one begins. Nothing: the app has to forget first what an
  // earlier sidecar's activations left in it, and is asked to. Whoever is on the ring gets calls.
  std::optional<Phase> next_run();
  // buried_by: the host that says so; this host rests before its next run where that host has said so before.
  LifeSteps must_rejoin(const std::string& why, Phase phase, const std::string& buried_by = {});
  // With --quorum: whether there is one. The minority of a partition stops by itself, before the majority, which
  // waits longer, takes over.
  LifeSteps see_quorum(bool quorum, Phase phase, std::size_t members);

  // ---- what may be done ----
  const Life& life() const { return life_; }
  // Why it is not on the ring yet, or not any more, for a person; empty: nothing here is in the way.
  std::string not_ready_because(Phase phase) const;
  // Why others see it in that phase, and on whose word, for a person.
  std::string why_in(Phase phase) const;
  std::string on_whose_word(Phase phase) const;
  void check() const;  // ends the process if an invariant does not hold

 private:
  enum class App : std::uint8_t { kUnknown, kUp, kSick, kDown };
  void tell_app(App app, const std::string& why);
  LifeSteps come_back();
  void ask_for_initial_reset();
  void forget_initial_reset();
  void rest_after_burial(const std::string& by);

  const NodeConfig& config_;
  Context& context_;
  Timers& timers_;
  Life life_;
  InitialReset initial_reset_;
  Burials burials_;
  Instant rests_until_;
  std::string rests_because_;
  TimerHandle initial_reset_due_ = kNoTimer;  // asked again then, or the host is shown without its app
  TimerHandle drain_due_ = kNoTimer;

  // Of what people are told alone.
  App app_ = App::kUnknown;
  Instant app_since_;
  std::string drained_by_;
  std::size_t drained_from_ = 0;  // actors
  Instant draining_since_;
  Instant progress_told_;
  Instant quorum_lost_at_;
};

}  // namespace ringside::core
