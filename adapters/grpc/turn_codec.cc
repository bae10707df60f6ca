#include "adapters/grpc/turn_codec.h"

#include <algorithm>
#include <utility>

#include <google/protobuf/io/coded_stream.h>
#include <messages/control_plane.pb.h>

#include "sidecar/wire/fields.h"
#include "sidecar/wire/method_call.h"
#include "sidecar/wire/outcome.h"

namespace ringside::adapters {
namespace {

using core::Answer;
using core::Outcome;
using core::Reason;
using google::protobuf::io::CodedInputStream;

constexpr std::int64_t kLongestWait = std::int64_t{24} * 3600 * 1'000'000;  // in microseconds
constexpr std::uint32_t kResults = wire::tag_of(app::v1::ResultFrame::kResultsFieldNumber, wire::WireType::kLength);
constexpr std::uint32_t kDeactivated =
    wire::tag_of(app::v1::ResultFrame::kDeactivatedFieldNumber, wire::WireType::kLength);
constexpr std::uint32_t kSeq = wire::tag_of(app::v1::TurnResult::kSeqFieldNumber, wire::WireType::kVarint);

// The batch has been checked where it came in; whatever is not a message is skipped.
void append_messages(std::string& turn, const std::string& request) {
  wire::each_field(request, [&turn](const wire::Field& field) {
    if (field.number == messages::ApplyRequest::kMessagesFieldNumber && field.has_length()) {
      wire::append_bytes(turn, app::v1::Turn::kMessagesFieldNumber, field.bytes);
    }
    return true;
  });
}

// Of a message that cannot be read as a whole; 0 where not even that can.
SequenceNumber sequence_number(const std::string& result) {
  SequenceNumber seq;
  wire::each_field(result, [&seq](const wire::Field& field) {
    const bool found = field.number == app::v1::TurnResult::kSeqFieldNumber && field.is_varint();
    if (found) seq = SequenceNumber(field.value);
    return !found;
  });
  return seq;
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

std::string status_text(const net::CallResult& result) {
  const std::string name(net::grpc_status_name(result.status));
  return result.message.empty() ? "the status " + name + " without a message" : name + " " + result.message;
}

// The app's own words where it has some.
std::string said_or(const std::string& reason, const char* otherwise) { return reason.empty() ? otherwise : reason; }

std::string no_outcome(const app::v1::TurnResult& result) {
  std::string why = "the app's result names no outcome";
  if (result.outcome() != app::v1::OUTCOME_UNSPECIFIED) {
    why = "the app's result names outcome " + std::to_string(static_cast<int>(result.outcome())) +
          ", which the contract does not know";
  }
  return result.reason().empty() ? why : why + ": " + result.reason();
}

Answer read_failure(const net::CallResult& result) {
  const std::string said = status_text(result);
  if (result.delivery == net::Delivery::kNotSent && result.status == net::GrpcStatus::kDeadlineExceeded) {
    return Answer::failed(Outcome::kExpired, Reason::kDeadline, "waited for its place among the app's calls");
  }
  if (result.delivery == net::Delivery::kNotSent) {
    const bool full = result.status == net::GrpcStatus::kResourceExhausted;
    return Answer::failed(Outcome::kNotDelivered, full ? Reason::kAppBusy : Reason::kAppDown, said);
  }
  if (!result.from_server) {
    const bool large = result.status == net::GrpcStatus::kResourceExhausted;
    return Answer::failed(Outcome::kUnknown, large ? Reason::kAppTooLarge : Reason::kAppLost, said);
  }
  const auto promised = core::parse_outcome(result.trailers.get(wire::kOutcomeHeader));
  if (promised == Outcome::kNotDelivered) return Answer::failed(Outcome::kNotDelivered, Reason::kAppBusy, said);
  if (is_refusal(result.status)) return Answer::failed(Outcome::kRefused, Reason::kAppRefused, said);
  return Answer::failed(Outcome::kUnknown, Reason::kAppFailed, said);
}

Answer read_outcome(app::v1::TurnResult& result) {
  Answer answer;
  switch (result.outcome()) {
    case app::v1::OUTCOME_APPLIED:
      answer.outcome = Outcome::kApplied;
      answer.result = result_of(true, result.mutable_replies());
      return answer;
    case app::v1::OUTCOME_REFUSED:
      answer = Answer::failed(Outcome::kRefused, Reason::kAppRefused,
                              said_or(result.reason(), "the app's result says OUTCOME_REFUSED, and gives no reason"));
      answer.result = result_of(false, result.mutable_replies());
      return answer;
    case app::v1::OUTCOME_NOT_DELIVERED:
      return Answer::failed(
          Outcome::kNotDelivered, Reason::kAppBusy,
          said_or(result.reason(), "the app's result says OUTCOME_NOT_DELIVERED, and gives no reason"));
    default:
      return Answer::failed(Outcome::kUnknown, Reason::kAppFailed, no_outcome(result));
  }
}

Answer read_unary_outcome(net::CallResult result, bool control_plane) {
  if (result.status != net::GrpcStatus::kOk) return read_failure(result);
  const auto garbage = [] {
    return Answer::failed(Outcome::kUnknown, Reason::kAppGarbage, "its answer is not of the contract");
  };
  if (!control_plane) {
    app::v1::TurnResult turn;
    if (!turn.ParseFromString(result.body)) return garbage();
    Answer answer = read_outcome(turn);
    answer.deactivate = turn.deactivate();
    return answer;
  }
  messages::ApplyResult applied;
  if (!applied.ParseFromString(result.body)) return garbage();
  Answer answer;
  answer.outcome = applied.accepted() ? Outcome::kApplied : Outcome::kRefused;
  if (!applied.accepted()) {
    answer.reason = Reason::kAppRefused;
    answer.detail = "the app's ApplyResult says that it is not accepted";
  }
  answer.result = std::move(result.body);
  return answer;
}

}  // namespace

std::string encode_turn(const core::StartTurn& turn, SequenceNumber seq, core::Duration time_left) {
  const core::Call& call = *turn.call;
  app::v1::Turn head;
  head.set_seq(seq.value());
  head.set_id(call.id.value());
  head.set_epoch(turn.epoch.value());
  const std::int64_t micros = std::max<std::int64_t>(1, time_left.count());
  head.mutable_time_left()->set_seconds(micros / 1'000'000);
  head.mutable_time_left()->set_nanos(static_cast<std::int32_t>(micros % 1'000'000 * 1000));
  head.set_traceparent(call.traceparent);
  head.set_idempotency_key(call.idempotency_key);
  head.set_actor_name(call.actor_name);
  head.set_chain(turn.chain);
  std::string out = head.SerializeAsString();
  out.reserve(out.size() + core::size_of(call.request));
  const auto* batch = std::get_if<std::string>(&call.request);
  append_messages(out, batch != nullptr ? *batch : wire::write_batch(call));
  return out;
}

std::optional<ReadFrame> read_result_frame(const std::string& bytes, std::size_t max_result) {
  ReadFrame frame;
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  while (const std::uint32_t tag = in.ReadTag()) {
    if (tag != kResults && tag != kDeactivated) {
      if (!wire::skip_field(in, tag)) return std::nullopt;
      continue;
    }
    std::uint32_t size = 0;
    std::string one;
    if (!in.ReadVarint32(&size) || size > bytes.size() || !in.ReadString(&one, static_cast<int>(size))) {
      return std::nullopt;
    }
    if (tag == kDeactivated) {
      if (!frame.deactivated.emplace_back().ParseFromString(one)) frame.deactivated.pop_back();
    } else if (size > max_result) {
      frame.too_large.push_back({sequence_number(one), size});
    } else if (!frame.results.emplace_back().ParseFromString(one)) {
      frame.results.pop_back();
      frame.garbled.push_back(sequence_number(one));
    }
  }
  if (!in.ConsumedEntireMessage()) return std::nullopt;
  return frame;
}

std::optional<FirstResult> read_first_result(std::string_view beginning) {
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(beginning.data()), static_cast<int>(beginning.size()));
  FirstResult first;
  std::uint32_t size = 0;
  std::uint64_t seq = 0;
  if (in.ReadTag() != kResults || !in.ReadVarint32(&size)) return std::nullopt;
  first.size = size;
  first.end = static_cast<std::size_t>(in.CurrentPosition()) + size;
  if (in.ReadTag() != kSeq || !in.ReadVarint64(&seq)) return std::nullopt;
  first.seq = SequenceNumber(seq);
  return first;
}

Answer too_large_answer(std::size_t size, std::size_t max_result) {
  return Answer::failed(Outcome::kUnknown, Reason::kAppTooLarge,
                        "the app's result has " + std::to_string(size) + " bytes, and --max-message allows " +
                            std::to_string(max_result));
}

void append_turn(std::string& frame, const std::string& turn) {
  wire::append_bytes(frame, app::v1::TurnFrame::kTurnsFieldNumber, turn);
}

app::v1::Deactivate deactivate_message(const core::DeactivateActor& end) {
  app::v1::Deactivate message;
  message.add_ids(end.actor.id.value());
  message.add_epochs(end.actor.epoch.value());
  message.add_actor_names(end.name);
  message.set_why(std::string(core::to_string(end.why)));
  return message;
}

core::Deactivated read_deactivated(const app::v1::Deactivated& said, core::ActorId actor) {
  using Kind = core::Deactivated::Kind;
  const auto names = [actor](const auto& ids) {
    return actor == 0 ? !ids.empty() : std::find(ids.begin(), ids.end(), actor.value()) != ids.end();
  };
  core::Deactivated read;
  if (names(said.failed())) {
    read.kind = Kind::kFailed;
  } else if (actor != 0 && names(said.not_now())) {  // of all there is nothing to keep: they are an earlier sidecar's
    read.kind = Kind::kNotNow;
  }
  if (!said.reason().empty()) {
    read.detail = "Deactivate was answered: " + said.reason();
  } else if (read.kind != Kind::kDone) {
    read.detail = read.kind == Kind::kNotNow
                      ? "Deactivate was answered with the actor in not_now, without a reason"
                      : "Deactivate was answered with actors that it did not end, without a reason";
  }
  const std::int64_t wait = said.retry_after().seconds() * 1'000'000 + said.retry_after().nanos() / 1'000;
  read.retry_after = core::Duration(std::clamp<std::int64_t>(wait, 0, kLongestWait));
  return read;
}

core::Deactivated read_unary_deactivated(const net::CallResult& result, core::ActorId actor) {
  using Kind = core::Deactivated::Kind;
  app::v1::Deactivated said;
  if (result.status == net::GrpcStatus::kOk && said.ParseFromString(result.body)) return read_deactivated(said, actor);
  core::Deactivated read;
  read.detail = "Deactivate was answered with " + status_text(result);
  const bool declined =
      result.status == net::GrpcStatus::kFailedPrecondition || result.status == net::GrpcStatus::kAborted;
  if (!result.from_server) {
    read.kind = result.status == net::GrpcStatus::kDeadlineExceeded ? Kind::kSilent : Kind::kFailed;
    read.detail = "Deactivate: " + result.message;
  } else if (declined) {
    read.kind = actor == 0 ? Kind::kDone : Kind::kNotNow;
  } else if (!is_refusal(result.status) && result.status != net::GrpcStatus::kUnimplemented) {
    // Those count as done, as 4xx does over HTTP: another time would have no more success.
    read.kind = Kind::kFailed;
  }
  return read;
}

Answer read_turn_result(app::v1::TurnResult& result) {
  Answer answer = read_outcome(result);
  answer.deactivate = result.deactivate();
  return answer;
}

Answer read_unary(net::CallResult result, bool control_plane) {
  const bool deactivate = result.trailers.get("ringside-deactivate") == "true";
  Answer answer = read_unary_outcome(std::move(result), control_plane);
  answer.deactivate = answer.deactivate || deactivate;
  return answer;
}

}  // namespace ringside::adapters
