// Requests between hosts: what is asked, checked where it comes in.
#include <messages/control_plane.pb.h>
#include <ringside/peer/v1/peer.pb.h>

#include "sidecar/core/host_name.h"
#include "sidecar/core/overloaded.h"
#include "sidecar/peer/codec.h"
#include "sidecar/peer/codec_ended.h"

namespace ringside::peer {
namespace {

namespace given = ::messages;
namespace ours = ::ringside::peer::v1;

constexpr int kMaxKnownHosts = 4096;
constexpr int kMaxAnnounced = 1'000'000;
constexpr int kMaxRanges = 1'000'000;

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
  out.set_generation(request.generation);
  for (const core::Claim& claim : request.claims) {
    out.add_ids(claim.id);
    out.add_epochs(claim.epoch);
  }
  out.set_asks(request.asks);
  return out;
}

given::ExpiryAnnounce to_proto(const core::ExpiryRequest& request) {
  given::ExpiryAnnounce out;
  out.set_host(request.host);
  for (const core::ActorId id : request.ids) out.add_ids(id);
  return out;
}

ours::InventoryRequest to_proto(const core::InventoryRequest& request) {
  ours::InventoryRequest out;
  out.set_to_generation(request.to_generation);
  out.set_number(request.number);
  for (const auto& range : request.ranges.ranges()) {
    ours::Range* added = out.add_ranges();
    added->set_first(range.first);
    added->set_last(range.last);
  }
  return out;
}

ours::ExpireRequest to_proto(const core::ExpireRequest& request) {
  ours::ExpireRequest out;
  for (const core::Ended& ended : request.ended) write_ended(ended, *out.add_ended());
  return out;
}

// ---- decoding: one function for each, false with `error` where it is malformed ----

bool check_host(const std::string& text, std::string& host, std::string& error) {
  const auto canonical = core::canonical_host(text);
  if (!canonical) error = "not a host name: \"" + text.substr(0, 64) + "\"";
  if (canonical) host = *canonical;
  return canonical.has_value();
}

bool read(const given::NegotiateRequest& in, core::NegotiateRequest& out, std::string& error) {
  if (in.known_hosts_size() > kMaxKnownHosts) {
    error = "more than " + std::to_string(kMaxKnownHosts) + " known hosts";
    return false;
  }
  out.hosts.assign(in.known_hosts().begin(), in.known_hosts().end());
  out.cluster = in.cluster();
  out.points = in.points();
  return true;
}

bool read(const given::OwnershipAnnounce& in, core::OwnershipRequest& out, std::string& error) {
  if (in.ids_size() > kMaxAnnounced) {
    error = "more than " + std::to_string(kMaxAnnounced) + " ids in one announcement";
    return false;
  }
  if (in.epochs_size() != 0 && in.epochs_size() != in.ids_size()) {
    error = "as many epochs as ids, or none";
    return false;
  }
  for (int i = 0; i < in.ids_size(); ++i) {
    if (in.ids(i) == 0) error = "0 is not an actor id";
    out.claims.push_back({in.ids(i), in.epochs_size() == 0 ? 0 : in.epochs(i)});
  }
  out.generation = in.generation();
  out.asks = in.asks();
  return error.empty() && check_host(in.host(), out.host, error);
}

bool read(const given::ExpiryAnnounce& in, core::ExpiryRequest& out, std::string& error) {
  if (in.ids_size() > kMaxAnnounced) {
    error = "more than " + std::to_string(kMaxAnnounced) + " ids in one announcement";
    return false;
  }
  out.ids.assign(in.ids().begin(), in.ids().end());
  return check_host(in.host(), out.host, error);
}

bool read(const given::ClosingNotice& in, core::ClosingRequest& out, std::string& error) {
  return check_host(in.host(), out.host, error);
}

bool read(const ours::JoinRequest& in, core::JoinRequest& out, std::string&) {
  out.points = in.points();
  out.routes_only = in.routes_only();
  return true;
}

bool read(const ours::InventoryRequest& in, core::InventoryRequest& out, std::string& error) {
  if (in.ranges_size() > kMaxRanges) {
    error = "more than " + std::to_string(kMaxRanges) + " ranges";
    return false;
  }
  std::vector<core::HashRanges::Range> ranges;
  for (const ours::Range& range : in.ranges()) ranges.push_back({range.first(), range.last()});
  out.ranges = core::HashRanges(std::move(ranges));
  out.to_generation = in.to_generation();
  out.number = in.number();
  return true;
}

bool read(const ours::ProbeRequest& in, core::ProbeRequest& out, std::string& error) {
  return check_host(in.host(), out.host, error);
}

bool read(const ours::ExpireRequest& in, core::ExpireRequest& out, std::string&) {
  for (const ours::Ended& ended : in.ended()) out.ended.push_back(read_ended(ended));
  return true;
}

template <typename Proto, typename Core>
std::optional<core::PeerRequest> decode(const std::string& body, std::string& error) {
  Proto in;
  Core out;
  if (!in.ParseFromString(body)) {
    error = "not a serialized " + in.GetTypeName();
    return std::nullopt;
  }
  if (!read(in, out, error)) return std::nullopt;
  return out;
}

}  // namespace

Encoded encode(const core::PeerRequest& request) {
  return std::visit(core::Overloaded{
                        [](const core::PingRequest&) -> Encoded {
                          return {"/messages.ControlPlane/Ping", ""};
                        },
                        [](const core::NegotiateRequest& r) -> Encoded {
                          return {"/messages.ControlPlane/Negotiate", to_proto(r).SerializeAsString()};
                        },
                        [](const core::IdsRequest&) -> Encoded {
                          return {"/messages.ControlPlane/GetLocalActorIds", ""};
                        },
                        [](const core::OwnershipRequest& r) -> Encoded {
                          return {"/messages.ControlPlane/AnnounceOwnership", to_proto(r).SerializeAsString()};
                        },
                        [](const core::ExpiryRequest& r) -> Encoded {
                          return {"/messages.ControlPlane/AnnounceExpiry", to_proto(r).SerializeAsString()};
                        },
                        [](const core::ClosingRequest& r) -> Encoded {
                          given::ClosingNotice out;
                          out.set_host(r.host);
                          return {"/messages.ControlPlane/Closing", out.SerializeAsString()};
                        },
                        [](const core::JoinRequest& r) -> Encoded {
                          ours::JoinRequest out;
                          out.set_points(r.points);
                          out.set_routes_only(r.routes_only);
                          return {"/ringside.peer.v1.Peer/Join", out.SerializeAsString()};
                        },
                        [](const core::LeaveRequest&) -> Encoded {
                          return {"/ringside.peer.v1.Peer/Leave", ""};
                        },
                        [](const core::InventoryRequest& r) -> Encoded {
                          return {kInventoryPath, to_proto(r).SerializeAsString()};
                        },
                        [](const core::ProbeRequest& r) -> Encoded {
                          ours::ProbeRequest out;
                          out.set_host(r.host);
                          return {"/ringside.peer.v1.Peer/Probe", out.SerializeAsString()};
                        },
                        [](const core::ExpireRequest& r) -> Encoded {
                          return {"/ringside.peer.v1.Peer/Expire", to_proto(r).SerializeAsString()};
                        },
                    },
                    request);
}

std::optional<core::PeerRequest> decode_request(std::string_view path, const std::string& body, std::string& error) {
  const std::string_view method = path.substr(path.rfind('/') + 1);
  if (method == "Ping") return core::PingRequest{};
  if (method == "GetLocalActorIds") return core::IdsRequest{};
  if (method == "Leave") return core::LeaveRequest{};
  if (method == "Negotiate") return decode<given::NegotiateRequest, core::NegotiateRequest>(body, error);
  if (method == "AnnounceOwnership") return decode<given::OwnershipAnnounce, core::OwnershipRequest>(body, error);
  if (method == "AnnounceExpiry") return decode<given::ExpiryAnnounce, core::ExpiryRequest>(body, error);
  if (method == "Closing") return decode<given::ClosingNotice, core::ClosingRequest>(body, error);
  if (method == "Join") return decode<ours::JoinRequest, core::JoinRequest>(body, error);
  if (method == "Inventory") return decode<ours::InventoryRequest, core::InventoryRequest>(body, error);
  if (method == "Probe") return decode<ours::ProbeRequest, core::ProbeRequest>(body, error);
  if (method == "Expire") return decode<ours::ExpireRequest, core::ExpireRequest>(body, error);
  error = "unknown method";
  return std::nullopt;
}

}  // namespace ringside::peer
