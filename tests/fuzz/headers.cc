// What stands in headers and trailers: of callers, peers and apps. An input is a list of lines "name:value".
#include <chrono>
#include <string>

#include "adapters/http/turn_exchange.h"
#include "sidecar/base/check.h"
#include "sidecar/core/chain.h"
#include "sidecar/net/http1/http1_gate.h"
#include "sidecar/wire/call_headers.h"
#include "sidecar/wire/method_call.h"
#include "sidecar/wire/outcome.h"
#include "sidecar/wire/peer_headers.h"
#include "tests/fuzz/target.h"

namespace ringside::fuzz {

void headers(std::string_view input) {
  net::Metadata all;
  for (Input lines(input); !lines.empty();) {
    const std::string_view line = lines.line();
    const std::size_t colon = line.find(':');
    const std::string_view value = colon == std::string_view::npos ? "" : net::trim(line.substr(colon + 1));
    all.add(net::to_lower(line.substr(0, colon)), std::string(value));
    if (const auto sender = wire::read_source(value)) {
      const auto again = wire::read_source(wire::write_source(*sender));
      RINGSIDE_CHECK(again && wire::write_source(*again) == wire::write_source(*sender));
    }
    if (const auto target = wire::read_target(value)) {
      const auto again = wire::read_target(wire::write_target(*target));
      RINGSIDE_CHECK(again && wire::write_target(*again) == wire::write_target(*target));
    }
    wire::read_hops(value);
    if (core::is_chain(value)) {
      RINGSIDE_CHECK(core::chain_depth(value) <= core::kDeepestChain);
      core::chain_path(value, core::ActorId(42), [](core::ActorId) { return std::string(); });
    }
    if (const auto bytes = net::decode_bin(value)) RINGSIDE_CHECK(net::decode_bin(net::encode_bin(*bytes)) == bytes);
  }
  const wire::TimeoutLimits limits{core::Duration(1'000'000), core::Duration(10'000'000)};
  const core::Instant now(core::Duration(1'000'000));
  if (const auto call = wire::read_http_call(all, limits, now, {})) RINGSIDE_CHECK(call->deadline > now);
  if (const auto call = wire::read_grpc_call(all, core::Duration(5), limits, now, {})) {
    RINGSIDE_CHECK(call->deadline > now);
  }
  for (const bool of_request : {false, true}) {
    for (const net::Header& header : wire::end_to_end_headers(all, of_request)) {
      RINGSIDE_CHECK(!net::is_connections_own(header.name));
    }
  }
  net::has_token(all, "connection", "close");
  const core::Answer answer = wire::read_answer(net::GrpcStatus::kUnavailable, "text", all, "");
  wire::message(answer);
  RINGSIDE_CHECK(adapters::retry_after(all, std::chrono::system_clock::time_point()) >= core::Duration(0));
}

}  // namespace ringside::fuzz
