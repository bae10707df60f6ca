// call, apply
#include <chrono>
#include <iterator>

#include "sidecar/cli/commands.h"
#include "sidecar/cli/output.h"
#include "sidecar/config/units.h"
#include "sidecar/wire/text.h"

namespace ringside::cli {
namespace {

using nlohmann::json;

// The sidecar answers by its own deadline; what is longer means that it hangs.
constexpr std::chrono::milliseconds kGrace{5'000};
constexpr std::chrono::hours kLongest{25};

std::string read_all(std::istream& in) {
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string body_of(const CallArguments& arguments, const Terminal& terminal) {
  if (!arguments.body) return "";
  return *arguments.body == "-" ? read_all(terminal.in) : *arguments.body;
}

std::string address_of(const CallArguments& arguments) {
  return "/v1/actors/" + wire::percent_encode(arguments.id, ":");
}

net::Metadata headers_of(const CallArguments& arguments) {
  net::Metadata headers;
  if (!arguments.timeout.empty()) headers.add("ringside-timeout", arguments.timeout);
  if (!arguments.idempotency_key.empty()) headers.add("idempotency-key", arguments.idempotency_key);
  if (arguments.idempotent) headers.add("ringside-idempotent", "true");
  return headers;
}

std::chrono::milliseconds longest(const CallArguments& arguments) {
  const auto timeout = config::parse_duration(arguments.timeout);
  return timeout ? *timeout + kGrace : std::chrono::milliseconds(kLongest);
}

bool applied(const Reply& reply) {
  return reply.kind == Reply::Kind::kAnswered && reply.response.headers.get("ringside-outcome") == "applied";
}

void print_method_answer(const Session& session, const net::HttpResponse& response) {
  if (session.json) {
    json headers = json::object();
    for (const net::Header& header : response.headers) headers[header.name] = header.value;
    json out{{"outcome", "applied"},
             {"owner", response.headers.get("ringside-owner")},
             {"status", response.status},
             {"headers", std::move(headers)}};
    if (wire::is_utf8(response.body)) {
      out["body"] = response.body;
    } else {
      out["body_base64"] = net::encode_bin(response.body);
    }
    session.terminal.out << out.dump(-1, ' ', false, json::error_handler_t::replace) << "\n";
    return;
  }
  session.terminal.out << response.body;
  if (!response.body.empty() && response.body.back() != '\n' && wire::is_utf8(response.body)) {
    session.terminal.out << "\n";
  }
  if (response.status >= 400) session.terminal.err << "ringside: the application answered " << response.status << "\n";
}

// One message, or several, become the batch that the interface takes.
std::string batch(const std::string& text) {
  const json given = json::parse(text, nullptr, false);
  if (given.is_array()) return json{{"messages", given}}.dump();
  if (given.is_object() && given.contains("@type")) return json{{"messages", {given}}}.dump();
  return text;  // what is wrong with it, the sidecar says best
}

}  // namespace

int call(const Session& session, const CallArguments& arguments) {
  net::HttpRequest request;
  request.method = arguments.http_method;
  request.target = address_of(arguments) + "/method/" + wire::percent_encode(arguments.path, "!$&'()*+,;=:@/?%");
  request.headers = headers_of(arguments);
  request.body = body_of(arguments, session.terminal);
  if (!request.body.empty()) {
    const std::string guessed = json::accept(request.body) ? "application/json" : "text/plain; charset=utf-8";
    request.headers.add("content-type", arguments.content_type.empty() ? guessed : arguments.content_type);
  }
  const Reply reply = session.client.request(request, longest(arguments));
  if (!applied(reply)) return explain(reply, session.client, session.json, true, session.terminal);
  print_method_answer(session, reply.response);
  return kApplied;
}

int apply(const Session& session, const CallArguments& arguments) {
  net::HttpRequest request;
  request.method = "POST";
  request.target = address_of(arguments) + "/apply";
  request.headers = headers_of(arguments);
  request.headers.add("content-type", "application/json");
  request.body = batch(body_of(arguments, session.terminal));
  const Reply reply = session.client.request(request, longest(arguments));
  if (!applied(reply)) return explain(reply, session.client, session.json, true, session.terminal);
  if (session.json) {
    session.terminal.out << reply.response.body;
    return kApplied;
  }
  const json result = json::parse(reply.response.body, nullptr, false);
  session.terminal.out << "applied at " << plain(reply.response.headers.get("ringside-owner")) << "\n";
  if (result.is_object() && result.contains("replies") && result["replies"].is_array()) {
    for (const json& one : result["replies"]) session.terminal.out << one.dump() << "\n";
  }
  return kApplied;
}

}  // namespace ringside::cli
