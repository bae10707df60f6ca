// Activations that have ended, with what their successors should remember: in expiries and in inventories.
#pragma once

#include <ringside/peer/v1/peer.pb.h>

#include "sidecar/core/peer_messages.h"

namespace ringside::peer {

inline void write_ended(const core::Ended& ended, ::ringside::peer::v1::Ended& out) {
  out.set_id(ended.id.value());
  out.set_epoch(ended.epoch.value());
  for (const core::Remembered& entry : ended.remembered) {
    auto* kept = out.add_remembered();
    kept->set_key(entry.key);
    kept->set_accepted(entry.outcome == core::Outcome::kApplied);
    kept->set_result(entry.result);
    kept->set_fingerprint(entry.fingerprint.value());
    kept->set_leads_to(entry.leads_to);
    kept->set_too_large(entry.outcome == core::Outcome::kUnknown);
  }
}

inline core::Ended read_ended(const ::ringside::peer::v1::Ended& in) {
  core::Ended out{core::ActorId(in.id()), core::Epoch(in.epoch()), {}};
  for (const auto& entry : in.remembered()) {
    const core::Outcome outcome = entry.too_large()  ? core::Outcome::kUnknown
                                  : entry.accepted() ? core::Outcome::kApplied
                                                     : core::Outcome::kRefused;
    out.remembered.push_back(
        {entry.key(), outcome, entry.result(), core::Fingerprint(entry.fingerprint()), entry.leads_to()});
  }
  return out;
}

}  // namespace ringside::peer
