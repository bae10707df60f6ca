#include "sidecar/wire/call_headers.h"

#include <algorithm>
#include <utility>

#include "sidecar/base/text.h"
#include "sidecar/base/units.h"
#include "sidecar/base/utf8.h"
#include "sidecar/core/chain.h"
#include "sidecar/wire/actor_id.h"
#include "sidecar/wire/idempotency.h"
#include "sidecar/wire/invalid.h"
#include "sidecar/wire/outcome.h"

namespace ringside::wire {
namespace {

constexpr std::size_t kMaxTracestate = 4096;

bool lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Visible ASCII and spaces: what every reader downstream takes, be it a header or a text in protobuf.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

// W3C Trace Context §3.2: version-traceid-parentid-flags; later versions may append more.
bool is_traceparent(std::string_view text) {
  constexpr std::size_t kSize = 55;
  if (text.size() < kSize || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const std::string_view version = text.substr(0, 2);
  const std::string_view trace = text.substr(3, 32);
  const std::string_view parent = text.substr(36, 16);
  if (!lower_hex(version) || !lower_hex(trace) || !lower_hex(parent) || !lower_hex(text.substr(53, 2))) return false;
  if (version == "ff" || (version == "00" && text.size() != kSize)) return false;
  if (text.size() > kSize && (text[kSize] != '-' || text.size() > 256 || !is_plain(text))) return false;
  return trace.find_first_not_of('0') != std::string_view::npos &&
         parent.find_first_not_of('0') != std::string_view::npos;
}

void read_trace(const net::Metadata& headers, core::Call& call) {
  const std::string_view parent = headers.get(kTraceparentHeader);
  if (headers.count(kTraceparentHeader) != 1 || !is_traceparent(parent)) return;
  call.traceparent = std::string(parent);
  for (const net::Header& header : headers) {  // several lines are one list (RFC 9110 §5.3)
    if (header.name != kTracestateHeader || header.value.empty()) continue;
    if (!call.tracestate.empty()) call.tracestate += ',';
    call.tracestate += header.value;
  }
  if (call.tracestate.size() > kMaxTracestate || !is_plain(call.tracestate)) call.tracestate.clear();
}

// A header that was given and cannot be used: `why` goes on after its value, as in "not a duration".
base::Error<core::Answer> not_read(const net::Metadata& headers, std::string_view name, core::Reason reason,
                                   const std::string& why) {
  constexpr std::size_t kMostOfAValue = 60;
  const std::string value(headers.get(name));
  if (headers.count(name) > 1) return base::Error(invalid(reason, std::string(name) + " is given more than once"));
  return base::Error(
      invalid(reason, std::string(name) + ": \"" + base::readable(value, kMostOfAValue) + "\" is " + why));
}

base::Result<void, core::Answer> read_idempotency(const net::Metadata& headers, core::Call& call) {
  const std::string* key = headers.find(kIdempotencyKeyHeader);
  if (key != nullptr) {
    if (headers.count(kIdempotencyKeyHeader) > 1 || key->empty() || key->size() > kMaxIdempotencyKey ||
        !is_plain(*key)) {
      return not_read(headers, kIdempotencyKeyHeader, core::Reason::kMalformed,
                      "not 1 to " + std::to_string(kMaxIdempotencyKey) + " ASCII characters");
    }
    call.idempotency_key = *key;
    read_what_is_asked(call);
  }
  const std::string* idempotent = headers.find(kIdempotentHeader);
  if (idempotent != nullptr) {
    if (*idempotent != "true" && *idempotent != "false") {
      return not_read(headers, kIdempotentHeader, core::Reason::kMalformed, "neither true nor false");
    }
    call.idempotent = *idempotent == "true";
  }
  return {};
}

// The turns that wait for this call, as the app got them with its turn.
base::Result<void, core::Answer> read_chain(const net::Metadata& headers, core::Call& call) {
  const std::string* chain = headers.find(kChainHeader);
  if (chain == nullptr) return {};
  if (headers.count(kChainHeader) > 1 || !core::is_chain(*chain)) {
    return not_read(headers, kChainHeader, core::Reason::kMalformed,
                    "not what a turn comes with: send on the value of the turn's own ringside-chain, unchanged");
  }
  call.chain = *chain;
  return {};
}

// What another host says is checked like a caller's own word.
base::Result<void, core::Answer> check_actor_name(const net::Metadata& metadata) {
  const std::string* encoded = metadata.find(kActorNameHeader);
  if (encoded == nullptr) return {};
  const auto name = net::decode_bin(*encoded);
  if (name && name->size() <= kMaxActorName && base::is_utf8(*name)) return {};
  return base::Error(invalid(core::Reason::kBadId,
                             "ringside-actor-name-bin: UTF-8 of at most " + std::to_string(kMaxActorName) + " bytes"));
}

core::Instant deadline(core::Duration timeout, const TimeoutLimits& limits, core::Instant now) {
  return now + std::min(timeout, limits.longest);
}

base::Result<core::Call, core::Answer> read_rest(const net::Metadata& headers, core::Instant deadline,
                                                 core::Call call) {
  call.deadline = deadline;
  read_trace(headers, call);
  if (const auto read = read_chain(headers, call); !read) return base::Error(read.error());
  if (const auto read = read_idempotency(headers, call); !read) return base::Error(read.error());
  return call;
}

}  // namespace

base::Result<core::Call, core::Answer> read_http_call(const net::Metadata& headers, const TimeoutLimits& limits,
                                                      core::Instant now, core::Call call) {
  core::Duration timeout = limits.fallback;
  if (const std::string* text = headers.find(kTimeoutHeader)) {
    const auto given = base::parse_duration(*text);
    if (!given || given->count() == 0 || headers.count(kTimeoutHeader) > 1) {
      return not_read(headers, kTimeoutHeader, core::Reason::kBadDeadline,
                      "not a duration above zero with a unit, such as 500ms, 30s or 5m");
    }
    timeout = std::chrono::duration_cast<core::Duration>(*given);
  }
  return read_rest(headers, deadline(timeout, limits, now), std::move(call));
}

base::Result<core::Call, core::Answer> read_grpc_call(const net::Metadata& metadata,
                                                      std::optional<core::Duration> time_left,
                                                      const TimeoutLimits& limits, core::Instant now, core::Call call) {
  if (time_left && time_left->count() <= 0) {
    return base::Error(
        core::Answer::failed(core::Outcome::kExpired, core::Reason::kDeadline, "it had passed on arrival"));
  }
  if (const auto checked = check_actor_name(metadata); !checked) return base::Error(checked.error());
  return read_rest(metadata, deadline(time_left.value_or(limits.fallback), limits, now), std::move(call));
}

}  // namespace ringside::wire
