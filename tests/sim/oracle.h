// Judges a run from outside: it knows only what applications and callers saw.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sidecar/core/call.h"

namespace ringside::sim {

class Oracle {
 public:
  // ---- what applications see ----
  void activated(const std::string& host, core::ActorId id, core::Epoch epoch, std::int64_t now);
  void ended(const std::string& host, core::ActorId id, core::Epoch epoch, std::int64_t now);
  void delivered(std::uint64_t batch);
  // ---- what callers see ----
  void sent(std::uint64_t batch, int caller, core::ActorId id);
  void answered(std::uint64_t batch, const core::Answer& answer, std::int64_t now);

  // A live host was taken for dead, or a cluster was founded beside another: exclusivity is not promised from here on.
  void exclusivity_void() { exclusive_ = false; }
  bool exclusive() const { return exclusive_; }

  // When everything has come to rest.
  void check_rest(std::int64_t now);

  void fail(const std::string& what, std::int64_t now);
  bool ok() const { return broken_.empty(); }
  const std::vector<std::string>& broken() const { return broken_; }
  std::size_t calls() const { return batches_.size(); }
  std::size_t applied() const { return applied_; }

 private:
  struct Batch {
    int caller = 0;
    core::ActorId id = 0;
    int deliveries = 0;
    bool answered = false;
    core::Outcome outcome = core::Outcome::kUnknown;
  };
  struct Live {
    std::string host;
    core::Epoch epoch;
  };

  std::map<std::uint64_t, Batch> batches_;
  std::map<core::ActorId, std::vector<Live>> live_;
  std::map<core::ActorId, core::Epoch> last_epoch_;
  std::map<std::pair<int, core::ActorId>, std::uint64_t> last_delivered_;  // by caller and id
  std::vector<std::string> broken_;
  std::size_t applied_ = 0;
  bool exclusive_ = true;
};

}  // namespace ringside::sim
