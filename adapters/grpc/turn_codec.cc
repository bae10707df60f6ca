#include "adapters/grpc/turn_codec.h"

#include <algorithm>
#include <utility>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <messages/control_plane.pb.h>

#include "sidecar/wire/outcome.h"

namespace ringside::adapters {
namespace {

using core::Answer;
using core::Outcome;
using core::Reason;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr std::uint32_t kRequestMessages = 2 << 3 | 2;  // messages.ApplyRequest.messages
constexpr std::uint8_t kTurnMessages = 4 << 3 | 2;      // ringside.app.v1.Turn.messages
constexpr std::uint8_t kFrameTurns = 1 << 3 | 2;        // ringside.app.v1.TurnFrame.turns

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void append_field(std::string& out, std::uint8_t tag, std::string_view bytes) {
  out += static_cast<char>(tag);
  append_varint(out, bytes.size());
  out.append(bytes);
}

// The batch has been checked where it came in; whatever is not a message is skipped.
void append_messages(std::string& turn, const std::string& request) {
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(request.data()), static_cast<int>(request.size()));
  while (const std::uint32_t tag = in.ReadTag()) {
    if (tag != kRequestMessages) {
      if (!WireFormatLite::SkipField(&in, tag)) return;
      continue;
    }
    std::uint32_t size = 0;
    if (!in.ReadVarint32(&size)) return;
    const auto at = static_cast<std::size_t>(in.CurrentPosition());
    if (size > request.size() - at || !in.Skip(static_cast<int>(size))) return;
    append_field(turn, kTurnMessages, std::string_view(request).substr(at, size));
  }
}

template <typename Replies>
std::string result_of(bool accepted, Replies* replies) {
  messages::ApplyResult result;
  result.set_accepted(accepted);
  result.mutable_replies()->Swap(replies);
  return result.SerializeAsString();
}

// The app's own "no": codes that no gRPC library makes up by itself. The others say nothing of what has happened.
bool is_refusal(net::GrpcStatus status) {
  switch (status) {
    case net::GrpcStatus::kInvalidArgument:
    case net::GrpcStatus::kNotFound:
    case net::GrpcStatus::kAlreadyExists:
    case net::GrpcStatus::kPermissionDenied:
    case net::GrpcStatus::kFailedPrecondition:
    case net::GrpcStatus::kAborted:
    case net::GrpcStatus::kOutOfRange:
    case net::GrpcStatus::kUnauthenticated:
      return true;
    default:
      return false;
  }
}

Answer read_failure(const net::CallResult& result) {
  const std::string said = std::string(net::grpc_status_name(result.status)) + " " + result.message;
  if (result.delivery == net::Delivery::kNotSent && result.status == net::GrpcStatus::kDeadlineExceeded) {
    return Answer::failed(Outcome::kExpired, Reason::kDeadline, "waited for its place among the app's calls");
  }
  if (result.delivery == net::Delivery::kNotSent) return Answer::failed(Outcome::kNotDelivered, Reason::kAppDown, said);
  if (!result.from_server) {
    const bool large = result.status == net::GrpcStatus::kResourceExhausted;
    return Answer::failed(Outcome::kUnknown, large ? Reason::kAppTooLarge : Reason::kAppLost, said);
  }
  const auto promised = core::parse_outcome(result.trailers.get(wire::kOutcomeHeader));
  if (promised == Outcome::kNotDelivered) return Answer::failed(Outcome::kNotDelivered, Reason::kAppBusy, said);
  if (is_refusal(result.status)) return Answer::failed(Outcome::kRefused, Reason::kAppRefused, said);
  return Answer::failed(Outcome::kUnknown, Reason::kAppFailed, said);
}

}  // namespace

std::string encode_turn(const core::StartTurn& turn, std::uint64_t seq, core::Duration time_left) {
  const core::Call& call = *turn.call;
  app::v1::Turn head;
  head.set_seq(seq);
  head.set_id(call.id);
  head.set_epoch(turn.epoch);
  const std::int64_t micros = std::max<std::int64_t>(1, time_left.count());
  head.mutable_time_left()->set_seconds(micros / 1'000'000);
  head.mutable_time_left()->set_nanos(static_cast<std::int32_t>(micros % 1'000'000 * 1000));
  head.set_traceparent(call.traceparent);
  head.set_idempotency_key(call.idempotency_key);
  head.set_actor_name(call.actor_name);
  std::string out = head.SerializeAsString();
  out.reserve(out.size() + call.request.size());
  append_messages(out, call.request);
  return out;
}

void append_turn(std::string& frame, const std::string& turn) { append_field(frame, kFrameTurns, turn); }

Answer read_turn_result(app::v1::TurnResult& result) {
  Answer answer;
  switch (result.outcome()) {
    case app::v1::OUTCOME_APPLIED:
      answer.outcome = Outcome::kApplied;
      answer.result = result_of(true, result.mutable_replies());
      return answer;
    case app::v1::OUTCOME_REFUSED:
      answer = Answer::failed(Outcome::kRefused, Reason::kAppRefused, result.reason());
      answer.result = result_of(false, result.mutable_replies());
      return answer;
    case app::v1::OUTCOME_NOT_DELIVERED:
      return Answer::failed(Outcome::kNotDelivered, Reason::kAppBusy, result.reason());
    default:
      return Answer::failed(Outcome::kUnknown, Reason::kAppFailed, result.reason());
  }
}

Answer read_unary(net::CallResult result, bool control_plane) {
  if (result.status != net::GrpcStatus::kOk) return read_failure(result);
  const auto garbage = [] {
    return Answer::failed(Outcome::kUnknown, Reason::kAppGarbage, "its answer is not of the contract");
  };
  if (!control_plane) {
    app::v1::TurnResult turn;
    return turn.ParseFromString(result.body) ? read_turn_result(turn) : garbage();
  }
  messages::ApplyResult applied;
  if (!applied.ParseFromString(result.body)) return garbage();
  Answer answer;
  answer.outcome = applied.accepted() ? Outcome::kApplied : Outcome::kRefused;
  answer.reason = applied.accepted() ? Reason::kNone : Reason::kAppRefused;
  answer.result = std::move(result.body);
  return answer;
}

}  // namespace ringside::adapters
