// Activations that have ended, with what their successors should remember: in expiries and in inventories.
#pragma once

#include <ringside/peer/v1/peer.pb.h>

#include "sidecar/core/peer_messages.h"

namespace ringside::peer {

inline void write_ended(const core::Ended& ended, ::ringside::peer::v1::Ended& out) {
  out.set_id(ended.id);
  out.set_epoch(ended.epoch);
  for (const core::Remembered& entry : ended.remembered) {
    auto* kept = out.add_remembered();
    kept->set_key(entry.key);
    kept->set_accepted(entry.outcome == core::Outcome::kApplied);
    kept->set_result(entry.result);
    kept->set_fingerprint(entry.fingerprint);
    kept->set_leads_to(entry.leads_to);
  }
}

inline core::Ended read_ended(const ::ringside::peer::v1::Ended& in) {
  core::Ended out{in.id(), in.epoch(), {}};
  for (const auto& entry : in.remembered()) {
    out.remembered.push_back({entry.key(), entry.accepted() ? core::Outcome::kApplied : core::Outcome::kRefused,
                              entry.result(), entry.fingerprint(), entry.leads_to()});
  }
  return out;
}

}  // namespace ringside::peer
