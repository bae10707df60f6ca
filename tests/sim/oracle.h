// Judges a run from outside: it knows only what applications and callers saw, and what was done to hosts.
//
// The numbers are those of docs/guarantees.md. Times are simulated microseconds.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sidecar/core/call.h"

namespace ringside::sim {

class Oracle {
 public:
  // Within this time of the end of what made a host judge wrongly, there is one activation of each id again.
  static constexpr std::int64_t kHealed = 15'000'000;

  // ---- what applications see ----
  void activated(const std::string& host, core::ActorId id, core::Epoch epoch, std::int64_t now);
  // `handed_over`: deactivated by a drain, so that its remembered answers must reach the next activation.
  void ended(const std::string& host, core::ActorId id, core::Epoch epoch, bool handed_over);
  void turn_began(const std::string& host, std::uint64_t batch, core::ActorId id, core::Epoch epoch, std::int64_t now);
  void turn_ended(const std::string& host, std::uint64_t batch, core::ActorId id, core::Epoch epoch, bool final);
  void sent_back(std::uint64_t batch);

  // ---- what callers see ----
  struct Call {
    std::uint64_t batch = 0;
    int caller = 0;
    core::ActorId id = 0;
    std::int64_t deadline = 0;
    bool keyed = false;       // has an idempotency key: repeats carry the same batch
    bool repeatable = false;  // the caller allows repeats of what may have happened
  };
  void sent(std::uint64_t call, const Call& what);
  void answered(std::uint64_t call, const core::Answer& answer, std::int64_t now);

  // ---- what is done to hosts ----
  // A live host was taken for dead, or a cluster was bootstrapped beside another: exclusivity is not promised until it
  // has healed, counted from the last of these and of disturbed().
  void exclusivity_void(std::int64_t now);
  void disturbed(std::int64_t now);  // a crash, the end of a cut or of a stop
  // No host lives that could have heard of an epoch: its own clock is all that the next one has.
  void nobody_remembers();
  // By more than a minute: epochs are as good as clocks are.
  void clock_is_wrong(std::int64_t now) {
    epochs_void_ = true;
    exclusivity_void(now);
  }
  // Legacy hosts are there: only among Ringside hosts is one activation promised, of these ids, and no order.
  void mixed(std::function<bool(core::ActorId)> promised) {
    mixed_ = true;
    promised_ = std::move(promised);
  }
  bool judged_wrongly() const { return void_since_ != 0; }

  // ---- at the end ----
  void check_rest(std::int64_t now);
  std::size_t lives(core::ActorId id) const;  // how many activations it has
  // One call for each id at each host, when all is calm: they must all end at one activation.
  void swept(const std::string& at, core::ActorId id, const core::Answer& answer, std::int64_t now);

  void fail(const std::string& what, std::int64_t now, core::ActorId about = 0);
  bool ok() const { return broken_.empty(); }
  const std::vector<std::string>& broken() const { return broken_; }
  core::ActorId about() const { return about_; }  // the id that the first failure is about; 0: none
  std::size_t calls() const { return calls_.size(); }
  std::size_t applied() const { return applied_; }

 private:
  struct Delivery {
    std::string host;
    core::Epoch epoch;
    std::int64_t at;
    bool final = false;  // the app's answer was one to remember
  };
  struct Batch {
    Call what;
    std::vector<Delivery> deliveries;
    bool given_up = false;  // may happen late: its caller heard "unknown", or the app sent it back
  };
  struct Outcome {
    std::uint64_t batch = 0;
    bool answered = false;
    core::Outcome outcome = core::Outcome::kUnknown;
  };
  struct Live {
    std::string host;
    core::Epoch epoch;
    std::int64_t turn = 0;  // a batch under way
  };
  struct Actor {
    std::vector<Live> live;
    core::Epoch last_epoch = 0;
    core::Epoch before_last = 0;
    std::map<core::Epoch, bool> handed_over;  // how activations ended
  };

  bool exclusive(std::int64_t now) const;
  bool promised(core::ActorId id, core::Epoch epoch) const;
  void judge_repeat(const Batch& batch, const std::string& host, core::Epoch epoch, std::int64_t now);

  std::map<std::uint64_t, Batch> batches_;
  std::map<std::uint64_t, Outcome> calls_;
  std::map<core::ActorId, Actor> actors_;
  std::map<std::pair<int, core::ActorId>, std::uint64_t> last_delivered_;
  std::map<core::ActorId, std::string> holder_;  // as the sweep found it
  std::vector<std::string> broken_;
  core::ActorId about_ = 0;
  std::size_t applied_ = 0;
  std::int64_t void_since_ = 0;
  std::int64_t last_disturbed_ = 0;
  bool mixed_ = false;
  bool epochs_void_ = false;
  std::function<bool(core::ActorId)> promised_;
};

}  // namespace ringside::sim
