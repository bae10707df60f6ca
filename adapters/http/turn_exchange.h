// One turn as an HTTP request, and what its answer means (design of the outcomes: docs/app-contract.md). No I/O.
#pragma once

#include <optional>

#include "sidecar/core/effects.h"
#include "sidecar/net/http1_client.h"
#include "sidecar/wire/apply_json.h"

namespace ringside::adapters {

class TurnExchange {
 public:
  TurnExchange(const wire::ApplyJson& json, bool as_json) : json_(json), as_json_(as_json) {}

  struct Written {
    net::HttpRequest request;
    bool method_call = false;
  };
  // Nothing: `written` is set; else the turn's answer (a batch that cannot be written as JSON, a bad path).
  // Without the time left.
  std::optional<core::Answer> write(const core::StartTurn& turn, Written& written) const;

  core::Answer read(const net::HttpResult& result, bool method_call) const;

 private:
  core::Answer read_batch_answer(const net::HttpResponse& response) const;
  core::Answer read_applied(const net::HttpResponse& response) const;

  const wire::ApplyJson& json_;
  bool as_json_;
};

}  // namespace ringside::adapters
