// call, apply, deactivate
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>

#include "sidecar/base/text.h"
#include "sidecar/base/units.h"
#include "sidecar/base/utf8.h"
#include "sidecar/cli/commands.h"
#include "sidecar/cli/output.h"
#include "sidecar/wire/apply.h"
#include "sidecar/wire/apply_json.h"
#include "sidecar/wire/call_headers.h"
#include "sidecar/wire/invalid.h"
#include "sidecar/wire/json_text.h"
#include "sidecar/wire/method_call.h"

namespace ringside::cli {
namespace {

using nlohmann::json;

// The sidecar answers by its own deadline; what is longer means that it hangs.
constexpr std::chrono::milliseconds kGrace{5'000};
constexpr std::chrono::hours kLongest{25};
constexpr int kFailures = 400;  // HTTP statuses from here on

std::string read_all(std::istream& in) {
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Nothing: the file cannot be read, and that was said.
std::optional<std::string> body_of(const BodySource& source, const Terminal& terminal) {
  if (source.kind == BodySource::Kind::kText) return source.text;
  if (source.kind == BodySource::Kind::kInput) return read_all(terminal.in);
  std::ifstream file(source.text, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  std::error_code ignored;
  // A directory opens, but does not read; an empty file leaves a mark on the stream that it is copied to, but no bad
  // one.
  if (!file.is_open() || text.bad() || std::filesystem::is_directory(source.text, ignored)) {
    terminal.err << "ringside: " << base::readable(source.text) << " cannot be read\n";
    return std::nullopt;
  }
  return text.str();
}

net::Metadata headers_of(const CallArguments& arguments) {
  net::Metadata headers;
  if (!arguments.timeout.empty()) headers.add("ringside-timeout", arguments.timeout);
  if (!arguments.idempotency_key.empty()) headers.add("idempotency-key", arguments.idempotency_key);
  if (arguments.idempotent) headers.add("ringside-idempotent", "true");
  return headers;
}

// Refusals of every sidecar are made here: they need none.
base::Result<void, core::Answer> check_headers(const net::Metadata& headers) {
  for (const net::Header& header : headers) {
    if (net::is_header_value(header.value)) continue;
    return base::Error(wire::invalid(core::Reason::kMalformed, header.name + ": no control characters"));
  }
  if (const auto read = wire::read_http_call(headers, {}, {}, core::Call()); !read) return base::Error(read.error());
  return {};
}

base::Result<wire::ActorRef, core::Answer> check_actor(const std::string& id, const net::Metadata& headers) {
  auto actor = parse_id(id);
  if (!actor) return actor;
  if (const auto checked = check_headers(headers); !checked) return base::Error(checked.error());
  return actor;
}

// Lacks only what its body says.
base::Result<net::HttpRequest, core::Answer> start_call(const CallArguments& arguments) {
  net::HttpRequest request;
  const std::string path = base::percent_encode(arguments.path, "!$&'()*+,;=:@/?%");
  request.method = arguments.http_method;
  request.target = address_of(arguments.id) + "/method/" + path;
  request.headers = headers_of(arguments);
  if (!arguments.content_type.empty()) request.headers.add("content-type", arguments.content_type);
  const auto actor = parse_id(arguments.id);
  if (!actor) return base::Error(actor.error());
  if (const auto call = wire::make_method_call(actor->id, request, path); !call) return base::Error(call.error());
  if (const auto checked = check_headers(request.headers); !checked) return base::Error(checked.error());
  return request;
}

// What passes, every sidecar takes that knows the types.
base::Result<void, core::Answer> check_batch(core::ActorId id, const std::string& text) {
  auto batch = wire::ApplyJson().read_request(text);
  if (!batch && batch.error().reason == core::Reason::kBadType) return {};
  if (batch) batch = wire::check_apply_to(id, std::move(*batch), std::numeric_limits<std::size_t>::max());
  if (!batch) return base::Error(batch.error());
  return {};
}

std::chrono::milliseconds longest(const CallArguments& arguments) {
  const auto timeout = base::parse_duration(arguments.timeout);
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
    if (base::is_utf8(response.body)) {
      out["body"] = response.body;
    } else {
      out["body_base64"] = net::encode_bin(response.body);
    }
    session.terminal.out << wire::dump(out) << "\n";
    return;
  }
  session.terminal.out << (session.terminal.out_is_seen ? base::readable_lines(response.body) : response.body);
  if (!response.body.empty() && response.body.back() != '\n' && base::is_utf8(response.body)) {
    session.terminal.out << "\n";
  }
  if (response.status >= kFailures) {
    session.terminal.err << "ringside: the application answered " << response.status << "\n";
  }
}

// One message, or several, become the batch that the interface takes.
std::string batch(const std::string& text) {
  const json given = json::parse(text, nullptr, false);
  if (given.is_array()) return wire::dump(json{{"messages", given}});
  if (given.is_object() && given.contains("@type")) return wire::dump(json{{"messages", {given}}});
  return text;
}

}  // namespace

std::string address_of(const std::string& id) { return "/v1/actors/" + base::percent_encode(id, ":"); }

base::Result<wire::ActorRef, core::Answer> parse_id(const std::string& id) {
  return wire::parse_actor(base::percent_encode(id, ":"));
}

int call(const Session& session, const CallArguments& arguments) {
  auto started = start_call(arguments);
  if (!started) return refuse(started.error(), session.json, session.terminal);
  net::HttpRequest& request = *started;
  auto body = body_of(arguments.body, session.terminal);
  if (!body) return kUsage;
  request.body = std::move(*body);
  if (!request.body.empty() && arguments.content_type.empty()) {
    request.headers.add("content-type", json::accept(request.body) ? "application/json" : "text/plain; charset=utf-8");
  }
  const Reply reply = session.client.request(request, longest(arguments));
  if (!applied(reply)) return explain(reply, session.client, session.json, true, session.terminal);
  print_method_answer(session, reply.response);
  return arguments.fail && reply.response.status >= kFailures ? kRefused : kApplied;
}

int apply(const Session& session, const CallArguments& arguments) {
  net::HttpRequest request;
  request.method = "POST";
  request.target = address_of(arguments.id) + "/apply";
  request.headers = headers_of(arguments);
  request.headers.add("content-type", "application/json");
  const auto actor = check_actor(arguments.id, request.headers);
  if (!actor) return refuse(actor.error(), session.json, session.terminal);
  const auto body = body_of(arguments.body, session.terminal);
  if (!body) return kUsage;
  request.body = batch(*body);
  if (const auto checked = check_batch(actor->id, request.body); !checked) {
    return refuse(checked.error(), session.json, session.terminal);
  }
  const Reply reply = session.client.request(request, longest(arguments));
  if (!applied(reply)) return explain(reply, session.client, session.json, true, session.terminal);
  if (session.json) {
    session.terminal.out << reply.response.body;
    return kApplied;
  }
  const json result = json::parse(reply.response.body, nullptr, false);
  session.terminal.out << "applied at " << base::readable(reply.response.headers.get("ringside-owner")) << "\n";
  if (result.is_object() && result.contains("replies") && result["replies"].is_array()) {
    for (const json& one : result["replies"]) session.terminal.out << wire::dump(one) << "\n";
  }
  return kApplied;
}

int deactivate(const Session& session, const CallArguments& arguments) {
  net::HttpRequest request{"DELETE", address_of(arguments.id), headers_of(arguments), {}, {}};
  const auto actor = check_actor(arguments.id, request.headers);
  if (!actor) return refuse(actor.error(), session.json, session.terminal);
  const Reply reply = session.client.request(request, longest(arguments));
  if (!applied(reply)) return explain(reply, session.client, session.json, true, session.terminal);
  if (session.json) {
    session.terminal.out << reply.response.body << (reply.response.body.ends_with('\n') ? "" : "\n");
    return kApplied;
  }
  const std::string owner = base::readable(reply.response.headers.get("ringside-owner"));
  session.terminal.out << "Actor " << base::readable(arguments.id) << " is not active any more"
                       << (owner.empty() ? "" : " on " + owner) << ".\n";
  return kApplied;
}

}  // namespace ringside::cli
