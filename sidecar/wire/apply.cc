#include "sidecar/wire/apply.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <messages/control_plane.pb.h>

#include "sidecar/wire/method_call.h"
#include "sidecar/wire/outcome.h"

namespace ringside::wire {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr std::uint32_t kIdTag = 1 << 3 | 0;
constexpr std::uint32_t kMessagesTag = 2 << 3 | 2;
constexpr std::uint32_t kTypeUrlTag = 1 << 3 | 2;

CodedInputStream reader(std::string_view bytes) {
  return CodedInputStream(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
}

// False: truncated, or not protobuf at all. `typed`: it has a type URL.
bool read_any(std::string_view bytes, bool& typed) {
  CodedInputStream in = reader(bytes);
  while (const std::uint32_t tag = in.ReadTag()) {
    if (tag == kTypeUrlTag) {
      std::uint32_t size = 0;
      if (!in.ReadVarint32(&size) || !in.Skip(static_cast<int>(size))) return false;
      typed = size > 0;
    } else if (!WireFormatLite::SkipField(&in, tag)) {
      return false;
    }
  }
  return in.ConsumedEntireMessage();
}

}  // namespace

core::Answer invalid(core::Reason reason, std::string detail) {
  return core::Answer::failed(core::Outcome::kInvalid, reason, std::move(detail));
}

std::string apply_result(core::Answer answer) {
  if (!answer.result.empty()) return std::move(answer.result);
  // {accepted = true}; false is protobuf's default and takes no bytes.
  return answer.outcome == core::Outcome::kApplied ? std::string("\x08\x01", 2) : std::string();
}

void finish_apply(net::ServerCall& call, core::Answer answer) {
  net::Metadata trailers = grpc_trailers(answer);
  if (answer.outcome != core::Outcome::kApplied && answer.outcome != core::Outcome::kRefused) {
    return call.finish(grpc_status(answer), message(answer), std::move(trailers));
  }
  call.reply(apply_result(std::move(answer)), std::move(trailers));
}

std::optional<core::Answer> check_apply(std::string_view request, std::size_t max_bytes, core::ActorId& id) {
  id = 0;
  if (request.size() > max_bytes && (request.size() > max_bytes + kMaxMethodEnvelope ||
                                     method_body_size(request).value_or(max_bytes + 1) > max_bytes)) {
    return invalid(core::Reason::kTooLarge, "more than " + std::to_string(max_bytes) + " bytes");
  }
  const auto malformed = [] { return invalid(core::Reason::kMalformed, "not a serialized messages.ApplyRequest"); };
  std::size_t messages = 0;
  CodedInputStream in = reader(request);
  while (const std::uint32_t tag = in.ReadTag()) {
    if (tag == kIdTag) {
      std::uint64_t value = 0;
      if (!in.ReadVarint64(&value)) return malformed();
      id = value;
    } else if (tag == kMessagesTag) {
      std::uint32_t size = 0;
      if (!in.ReadVarint32(&size)) return malformed();
      const auto at = static_cast<std::size_t>(in.CurrentPosition());
      if (size > request.size() - at || !in.Skip(static_cast<int>(size))) return malformed();
      bool typed = false;
      if (!read_any(request.substr(at, size), typed)) return malformed();
      ++messages;
      if (!typed) {
        return invalid(core::Reason::kBadType, "message " + std::to_string(messages) + " has no type URL");
      }
    } else if (!WireFormatLite::SkipField(&in, tag)) {
      return malformed();
    }
  }
  if (!in.ConsumedEntireMessage()) return malformed();
  if (id == 0) return invalid(core::Reason::kBadId, "an actor id is 1 to 18446744073709551615");
  if (messages == 0) return invalid(core::Reason::kNoMessages, "a batch has at least one message");
  if (messages > kMaxMessagesPerBatch) {
    return invalid(core::Reason::kTooManyMessages,
                   "a batch has at most " + std::to_string(kMaxMessagesPerBatch) + " messages");
  }
  return std::nullopt;
}

std::optional<core::Answer> check_apply_to(core::ActorId id, std::string& request, std::size_t max_bytes) {
  core::ActorId in_body = 0;
  auto refusal = check_apply(request, max_bytes, in_body);
  if (refusal && refusal->reason == core::Reason::kBadId && in_body == 0) {
    messages::ApplyRequest named;
    named.set_id(id);
    request += named.SerializeAsString();
    refusal = check_apply(request, max_bytes, in_body);
  }
  if (!refusal && in_body != id) {
    return invalid(core::Reason::kBadId,
                   "the body is for actor " + std::to_string(in_body) + ", the address for " + std::to_string(id));
  }
  return refusal;
}

}  // namespace ringside::wire
