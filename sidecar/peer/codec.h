// The messages between hosts, between the core's structs and protobuf.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sidecar/base/result.h"
#include "sidecar/core/peer_messages.h"

namespace ringside::peer {

inline constexpr std::string_view kApplyPath = "/messages.ControlPlane/Apply";
inline constexpr std::string_view kWatchPath = "/ringside.peer.v1.Membership/Watch";

// One question that hosts ask each other: under which path, and how it is written and read.
struct Rpc {
  std::string_view path;  // of the gRPC method
  std::string (*encode)(const core::PeerRequest& request);
  // The error says in what way it is malformed.
  base::Result<core::PeerRequest, std::string> (*decode)(const std::string& body);
  // Of the answer, or of each of its parts: more than any host has to say. What is larger is not read.
  std::size_t max_answer = 0;
  bool in_parts = false;  // the answer is a stream (encode_inventory)
};
// In the order of core::PeerRequest.
std::span<const Rpc> rpcs();
const Rpc& rpc_of(const core::PeerRequest& request);

// Nothing: not the answer that this question has. Lists are read in their own ways, below.
std::optional<core::PeerAnswer> decode_answer(const core::PeerRequest& question, const std::string& body);
struct InventoryPart {
  core::InventoryAnswer answer;
  bool last = false;
};
std::optional<InventoryPart> decode_inventory_part(const std::string& body);

// The ids of an ActorIdsReply, which may be ten million in one message: read in slices, without a copy of all of them.
class IdsReader {
 public:
  explicit IdsReader(std::string body) : body_(std::move(body)) {}

  // The next ids, at most `most`; nothing: what is left is malformed.
  std::optional<core::IdsAnswer> next(std::size_t most);

 private:
  std::string body_;
  std::size_t at_ = 0;
  std::size_t packed_until_ = 0;  // `at_` is within a field of packed ids that ends there
};

// The same message, written slice by slice.
class IdsWriter {
 public:
  void add(const core::IdsAnswer& slice);
  std::string take() { return std::move(body_); }

 private:
  std::string body_;
};

// Everything but lists and failures, which are answered in their own ways.
std::string encode_answer(const core::PeerAnswer& answer);
// The parts that a slice of it goes out in.
std::vector<std::string> encode_inventory(const core::InventoryAnswer& answer);

}  // namespace ringside::peer
