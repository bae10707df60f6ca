// Whether the members' rings agree, as people want to be told: not at each change, which takes a moment to be heard by
// all, but where it lasts; and that another part of the cluster has been met, until both are one.
//
// Invariant: each beginning that is told has its end told, unless the next beginning is that of the same thing.
// It knows nothing of the members but what it is told. Loop thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sidecar/core/host_event.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class Agreement {
 public:
  explicit Agreement(Duration patience) : patience_(patience) {}

  // A host of another part of the cluster has answered. `what_follows`: for a person. Nothing: it has been told.
  std::optional<HostEvent> met_split(const std::string& host, const std::string& what_follows, Instant now);

  struct Look {
    bool joined = false;
    bool settled = false;                  // every member reports this host's ring
    bool met_is_member = false;            // the host that was met last
    std::vector<std::string> others = {};  // members that report another ring, some of them
  };
  const std::string& met() const { return met_; }  // empty: no other part is known of
  bool may_disagree(bool joined, bool settled) const {
    return joined && (!settled || disagrees_since_ || !met_.empty());
  }
  std::optional<HostEvent> look(const Look& look, Instant now);

 private:
  Duration patience_;
  std::string met_;
  Instant met_at_;
  Instant last_met_;
  std::optional<Instant> disagrees_since_;
  bool told_ = false;
};

}  // namespace ringside::core
