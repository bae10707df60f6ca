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

// What the connection itself refuses (400, 408, 413, 429, 431, 500, 503): what that means, and the answer with that
// status.
core::Answer connection_refusal(int status, std::string_view detail);
net::HttpResponse problem_of_status(int status, const core::Answer& answer);

}  // namespace ringside::local
