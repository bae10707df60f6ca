// One turn as an HTTP request, and what its answer means (design of the outcomes: docs/app-contract.md). No I/O.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "adapters/http/app_links.h"
#include "sidecar/base/result.h"
#include "sidecar/core/deactivation.h"
#include "sidecar/core/effects.h"
#include "sidecar/net/http_client.h"
#include "sidecar/wire/apply_json.h"

namespace ringside::adapters {

class TurnExchange {
 public:
  TurnExchange(bool as_json, net::Endpoint app) : as_json_(as_json), links_(std::move(app)) {}

  // What the answer is read by.
  struct Asked {
    bool method_call = false;
    std::string method, target;
    std::string forwarded_host;  // of a method call
    core::CallPtr call;
  };
  struct Written {
    net::HttpRequest request;
    Asked asked;
  };
  // Of JSON: bytes that write() has to make, or read() to read; 0: none.
  std::size_t json_to_write(const core::StartTurn& turn) const;
  static std::size_t json_to_read(const net::HttpResult& result, const Asked& asked);

  // Without the time left. An error: the turn's answer (a batch that cannot be written as JSON, a bad path).
  base::Result<Written, core::Answer> write(const core::StartTurn& turn, const wire::ApplyJson& json) const;

  core::Answer read(net::HttpResult result, const Asked& asked, const wire::ApplyJson& json) const;

 private:
  base::Result<net::HttpRequest, core::Answer> write_batch(core::ActorId id, const std::string& batch,
                                                           const wire::ApplyJson& json) const;
  core::Answer read_result(net::HttpResult result, const Asked& asked, const wire::ApplyJson& json) const;

  bool as_json_;
  AppLinks links_;
};

// What the answer to a deactivation, of one actor or of all, means; `asked` names it for people ("DELETE /actors/42").
core::Deactivated read_deactivation(const std::string& asked, bool all, const net::HttpResult& result);

// Retry-After (RFC 9110 §10.2.3), in seconds or as a date; 0: there is none, or it cannot be read.
core::Duration retry_after(const net::Metadata& headers, std::chrono::system_clock::time_point now);

}  // namespace ringside::adapters
