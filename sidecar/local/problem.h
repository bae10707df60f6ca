// Answers in JSON: results, and problems (RFC 9457) of type urn:ringside:<outcome>.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "sidecar/core/call.h"
#include "sidecar/net/http_message.h"

namespace ringside::local {

net::HttpResponse json_response(int status, const nlohmann::json& body);
net::HttpResponse json_response(int status, std::string body);

// Whatever was not applied: the outcome's status and headers, and a problem that says the same. `more`: members added
// to it, as JSON ("replies":[...]), may be empty.
net::HttpResponse problem(const core::Answer& answer, std::string_view more = {});

// 405, with Allow.
net::HttpResponse method_not_allowed(std::string_view allow);

// What the connection itself refuses (400, 408, 413, 431, 500, 503).
net::HttpResponse shape_error(int status, std::string_view detail);

}  // namespace ringside::local
