// The messages between hosts, between the core's structs and protobuf.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sidecar/core/peer_messages.h"

namespace ringside::peer {

inline constexpr std::string_view kApplyPath = "/messages.ControlPlane/Apply";
inline constexpr std::string_view kInventoryPath = "/ringside.peer.v1.Peer/Inventory";
inline constexpr std::string_view kWatchPath = "/ringside.peer.v1.Membership/Watch";

struct Encoded {
  std::string_view path;  // of the gRPC method
  std::string body;
};

Encoded encode(const core::PeerRequest& request);

// Nothing: not the answer that this question has. For an inventory: one part (decode_inventory_part).
std::optional<core::PeerAnswer> decode_answer(const core::PeerRequest& question, const std::string& body);
struct InventoryPart {
  core::InventoryAnswer answer;
  bool last = false;
};
std::optional<InventoryPart> decode_inventory_part(const std::string& body);

// Server side. Nothing: malformed; `error` says how. `path` is one of kServedPaths.
inline constexpr std::string_view kServedPaths[] = {
    "/messages.ControlPlane/Ping",
    "/messages.ControlPlane/Negotiate",
    "/messages.ControlPlane/GetLocalActorIds",
    "/messages.ControlPlane/AnnounceOwnership",
    "/messages.ControlPlane/AnnounceExpiry",
    "/messages.ControlPlane/Closing",
    "/ringside.peer.v1.Peer/Join",
    "/ringside.peer.v1.Peer/Leave",
    kInventoryPath,
    "/ringside.peer.v1.Peer/Probe",
    "/ringside.peer.v1.Peer/Expire",
};
std::optional<core::PeerRequest> decode_request(std::string_view path, const std::string& body, std::string& error);
// Everything but inventories and failures, which are answered in their own ways.
std::string encode_answer(const core::PeerAnswer& answer);
std::vector<std::string> encode_inventory(const core::InventoryAnswer& answer);

}  // namespace ringside::peer
