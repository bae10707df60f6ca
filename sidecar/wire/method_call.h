// Method calls: HTTP requests that travel as a batch of one (ringside.http.v1.Request), and their answers, which travel
// as a reply (ringside.http.v1.Response). docs/protocol.md.
//
// Both ends clean what passes: a batch of that type may come from anybody, not only from our own listener.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sidecar/core/call.h"
#include "sidecar/net/http_message.h"

namespace ringside::wire {

// The path below /actors/{id}/method/, still percent-encoded: normalized by RFC 3986 §6.2.2 ("." segments go,
// unreserved characters are decoded). Refused: "..", encoded slashes, backslashes, control characters, broken encoding,
// an empty path. Nothing: `normalized` is set; else the answer for the caller (bad-path).
std::optional<core::Answer> normalize_method_path(std::string_view path, std::string& normalized);

// Headers that go no further: hop-by-hop (RFC 9110 §7.6.1), those that Connection names, Host, Forwarded, framing,
// ringside-*; of a request also those that travel with every call (traceparent, tracestate, idempotency-key).
net::Metadata end_to_end_headers(const net::Metadata& headers, bool of_request);

// At the caller's listener. `path_and_query`: what follows /v1/actors/{id}/method/ in the target. Nothing:
// `apply_request` is a serialized messages.ApplyRequest; else the answer for the caller.
std::optional<core::Answer> write_method_call(core::ActorId id, const net::HttpRequest& request,
                                              std::string_view path_and_query, std::string& apply_request);

// What a method call may weigh as a batch besides its body: path, query and headers, encoded.
inline constexpr std::size_t kMaxMethodEnvelope = 128 * 1024;
// The bytes of its body. Nothing: the batch is not a method call.
std::optional<std::size_t> method_body_size(std::string_view apply_request);

// At the application: whether a batch is a method call, that is one message of that type and no other.
bool is_method_call(std::string_view apply_request);
// Nothing: `request` has method, target (/actors/{id}/method/...), headers and body; else the answer for the caller.
std::optional<core::Answer> read_method_call(const std::string& apply_request, net::HttpRequest& request);

// The application's answer as a serialized messages.ApplyResult, accepted.
std::string write_method_answer(const net::HttpResponse& response);
// Nothing: there is no such reply in the result (the application does not speak HTTP), or it is `malformed`.
std::optional<net::HttpResponse> read_method_answer(const std::string& apply_result, bool& malformed);

}  // namespace ringside::wire
