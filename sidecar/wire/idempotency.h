// What counts of a request and of its answer where the caller gave an idempotency key.
#pragma once

#include "sidecar/core/call.h"

namespace ringside::wire {

// Sets what the call's request asks for. The fingerprint is never 0: a repeat has the same, another request another one
// (but for chance). Of a method call these count: method, path, query, content type and body; not its other headers,
// which change from one attempt to the next (traceparent, date). The place is its path and query, of a batch none.
void read_what_is_asked(core::Call& call);

// Sets what the answer to a call with a key is to its repeats; nothing where the call has none, or the answer is to a
// batch. It is passing where the app's HTTP status asks to come again (408, 425, 429, 5xx). Where it is a redirect
// (3xx) whose Location is a method of the same actor, `leads_to` is that place: a client follows with the same key.
void read_for_repeats(const core::Call& call, core::Answer& answer);

}  // namespace ringside::wire
