// Method calls: HTTP requests to one actor. Between hosts, and towards an app that speaks batches, they travel as a
// batch of one (ringside.http.v1.Request), and their answers as a reply (ringside.http.v1.Response). docs/protocol.md.
//
// Both ends clean what passes: a batch of that type may come from anybody, not only from our own listener.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sidecar/base/result.h"
#include "sidecar/core/call.h"
#include "sidecar/net/http_message.h"

namespace ringside::wire {

// The path below /actors/{id}/method/, still percent-encoded: normalized by RFC 3986 §6.2.2 ("." segments go,
// unreserved characters are decoded). Refused: "..", encoded slashes, backslashes, control characters, broken encoding,
// an empty path. The error is the answer for the caller (bad-path).
base::Result<std::string, core::Answer> normalize_method_path(std::string_view path);

// Headers that go no further: hop-by-hop (RFC 9110 §7.6.1), those that Connection names, Host, Forwarded, framing,
// ringside-*; of a request also those that travel with every call (traceparent, tracestate, idempotency-key).
net::Metadata end_to_end_headers(const net::Metadata& headers, bool of_request);

// ---- from and to HTTP ----
// At the caller's listener. `path_and_query`: what follows /v1/actors/{id}/method/ in the target. The body is taken out
// of the request. The error is the answer for the caller (method-not-allowed, bad-path).
base::Result<core::MethodCall, core::Answer> make_method_call(core::ActorId id, net::HttpRequest& request,
                                                              std::string_view path_and_query);
// At the application: /actors/{id}/method/...
net::HttpRequest write_http_request(core::ActorId id, const core::MethodCall& call);
// What the application answers.
core::HttpAnswer make_method_answer(net::HttpResponse response);
// At the caller's listener again: taken out of the answer, where it is one over HTTP. Nothing: it is not, the
// application has answered with messages; an error: it is malformed.
std::optional<base::Result<net::HttpResponse, std::string>> take_method_answer(core::Answer& answer);

// ---- from and to a batch ----
// What a method call may weigh as a batch besides its body: path, query and headers, encoded.
inline constexpr std::size_t kMaxMethodEnvelope = 128 * 1024;

// The serialized messages.ApplyRequest that a call is: for another host, and for an application that speaks batches.
std::string write_batch(const core::Call& call);
// As it stands in a batch. Nothing: the batch is not a method call, that is one message of that type and no other, or
// it is a malformed one.
std::optional<core::MethodCall> unpack_method_call(std::string_view batch);
// The same, cleaned. Nothing: the batch is not a method call; an error: the answer for the caller (malformed,
// bad-path).
std::optional<base::Result<core::MethodCall, core::Answer>> read_method_call(std::string_view batch);

// The application's answer as a serialized messages.ApplyResult, accepted.
std::string write_method_answer(const core::HttpAnswer& answer);

}  // namespace ringside::wire
