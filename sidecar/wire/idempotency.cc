#include "sidecar/wire/idempotency.h"

#include <algorithm>
#include <memory>
#include <string>

#include <messages/control_plane.pb.h>
#include <ringside/http/v1/http.pb.h>

#include "sidecar/base/checked.h"
#include "sidecar/core/hash.h"
#include "sidecar/net/metadata.h"
#include "sidecar/net/reference.h"
#include "sidecar/wire/actor_id.h"
#include "sidecar/wire/method_call.h"

namespace ringside::wire {
namespace {

namespace http = ringside::http::v1;

constexpr std::string_view kResponseType = "/ringside.http.v1.Response";
constexpr std::string_view kActors = "/v1/actors/";
constexpr std::string_view kMethod = "/method/";

// Each part with its length, so that no two lists of parts give the same bytes.
void add_part(std::string& bytes, std::string_view part) {
  bytes.append(std::to_string(part.size())).append(":").append(part);
}

template <typename Number>
Number not_zero(Number hash) {
  return hash == 0 ? 1 : hash;
}

core::Place place_of(std::string_view path, std::string_view query) {
  std::string bytes;
  add_part(bytes, path);
  add_part(bytes, query);
  return not_zero(static_cast<core::Place>(core::fingerprint_of(bytes).value()));
}

core::Fingerprint fingerprint_of(const core::MethodCall& call) {
  std::string bytes;
  add_part(bytes, call.method);
  add_part(bytes, call.path);
  add_part(bytes, call.query);
  for (const auto& [name, value] : call.headers) {
    if (name == "content-type") add_part(bytes, value);
  }
  add_part(bytes, call.body);
  return not_zero(core::fingerprint_of(bytes));
}

// Null: the call is not a method call. From a batch it is taken as it stands there, so that all hosts see the same.
std::shared_ptr<const core::MethodCall> method_call_of(const core::Request& request) {
  if (const auto* call = std::get_if<std::shared_ptr<const core::MethodCall>>(&request)) return *call;
  auto unpacked = unpack_method_call(base::as<std::string>(request));
  return unpacked ? std::make_shared<const core::MethodCall>(std::move(*unpacked)) : nullptr;
}

bool is_passing(int status) { return status == 408 || status == 425 || status == 429 || status >= 500; }

std::string_view location_of(const http::Response& response) {
  const auto found = std::find_if(response.headers().begin(), response.headers().end(), [](const http::Header& header) {
    return net::to_lower(header.name()) == "location";
  });
  return found == response.headers().end() ? std::string_view() : std::string_view(found->value());
}

// As the caller follows it from the address of its call.
core::Place place_led_to(std::string_view location, core::ActorId id, const core::MethodCall& from) {
  const net::Reference reference = net::split_reference(location.substr(0, location.find('#')));
  std::string path(kActors);
  path.append(to_string(id)).append(kMethod).append(from.path);
  if (!reference.path.empty()) path = net::resolve_path(path, reference.path);
  if (!path.starts_with(kActors)) return core::kNoPlace;
  const std::string_view rest = std::string_view(path).substr(kActors.size());
  const std::size_t end = std::min(rest.find('/'), rest.size());
  const auto actor = parse_actor(rest.substr(0, end));
  if (!rest.substr(end).starts_with(kMethod) || !actor || actor->id != id) return core::kNoPlace;
  const auto method = normalize_method_path(rest.substr(end + kMethod.size()));
  if (!method) return core::kNoPlace;
  return place_of(*method, reference.rest.empty() ? reference.rest : reference.rest.substr(1));
}

}  // namespace

void read_what_is_asked(core::Call& call) {
  if (const auto method_call = method_call_of(call.request)) {
    call.fingerprint = fingerprint_of(*method_call);
    call.place = place_of(method_call->path, method_call->query);
  } else {
    call.fingerprint = not_zero(core::fingerprint_of(base::as<std::string>(call.request)));
  }
}

void read_for_repeats(const core::Call& call, core::Answer& answer) {
  if (call.idempotency_key.empty() || answer.serialized().find(kResponseType) == std::string::npos) return;
  messages::ApplyResult result;
  if (!result.ParseFromString(answer.serialized())) return;
  for (const google::protobuf::Any& reply : result.replies()) {
    http::Response response;
    if (!reply.type_url().ends_with(kResponseType) || !response.ParseFromString(reply.value())) continue;
    answer.passing = is_passing(static_cast<int>(response.status()));
    const std::string_view location = location_of(response);
    if (response.status() / 100 != 3 || location.empty()) return;
    if (const auto from = method_call_of(call.request)) answer.leads_to = place_led_to(location, call.id, *from);
    return;
  }
}

}  // namespace ringside::wire
