// What counts of a request and of its answer where the caller gave an idempotency key.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringside::wire {

// Of what a serialized messages.ApplyRequest asks for, never 0: a repeat has the same, another request another one (but
// for chance). Of a method call these count: method, path, query, content type and body; not its other headers, which
// change from one attempt to the next (traceparent, date), nor a slash at the end of the path, to which frameworks
// redirect: who repeats the call from the beginning is answered with what the call behind the redirect was answered.
std::uint64_t fingerprint_of(std::string_view apply_request);

// Whether the app's HTTP answer to a method call is not its last word on it: it leads elsewhere (3xx but 303 and
// 304), where the client follows with the same key, or asks to come again (408, 425, 429, 5xx). A repeat with the same
// key asks the app again.
bool is_passing_status(int status);
// The same of a serialized messages.ApplyResult; never of a batch.
bool is_passing_answer(std::string_view apply_result);

}  // namespace ringside::wire
