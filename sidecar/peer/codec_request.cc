// Requests between hosts: what is asked, checked where it comes in.
#include <array>
#include <utility>
#include <variant>

#include <messages/control_plane.pb.h>
#include <ringside/peer/v1/peer.pb.h>

#include "sidecar/base/checked.h"
#include "sidecar/core/host_name.h"
#include "sidecar/peer/codec.h"
#include "sidecar/peer/codec_ended.h"
#include "sidecar/wire/peer_headers.h"

namespace ringside::peer {
namespace {

namespace given = ::messages;
namespace ours = ::ringside::peer::v1;

constexpr int kMaxKnownHosts = 4096;
constexpr int kMaxAnnounced = 1'000'000;
constexpr int kMaxRanges = 100'000;

// How large answers may be.
constexpr std::size_t kOfNumbers = std::size_t{64} << 10;       // numbers, and a text or two
constexpr std::size_t kOfNames = std::size_t{2} << 20;          // the names of kMaxKnownHosts, and more
constexpr std::size_t kOfRejections = std::size_t{16} << 20;    // of kMaxAnnounced ids, should some be rejected
constexpr std::size_t kOfInventoryPart = std::size_t{4} << 20;  // 50,000 claims, and the answers of one activation
constexpr std::size_t kOfAllIds = std::size_t{128} << 20;       // a legacy host says them in one message

given::NegotiateRequest to_proto(const core::NegotiateRequest& request) {
  given::NegotiateRequest out;
  for (const std::string& host : request.hosts) out.add_known_hosts(host);
  out.set_cluster(request.cluster);
  out.set_points(request.points);
  return out;
}

given::OwnershipAnnounce to_proto(const core::OwnershipRequest& request) {
  given::OwnershipAnnounce out;
  out.set_host(request.host);
  out.set_generation(request.generation.value());
  for (const core::Claim& claim : request.claims) {
    out.add_ids(claim.id.value());
    out.add_epochs(claim.epoch.value());
  }
  out.set_asks(request.asks);
  return out;
}

given::ExpiryAnnounce to_proto(const core::LegacyExpiryRequest& request) {
  given::ExpiryAnnounce out;
  out.set_host(request.host);
  for (const core::ActorId id : request.ids) out.add_ids(id.value());
  return out;
}

ours::InventoryRequest to_proto(const core::InventoryRequest& request) {
  ours::InventoryRequest out;
  out.set_to_generation(request.to_generation.value());
  out.set_number(request.number.value());
  for (const auto& range : request.ranges.ranges()) {
    ours::Range* added = out.add_ranges();
    added->set_first(range.first.value());
    added->set_last(range.last.value());
  }
  return out;
}

ours::ExpireRequest to_proto(const core::EndedRequest& request) {
  ours::ExpireRequest out;
  for (const core::Ended& ended : request.ended) write_ended(ended, *out.add_ended());
  return out;
}

given::ClosingNotice to_proto(const core::ClosingRequest& request) {
  given::ClosingNotice out;
  out.set_host(request.host);
  return out;
}

ours::JoinRequest to_proto(const core::JoinRequest& request) {
  ours::JoinRequest out;
  out.set_points(request.points);
  out.set_routes_only(request.routes_only);
  out.set_names(request.names.value());
  return out;
}

ours::ProbeRequest to_proto(const core::ProbeRequest& request) {
  ours::ProbeRequest out;
  out.set_host(request.host);
  return out;
}

ours::ExplainRequest to_proto(const core::ExplainRequest& request) {
  ours::ExplainRequest out;
  out.set_id(request.id.value());
  out.set_epoch(request.epoch.value());
  out.set_hops(request.hops);
  return out;
}

// ---- decoding: one function for each; the error says in what way it is malformed ----

template <typename Request>
using Read = base::Result<Request, std::string>;

Read<std::string> read_host(const std::string& text) {
  auto canonical = core::canonical_host(text);
  if (!canonical) return base::Error("not a host name: \"" + text.substr(0, 64) + "\"");
  return std::move(*canonical);
}

base::Error<std::string> too_many(int most, const std::string& what) {
  return base::Error("more than " + std::to_string(most) + " " + what);
}

Read<core::NegotiateRequest> read(const given::NegotiateRequest& in) {
  if (in.known_hosts_size() > kMaxKnownHosts) return too_many(kMaxKnownHosts, "known hosts");
  return core::NegotiateRequest{{in.known_hosts().begin(), in.known_hosts().end()},
                                in.cluster().substr(0, wire::kMostOfAClusterName),
                                in.points()};
}

Read<core::OwnershipRequest> read(const given::OwnershipAnnounce& in) {
  if (in.ids_size() > kMaxAnnounced) return too_many(kMaxAnnounced, "ids in one announcement");
  if (in.epochs_size() != 0 && in.epochs_size() != in.ids_size()) return base::Error("as many epochs as ids, or none");
  core::OwnershipRequest out;
  for (int i = 0; i < in.ids_size(); ++i) {
    if (in.ids(i) == 0) return base::Error("0 is not an actor id");
    out.claims.push_back({core::ActorId(in.ids(i)), core::Epoch(in.epochs_size() == 0 ? 0 : in.epochs(i))});
  }
  out.generation = core::Generation(in.generation());
  out.asks = in.asks();
  auto host = read_host(in.host());
  if (!host) return base::Error(host.error());
  out.host = std::move(*host);
  return out;
}

Read<core::LegacyExpiryRequest> read(const given::ExpiryAnnounce& in) {
  if (in.ids_size() > kMaxAnnounced) return too_many(kMaxAnnounced, "ids in one announcement");
  auto host = read_host(in.host());
  if (!host) return base::Error(host.error());
  return core::LegacyExpiryRequest{std::move(*host), {in.ids().begin(), in.ids().end()}};
}

Read<core::ClosingRequest> read(const given::ClosingNotice& in) {
  auto host = read_host(in.host());
  if (!host) return base::Error(host.error());
  return core::ClosingRequest{std::move(*host)};
}

Read<core::JoinRequest> read(const ours::JoinRequest& in) {
  return core::JoinRequest{in.points(), in.routes_only(), core::Fingerprint(in.names())};
}

Read<core::InventoryRequest> read(const ours::InventoryRequest& in) {
  if (in.ranges_size() > kMaxRanges) return too_many(kMaxRanges, "ranges");
  std::vector<core::HashRanges::Range> ranges;
  for (const ours::Range& range : in.ranges()) ranges.push_back({core::Hash(range.first()), core::Hash(range.last())});
  core::InventoryRequest out;
  out.ranges = core::HashRanges(std::move(ranges));
  out.to_generation = core::Generation(in.to_generation());
  out.number = core::InventoryNumber(in.number());
  return out;
}

Read<core::ProbeRequest> read(const ours::ProbeRequest& in) {
  auto host = read_host(in.host());
  if (!host) return base::Error(host.error());
  return core::ProbeRequest{std::move(*host)};
}

Read<core::EndedRequest> read(const ours::ExpireRequest& in) {
  core::EndedRequest out;
  for (const ours::Ended& ended : in.ended()) out.ended.push_back(read_ended(ended));
  return out;
}

Read<core::ExplainRequest> read(const ours::ExplainRequest& in) {
  if (in.id() == 0) return base::Error("0 is not an actor id");
  return core::ExplainRequest{core::ActorId(in.id()), core::Epoch(in.epoch()), in.hops()};
}

// ---- the table ----

template <typename Request, typename Proto>
constexpr Rpc rpc(std::string_view path, std::size_t max_answer) {
  return {path,
          [](const core::PeerRequest& request) { return to_proto(base::as<Request>(request)).SerializeAsString(); },
          [](const std::string& body) -> base::Result<core::PeerRequest, std::string> {
            Proto in;
            if (!in.ParseFromString(body)) return base::Error("not a serialized " + in.GetTypeName());
            auto request = read(in);
            if (!request) return base::Error(request.error());
            return core::PeerRequest(std::move(*request));
          },
          max_answer};
}

// What has nothing to say but that it is asked.
template <typename Request>
constexpr Rpc bare(std::string_view path, std::size_t max_answer) {
  return {
      path, [](const core::PeerRequest&) { return std::string(); },
      [](const std::string&) -> base::Result<core::PeerRequest, std::string> { return core::PeerRequest(Request{}); },
      max_answer};
}

constexpr Rpc in_parts(Rpc rpc) {
  rpc.in_parts = true;
  return rpc;
}

constexpr std::array<Rpc, std::variant_size_v<core::PeerRequest>> kRpcs = {
    bare<core::PingRequest>("/messages.ControlPlane/Ping", kOfNumbers),
    rpc<core::NegotiateRequest, given::NegotiateRequest>("/messages.ControlPlane/Negotiate", kOfNames),
    bare<core::IdsRequest>("/messages.ControlPlane/GetLocalActorIds", kOfAllIds),
    rpc<core::OwnershipRequest, given::OwnershipAnnounce>("/messages.ControlPlane/AnnounceOwnership", kOfRejections),
    rpc<core::LegacyExpiryRequest, given::ExpiryAnnounce>("/messages.ControlPlane/AnnounceExpiry", kOfNumbers),
    rpc<core::ClosingRequest, given::ClosingNotice>("/messages.ControlPlane/Closing", kOfNumbers),
    rpc<core::JoinRequest, ours::JoinRequest>("/ringside.peer.v1.Peer/Join", kOfNames),
    bare<core::LeaveRequest>("/ringside.peer.v1.Peer/Leave", kOfNumbers),
    in_parts(rpc<core::InventoryRequest, ours::InventoryRequest>("/ringside.peer.v1.Peer/Inventory", kOfInventoryPart)),
    rpc<core::ProbeRequest, ours::ProbeRequest>("/ringside.peer.v1.Peer/Probe", kOfNumbers),
    rpc<core::EndedRequest, ours::ExpireRequest>("/ringside.peer.v1.Peer/Expire", kOfNumbers),
    rpc<core::ExplainRequest, ours::ExplainRequest>("/ringside.peer.v1.Peer/Explain", kOfNumbers),
};

}  // namespace

std::span<const Rpc> rpcs() { return kRpcs; }

const Rpc& rpc_of(const core::PeerRequest& request) { return kRpcs[request.index()]; }

}  // namespace ringside::peer
