#include "sidecar/wire/apply.h"

#include <google/protobuf/any.pb.h>
#include <messages/control_plane.pb.h>

#include "sidecar/base/checked.h"
#include "sidecar/base/utf8.h"
#include "sidecar/wire/fields.h"
#include "sidecar/wire/invalid.h"
#include "sidecar/wire/method_call.h"
#include "sidecar/wire/outcome.h"

namespace ringside::wire {
namespace {

base::Error<core::Answer> refuse(core::Reason reason, std::string detail) {
  return base::Error(invalid(reason, std::move(detail)));
}

base::Error<core::Answer> not_a_batch() {
  return refuse(core::Reason::kMalformed, "the body is not a serialized messages.ApplyRequest");
}

base::Error<core::Answer> too_large(std::size_t size, std::size_t max_bytes) {
  return refuse(core::Reason::kTooLarge,
                "the call has " + std::to_string(size) + " bytes, and " + std::to_string(max_bytes) + " are the limit");
}

bool is_small_method_call(std::string_view request, std::size_t max_bytes) {
  const auto call = unpack_method_call(request);
  return call && call->body.size() <= max_bytes;
}

constexpr int kId = messages::ApplyRequest::kIdFieldNumber;
constexpr int kMessages = messages::ApplyRequest::kMessagesFieldNumber;

// `number`: which message of the batch.
base::Result<void, core::Answer> check_any(std::string_view any, std::size_t number) {
  std::string_view url;
  bool utf8 = true;
  const bool whole = each_field(any, [&](const Field& field) {
    if (field.number == google::protobuf::Any::kTypeUrlFieldNumber && field.has_length()) {
      url = field.bytes;
      utf8 = utf8 && base::is_utf8(url);
    }
    return true;
  });
  if (!whole) return not_a_batch();
  const std::string which = "message " + std::to_string(number);
  if (url.empty()) return refuse(core::Reason::kBadType, which + " has no type URL");
  // A reader of protobuf gives up on the whole frame that it stands in.
  if (!utf8) return refuse(core::Reason::kBadType, which + " has a type URL that is not UTF-8");
  return {};
}

}  // namespace

std::string write_empty_apply(core::ActorId id) {
  messages::ApplyRequest request;
  request.set_id(id.value());
  return request.SerializeAsString();
}

std::string result_bytes(core::Answer answer) {
  if (const auto* http = std::get_if<core::HttpAnswer>(&answer.result)) return write_method_answer(*http);
  return std::move(base::as<std::string>(answer.result));
}

std::string apply_result(core::Answer answer) {
  const bool applied = answer.outcome == core::Outcome::kApplied;
  std::string bytes = result_bytes(std::move(answer));
  // False is protobuf's default and takes no bytes.
  if (bytes.empty() && applied) append_varint(bytes, messages::ApplyResult::kAcceptedFieldNumber, 1);
  return bytes;
}

void finish_apply(net::ServerCall& call, core::Answer answer) {
  net::Metadata trailers = grpc_trailers(answer);
  if (answer.outcome != core::Outcome::kApplied && answer.outcome != core::Outcome::kRefused) {
    return call.finish(grpc_status(answer), message(answer), std::move(trailers));
  }
  call.reply(apply_result(std::move(answer)), std::move(trailers));
}

base::Result<core::ActorId, core::Answer> check_apply(std::string_view request, std::size_t max_bytes,
                                                      Messages needed) {
  if (request.size() > max_bytes &&
      (request.size() > max_bytes + kMaxMethodEnvelope || !is_small_method_call(request, max_bytes))) {
    return too_large(request.size(), max_bytes);
  }
  core::ActorId id = 0;
  std::size_t messages = 0;
  base::Result<void, core::Answer> checked;
  const bool whole = each_field(request, [&](const Field& field) {
    if (field.number == kId && field.is_varint()) id = core::ActorId(field.value);
    if (field.number == kMessages && field.has_length()) checked = check_any(field.bytes, ++messages);
    return checked.has_value();
  });
  if (!checked) return base::Error(checked.error());
  if (!whole) return not_a_batch();
  if (id == 0) return refuse(core::Reason::kBadId, "an actor id is 1 to 18446744073709551615");
  if (messages == 0 && needed == Messages::kNeeded) {
    return refuse(core::Reason::kNoMessages, "a batch has at least one message");
  }
  if (messages > kMaxMessagesPerBatch) {
    return refuse(core::Reason::kTooManyMessages,
                  "a batch has at most " + std::to_string(kMaxMessagesPerBatch) + " messages");
  }
  return id;
}

base::Result<void, core::Answer> check_size(const core::MethodCall& call, std::size_t max_bytes) {
  if (call.body.size() <= max_bytes && call.batch_size <= max_bytes + kMaxMethodEnvelope) return {};
  return too_large(call.batch_size, max_bytes);
}

base::Result<std::string, core::Answer> check_apply_to(core::ActorId id, std::string request, std::size_t max_bytes) {
  auto in_body = check_apply(request, max_bytes);
  if (!in_body && in_body.error().reason == core::Reason::kBadId) {
    request += write_empty_apply(id);
    in_body = check_apply(request, max_bytes);
  }
  if (!in_body) return base::Error(in_body.error());
  if (*in_body != id) {
    return refuse(core::Reason::kBadId,
                  "the body is for actor " + to_string(*in_body) + ", the address for " + to_string(id));
  }
  return request;
}

}  // namespace ringside::wire
