// Long lists between hosts, told and heard in slices, so that a host with ten million actors keeps the loop of neither
// side busy: what this host holds, as whoever asks for it gets it, and what others announce. One slice is dealt with in
// each loop iteration, and those of different senders one after another. Loop thread only.
#pragma once

#include <deque>
#include <memory>

#include "sidecar/base/lifetime.h"
#include "sidecar/core/ports.h"
#include "sidecar/net/grpc/method_table.h"
#include "sidecar/peer/codec.h"
#include "sidecar/peer/loop_scheduler.h"

namespace ringside::peer {

// Ends the call with the status of that failure.
void finish_failed(net::ServerCall& call, const core::PeerFailure& failure);

class ListServer {
 public:
  ListServer(net::Loop& loop, core::PeerSink& sink);

  // Whether it announces so much that hear() should have it.
  static bool is_long(const core::PeerRequest& request);
  // Asks for a list of this host's: an IdsRequest or an InventoryRequest.
  void tell(std::shared_ptr<net::ServerCall> call, core::Sender sender, core::PeerRequest request);
  // Announces one.
  void hear(std::shared_ptr<net::ServerCall> call, core::Sender sender, core::PeerRequest request);

 private:
  struct Told;
  struct Heard;
  bool has_room_for_list(net::ServerCall& call) const;
  void tell_next(const std::shared_ptr<Told>& list);
  void tell_later(const std::shared_ptr<Told>& list);
  void told(const std::shared_ptr<Told>& list, const core::PeerAnswer& slice);
  void told_ids(const std::shared_ptr<Told>& list, const core::IdsAnswer& slice);
  void told_inventory(const std::shared_ptr<Told>& list, const core::InventoryAnswer& slice);
  void ids_over(const std::shared_ptr<Told>& list);
  void hear_next(const std::shared_ptr<Heard>& list);
  void heard(const std::shared_ptr<Heard>& list, core::PeerAnswer answer);

  core::PeerSink& sink_;
  LoopScheduler lists_;                            // by sender
  std::deque<std::shared_ptr<Told>> telling_ids_;  // in one message each: the first is at work, the others wait for it
  base::Lifetime life_;                            // last
};

}  // namespace ringside::peer
