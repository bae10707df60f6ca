// What this host serves to the others on the peer listener: messages.ControlPlane (Apply included) and
// ringside.peer.v1.Peer, natively on the loop. Loop thread only.
#pragma once

#include <functional>
#include <memory>

#include "sidecar/base/result.h"
#include "sidecar/core/ports.h"
#include "sidecar/net/grpc/method_table.h"
#include "sidecar/peer/codec.h"
#include "sidecar/peer/list_server.h"
#include "sidecar/peer/speakers.h"

namespace ringside::peer {

struct PeerServerOptions {
  Speakers* speakers = nullptr;                    // null: everybody is believed to be who he says
  std::size_t max_message = std::size_t{4} << 20;  // of one batch
  core::Duration default_timeout{10'000'000};      // for a caller without a deadline
  core::Duration max_timeout{300'000'000};
  // A host has called, by its name (empty where it gives none) and from this address: under TLS or not, and what it
  // says that it does about that; may be empty.
  std::function<void(const std::string& host, const std::string& ip, bool under_tls, std::string_view mode)> on_heard;
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
  void serve_apply(const std::shared_ptr<net::ServerCall>& call);
  base::Result<core::Call, core::Answer> read_apply(net::ServerCall& call) const;
  void refuse(net::ServerCall& call, core::Answer answer);
  void count(core::Reason reason);

  PeerServerOptions options_;
  core::Gateway& gateway_;
  core::PeerSink& sink_;
  ListServer lists_;
};

}  // namespace ringside::peer
