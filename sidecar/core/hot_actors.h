// Which actors of this host have the most calls, take up the most turn time, and are waited for the longest. Recorded
// only while somebody looks: from the first look until a minute after the last one; until then a call costs one
// comparison, and nothing is kept. Loop thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "sidecar/core/space_saving.h"
#include "sidecar/core/types.h"

namespace ringside::core {

struct HotTables {
  static constexpr std::size_t kCounters = 256;  // of each of the three

  SpaceSaving calls{kCounters};
  SpaceSaving turns{kCounters};  // in microseconds, as the next
  SpaceSaving waits{kCounters};
  Instant began;
  Instant looked;
};

class HotActors {
 public:
  static constexpr Duration kStopsAfter{60'000'000};

  // Somebody looks, at this moment: what has been recorded since the first look.
  const HotTables& look(Instant now) {
    if (!tables_) tables_.emplace().began = now;
    tables_->looked = now;
    return *tables_;
  }
  void tick(Instant now) {
    if (tables_ && now - tables_->looked >= kStopsAfter) tables_.reset();
  }

  // A call has come to it.
  void called(ActorId id) {
    if (tables_) tables_->calls.add(id, 1, 1, 1);
  }
  // A turn has taken the time since then, which has not been told before; of a turn that began at `began`.
  void took(ActorId id, Instant began, Instant since, Instant now, bool is_over) {
    if (tables_) tables_->turns.add(id, micros(since, now), is_over ? 1 : 0, micros(began, now));
  }
  // A call has waited for it since then, and its turn has begun, or it has given up.
  void waited(ActorId id, Instant since, Instant now) {
    if (tables_) tables_->waits.add(id, micros(since, now), 1, static_cast<std::uint64_t>((now - since).count()));
  }

 private:
  // What lies before the first look does not count.
  std::uint64_t micros(Instant since, Instant now) const {
    return static_cast<std::uint64_t>((now - std::max(since, tables_->began)).count());
  }

  std::optional<HotTables> tables_;
};

}  // namespace ringside::core
