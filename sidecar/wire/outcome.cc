#include "sidecar/wire/outcome.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/duration.pb.h>
#include <messages/control_plane.pb.h>

#include "sidecar/base/parse.h"
#include "sidecar/base/text.h"
#include "sidecar/base/utf8.h"
#include "sidecar/core/host_name.h"
#include "sidecar/wire/fields.h"

namespace ringside::wire {
namespace {

using core::Outcome;
using core::Reason;

constexpr std::size_t kMostOfADetail = 1024;
constexpr core::Duration kRetrySoon{50'000};
constexpr core::Duration kRetryAfterOverload{200'000};

// google.rpc.Status {code = 1, message = 2, details = 3: Any(google.rpc.RetryInfo {retry_delay = 1})}: classes of them
// come in no package that we need otherwise.
std::string status_details(const core::Answer& answer) {
  google::protobuf::Duration delay;
  const std::int64_t micros = retry_after(answer).count();
  delay.set_seconds(micros / 1'000'000);
  delay.set_nanos(static_cast<std::int32_t>(micros % 1'000'000 * 1000));
  std::string retry_info;
  append_bytes(retry_info, 1, delay.SerializeAsString());
  google::protobuf::Any detail;
  detail.set_type_url("type.googleapis.com/google.rpc.RetryInfo");
  detail.set_value(retry_info);
  std::string status;
  append_varint(status, 1, static_cast<std::uint64_t>(grpc_status(answer)));
  append_bytes(status, 2, message(answer));
  append_bytes(status, 3, detail.SerializeAsString());
  return status;
}

bool is_any(std::string_view bytes) {
  return each_field(bytes, [](const Field& field) {
    return field.number != google::protobuf::Any::kTypeUrlFieldNumber || !field.has_length() ||
           base::is_utf8(field.bytes);
  });
}

// What a serialized messages.ApplyResult says, without decoding its replies, which may be large. Nothing: it is not
// one.
std::optional<bool> accepted_by(std::string_view result) {
  bool accepted = false;
  const bool whole = each_field(result, [&](const Field& field) {
    if (field.number == messages::ApplyResult::kAcceptedFieldNumber && field.is_varint()) accepted = field.value != 0;
    return field.number != messages::ApplyResult::kRepliesFieldNumber || !field.has_length() || is_any(field.bytes);
  });
  return whole ? std::optional(accepted) : std::nullopt;
}

// Zero where there is none, or none that can be read.
core::Duration read_retry_after(std::string_view text) {
  constexpr std::int64_t kLongest = 3'600'000;
  const std::int64_t wait = base::parse_whole<std::int64_t>(text).value_or(0);
  return std::chrono::milliseconds(std::clamp<std::int64_t>(wait, 0, kLongest));
}

}  // namespace

bool repeatable(Outcome outcome) { return outcome == Outcome::kNotDelivered || outcome == Outcome::kOverloaded; }

core::Duration retry_after(const core::Answer& answer) {
  if (answer.retry_after.count() > 0) return answer.retry_after;
  return answer.outcome == Outcome::kOverloaded ? kRetryAfterOverload : kRetrySoon;
}

net::GrpcStatus grpc_status(const core::Answer& answer) {
  switch (answer.outcome) {
    case Outcome::kApplied:
    case Outcome::kRefused:
      return net::GrpcStatus::kOk;
    case Outcome::kNotDelivered:
      return net::GrpcStatus::kUnavailable;
    case Outcome::kOverloaded:
      return net::GrpcStatus::kResourceExhausted;
    case Outcome::kExpired:
      return net::GrpcStatus::kDeadlineExceeded;
    case Outcome::kInvalid:
      return answer.reason == Reason::kCallLoop ? net::GrpcStatus::kFailedPrecondition
                                                : net::GrpcStatus::kInvalidArgument;
    case Outcome::kUnknown:
      return answer.reason == Reason::kDeadline || answer.reason == Reason::kAppSlow
                 ? net::GrpcStatus::kDeadlineExceeded
                 : net::GrpcStatus::kUnknown;
  }
  return net::GrpcStatus::kUnknown;
}

int http_status(const core::Answer& answer) {
  switch (answer.outcome) {
    case Outcome::kApplied:
      return 200;
    case Outcome::kRefused:
      return 409;
    case Outcome::kNotDelivered:
      return 503;
    case Outcome::kOverloaded:
      return 429;
    case Outcome::kExpired:
      return 504;
    case Outcome::kInvalid:
      switch (answer.reason) {
        case Reason::kForbidden:
          return 403;
        case Reason::kNotFound:
          return 404;
        case Reason::kMethodNotAllowed:
          return 405;
        case Reason::kCallLoop:
          return 409;
        case Reason::kTooLarge:
          return 413;
        case Reason::kBadContentType:
          return 415;
        case Reason::kKeyReused:
          return 422;
        case Reason::kNotServed:
          return 501;
        default:
          return 400;
      }
    case Outcome::kUnknown:
      return 500;  // never 502-504, which gateways repeat
  }
  return 500;
}

std::string message(const core::Answer& answer) {
  std::string text(core::to_string(answer.reason));
  if (!answer.detail.empty()) text += ": " + answer.detail;
  return text;
}

net::Metadata grpc_trailers(const core::Answer& answer) {
  net::Metadata trailers = http_headers(answer);
  if (repeatable(answer.outcome)) {
    trailers.add("grpc-status-details-bin", net::encode_bin(status_details(answer)));
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(answer.retry_after);
    if (wait.count() > 0) trailers.add(std::string(kRetryAfterHeader), std::to_string(wait.count()));
  }
  if (answer.outcome == Outcome::kRefused && !answer.detail.empty()) {
    trailers.add(std::string(kDetailHeader), net::encode_bin(answer.detail.substr(0, kMostOfADetail)));
  }
  return trailers;
}

net::Metadata http_headers(const core::Answer& answer) {
  net::Metadata headers;
  headers.add(std::string(kOutcomeHeader), std::string(core::to_string(answer.outcome)));
  if (answer.outcome != Outcome::kApplied) {
    headers.add(std::string(kReasonHeader), std::string(core::to_string(answer.reason)));
  }
  if (!answer.holder.empty()) headers.add(std::string(kOwnerHeader), answer.holder);
  if (answer.replayed) headers.add(std::string(kReplayedHeader), "true");
  return headers;
}

core::Answer server_refusal(net::Refusal why) {
  switch (why) {
    case net::Refusal::kOversize:
      return core::Answer::failed(Outcome::kInvalid, Reason::kTooLarge);
    case net::Refusal::kOverloaded:
      return core::Answer::failed(Outcome::kOverloaded, Reason::kQueueBytesFull);
    case net::Refusal::kUnserved:
      return core::Answer::failed(Outcome::kInvalid, Reason::kBadContentType);
    case net::Refusal::kForbidden:
      return core::Answer::failed(Outcome::kInvalid, Reason::kForbidden);
    case net::Refusal::kMalformed:
      break;
  }
  return core::Answer::failed(Outcome::kInvalid, Reason::kMalformed);
}

core::Answer read_answer(net::GrpcStatus status, const std::string& status_message, const net::Metadata& trailers,
                         std::string body) {
  core::Answer answer;
  answer.holder = core::canonical_host(trailers.get(kOwnerHeader)).value_or("");
  answer.replayed = trailers.get(kReplayedHeader) == "true";
  answer.retry_after = read_retry_after(trailers.get(kRetryAfterHeader));
  const auto outcome = core::parse_outcome(trailers.get(kOutcomeHeader));
  const auto reason = core::parse_reason(trailers.get(kReasonHeader));
  if (status == net::GrpcStatus::kOk) {
    // The given protocol's own word; a host that knows nothing more says it like this.
    const auto accepted = accepted_by(body);
    if (!accepted) return core::Answer::failed(Outcome::kUnknown, Reason::kPeerError);
    answer.outcome = *accepted ? Outcome::kApplied : Outcome::kRefused;
    answer.reason = *accepted ? Reason::kNone : Reason::kAppRefused;
    answer.result = std::move(body);
    if (!*accepted) {
      if (const auto detail = net::decode_bin(trailers.get(kDetailHeader))) answer.detail = base::told(*detail);
    }
    return answer;
  }
  const bool promised = outcome && *outcome != Outcome::kApplied && *outcome != Outcome::kRefused;
  answer.outcome = promised ? *outcome : Outcome::kUnknown;
  answer.reason = reason.value_or(Reason::kPeerError);
  // Our own hosts send "reason: detail".
  const std::string prefix = std::string(core::to_string(answer.reason)) + ": ";
  answer.detail =
      base::told(status_message.starts_with(prefix) ? status_message.substr(prefix.size()) : status_message);
  if (answer.detail == core::to_string(answer.reason)) answer.detail.clear();
  return answer;
}

}  // namespace ringside::wire
