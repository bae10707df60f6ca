// What this host serves to the others on the peer listener: messages.ControlPlane (Apply included) and
// ringside.peer.v1.Peer, natively on the loop. Loop thread only.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "sidecar/base/lifetime.h"
#include "sidecar/base/result.h"
#include "sidecar/core/ports.h"
#include "sidecar/net/grpc/method_table.h"
#include "sidecar/peer/codec.h"
#include "sidecar/peer/loop_turns.h"
#include "sidecar/peer/speakers.h"

namespace ringside::peer {

struct PeerServerOptions {
  Speakers* speakers = nullptr;                    // null: everybody is believed to be who he says
  std::size_t max_message = std::size_t{4} << 20;  // of one batch
  core::Duration default_timeout{10'000'000};      // for a caller without a deadline
  core::Duration max_timeout{300'000'000};
  // A host has called: under TLS or not, and what it says that it does about that; may be empty.
  std::function<void(const std::string& host, bool under_tls, std::string_view mode)> on_heard;
  std::function<void(core::Reason)> on_refusal;  // what is refused before the core hears of it; may be empty
};

class PeerServer {
 public:
  PeerServer(net::Loop& loop, PeerServerOptions options, core::Gateway& gateway, core::PeerSink& sink);

  void add_methods(net::MethodTable& table);

 private:
  core::Sender sender_of(const net::ServerCall& call, const core::PeerRequest& request) const;
  net::Metadata proof_for(const net::ServerCall& call, const core::Sender& sender) const;
  void serve(const Rpc& rpc, const std::shared_ptr<net::ServerCall>& call);
  // Long lists, which are told and heard in slices.
  struct Told;
  struct Heard;
  bool has_room_for_list(net::ServerCall& call) const;
  void tell(const std::shared_ptr<Told>& list);
  void tell_later(const std::shared_ptr<Told>& list);
  void told(const std::shared_ptr<Told>& list, const core::PeerAnswer& slice);
  void told_ids(const std::shared_ptr<Told>& list, const core::IdsAnswer& slice);
  void told_inventory(const std::shared_ptr<Told>& list, const core::InventoryAnswer& slice);
  void ids_over(const std::shared_ptr<Told>& list);
  void hear(const std::shared_ptr<Heard>& list);
  void heard(const std::shared_ptr<Heard>& list, core::PeerAnswer answer);
  void serve_apply(const std::shared_ptr<net::ServerCall>& call);
  base::Result<core::Call, core::Answer> read_apply(net::ServerCall& call) const;
  void refuse(net::ServerCall& call, core::Answer answer);
  void count(core::Reason reason);

  PeerServerOptions options_;
  core::Gateway& gateway_;
  core::PeerSink& sink_;
  LoopTurns lists_;                                // by sender
  std::deque<std::shared_ptr<Told>> telling_ids_;  // in one message each: the first is at work, the others wait for it
  base::Lifetime life_;                            // last
};

}  // namespace ringside::peer
