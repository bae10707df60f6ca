#include "sidecar/wire/idempotency.h"

#include <string>

#include <messages/control_plane.pb.h>
#include <ringside/http/v1/http.pb.h>

#include "sidecar/core/hash.h"
#include "sidecar/wire/fields.h"
#include "sidecar/wire/method_call.h"

namespace ringside::wire {
namespace {

namespace http = ringside::http::v1;

constexpr std::string_view kResponseType = "/ringside.http.v1.Response";

// Each part with its length, so that no two lists of parts give the same bytes.
void add_part(std::string& bytes, std::string_view part) {
  bytes.append(std::to_string(part.size())).append(":").append(part);
}

std::string asked_for(const http::Request& call) {
  std::string bytes;
  add_part(bytes, call.method());
  std::string_view path = call.path();
  if (path.ends_with('/')) path.remove_suffix(1);
  add_part(bytes, path);
  add_part(bytes, call.query());
  for (const http::Header& header : call.headers()) {
    if (header.name() == "content-type") add_part(bytes, header.value());
  }
  add_part(bytes, call.body());
  return bytes;
}

std::uint64_t not_zero(std::uint64_t hash) { return hash == 0 ? 1 : hash; }

}  // namespace

std::uint64_t fingerprint_of(std::string_view apply_request) {
  if (is_method_call(apply_request)) {
    messages::ApplyRequest batch;
    http::Request call;
    if (batch.ParseFromArray(apply_request.data(), static_cast<int>(apply_request.size())) &&
        call.ParseFromString(batch.messages(0).value())) {
      return not_zero(core::hash_bytes(asked_for(call)));
    }
  }
  return not_zero(core::hash_bytes(apply_request));
}

bool is_passing_status(int status) {
  const bool elsewhere = status / 100 == 3 && status != 303 && status != 304;
  return elsewhere || status == 408 || status == 425 || status == 429 || status >= 500;
}

bool is_passing_answer(std::string_view apply_result) {
  // Most answers are none to a method call, and are not decoded.
  if (apply_result.find(kResponseType) == std::string_view::npos) return false;
  messages::ApplyResult result;
  if (!result.ParseFromArray(apply_result.data(), static_cast<int>(apply_result.size()))) return false;
  for (const google::protobuf::Any& reply : result.replies()) {
    http::Response response;
    if (!reply.type_url().ends_with(kResponseType) || !response.ParseFromString(reply.value())) continue;
    return is_passing_status(static_cast<int>(response.status()));
  }
  return false;
}

}  // namespace ringside::wire
