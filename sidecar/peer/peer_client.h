// Questions and forwarded calls to the other hosts: one HTTP/2 connection to each, opened with the first need and
// closed when nothing was asked for a while. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "sidecar/base/lifetime.h"
#include "sidecar/core/ports.h"
#include "sidecar/net/grpc/grpc_channel.h"
#include "sidecar/net/resolver.h"
#include "sidecar/net/tls/tls_use.h"
#include "sidecar/peer/loop_scheduler.h"
#include "sidecar/peer/speakers.h"

namespace ringside::peer {

struct PeerClientOptions {
  std::size_t max_message = std::size_t{4} << 20;
  // Of one inventory: as many ids as a host may know to be elsewhere, and their answers under idempotency keys.
  std::size_t max_claims = 10'000'000;
  std::size_t max_remembered_bytes = std::size_t{256} << 20;
  std::shared_ptr<net::Resolver> resolver;
  Speakers* speakers = nullptr;                                   // null: this host proves nothing, and asks nobody
  std::shared_ptr<const net::TlsUse> tls;                         // null: dials plaintext
  std::string tls_mode;                                           // as others are told; empty: they are not
  std::function<double()> random;                                 // in [0, 1), for backoff
  std::function<net::Clock::time_point(core::Instant)> to_clock;  // the core's time on the loop's clock
  std::function<void()> on_reached;                               // a host has another address now; may be empty
  // A member, or named by the operator. To all others together there are at most this many connections, those included
  // that are being made: anybody may name hosts, and each takes a descriptor. Empty: everybody is one.
  std::function<bool(const std::string& host)> is_expected;
  std::size_t most_unexpected = 32;
};

class PeerClient : public core::PeerPort {
 public:
  PeerClient(net::Loop& loop, PeerClientOptions options, core::PeerSink& sink);
  ~PeerClient() override;

  void ask(core::AskPeer question) override;
  void forward(core::ForwardCall call) override;
  void abandon(core::ForwardId forward) override;
  void drop_queue(const std::string& host) override;

  // Asks that host whether the number is its own, where it is connected to; Speakers::was_asked tells.
  void ask_whose(const std::string& host, const std::string& proof);

  // Also those that are being made.
  std::size_t connections() const { return channels_.size(); }
  std::size_t connected() const;
  // The IP at which this host was reached last; empty where there is no connection to it.
  std::string reached_at(const std::string& host) const;

 private:
  struct Host {
    std::unique_ptr<net::GrpcChannel> channel;
    net::Clock::time_point last_used;
    std::string reached_at;
  };
  struct InventoryRead;

  net::GrpcChannel* channel(const std::string& host);  // nullptr: not a host name, or there is no room for it
  bool has_room_for(const std::string& host);
  void take_list(const std::string& host, core::QuestionId token, std::function<core::PeerAnswer()> next);
  void ask_inventory(net::GrpcChannel& channel, const core::AskPeer& question, net::Metadata metadata,
                     net::CallOptions options);
  void drop_unused();
  net::Metadata metadata() const;
  net::Metadata proven_metadata(const std::string& host);

  net::Loop& loop_;
  PeerClientOptions options_;
  core::PeerSink& sink_;
  std::map<std::string, Host> channels_;
  struct Forwarded {
    std::string host;
    net::GrpcChannel::CallId call;  // 0: refused, which is yet to be told
  };
  std::unordered_map<core::ForwardId, Forwarded> forwards_;
  std::unordered_map<core::QuestionId, std::shared_ptr<net::ClientStream>> inventories_;  // under way
  net::Clock::time_point next_sweep_{};
  std::set<std::pair<std::string, core::InventoryNumber>> lists_on_the_way_;  // from that host, for that inventory
  LoopScheduler lists_;                                                       // that are being taken in, by host
  base::Lifetime life_;                                                       // last
};

}  // namespace ringside::peer
