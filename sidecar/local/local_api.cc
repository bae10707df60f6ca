#include "sidecar/local/local_api.h"

#include <utility>

#include "sidecar/base/text.h"
#include "sidecar/base/units.h"
#include "sidecar/local/explain.h"
#include "sidecar/local/guards.h"
#include "sidecar/local/problem.h"
#include "sidecar/local/views.h"
#include "sidecar/net/web_origin.h"
#include "sidecar/wire/actor_id.h"
#include "sidecar/wire/invalid.h"
#include "sidecar/wire/method_call.h"
#include "sidecar/wire/outcome.h"
#include "sidecar/wire/status_json.h"
#include "sidecar/wire/top_json.h"

namespace ringside::local {
namespace {

constexpr std::size_t kActorsPerPage = 1000;
constexpr std::size_t kMaxActorsPerPage = 10'000;
constexpr std::string_view kActors = "/v1/actors/";
constexpr std::string_view kReads = "GET, HEAD";

bool reads(std::string_view method) { return method == "GET" || method == "HEAD"; }

core::Answer not_found() {
  return wire::invalid(core::Reason::kNotFound, "there is nothing at this address; /v1/... is served here");
}

core::Answer bad_content_type() {
  return wire::invalid(core::Reason::kBadContentType,
                       "the content type must be application/json or application/protobuf");
}

// How long the caller would wait, at most.
std::optional<std::chrono::milliseconds> timeout_of(const net::HttpRequest& request) {
  const std::string* timeout = request.headers.find(wire::kTimeoutHeader);
  return timeout == nullptr ? std::nullopt : base::parse_duration(*timeout);
}

// On whose word something is done that was asked for here.
std::string operator_at(const net::HttpRequest& request) { return "operator (" + request.peer + ")"; }

core::Answer malformed(std::string detail) { return wire::invalid(core::Reason::kMalformed, std::move(detail)); }

}  // namespace

// The request's target, taken apart but not decoded.
struct LocalApi::Target {
  explicit Target(std::string_view text)
      : path(text.substr(0, text.find('?'))),
        query(path.size() == text.size() ? std::string_view() : text.substr(path.size() + 1)),
        after_path(text.substr(path.size())) {}
  std::string_view path;
  std::string_view query;
  std::string_view after_path;  // the query with its question mark

  std::optional<std::string> parameter(std::string_view name) const { return base::query_parameter(query, name); }
};

struct LocalApi::Route {
  std::string_view path;
  bool read = false;   // GET, HEAD
  bool write = false;  // POST
  void (*serve)(LocalApi& api, const Target& target, const net::HttpRequest& request, net::HttpReply reply);
  std::vector<std::string_view> parameters = {};  // that its query may have; empty: it is not looked at here

  std::string allow() const {
    std::string methods = read ? std::string(kReads) : std::string();
    if (write) methods += methods.empty() ? "POST" : ", POST";
    return methods;
  }
};

const std::vector<LocalApi::Route>& LocalApi::routes() {
  static const std::vector<Route> kRoutes = {
      {"/v1/actors",
       true,
       false,
       [](LocalApi& api, const Target& target, const net::HttpRequest&, net::HttpReply reply) {
         reply(api.get_actors(target));
       },
       {"limit", "page_token"}},
      {"/v1/members",
       true,
       false,
       [](LocalApi& api, const Target& target, const net::HttpRequest& request, net::HttpReply reply) {
         api.get_members(target, request, std::move(reply));
       },
       {"wait"}},
      {"/v1/ring",
       true,
       false,
       [](LocalApi& api, const Target& target, const net::HttpRequest&, net::HttpReply reply) {
         const bool positions = target.parameter("positions") != "false";
         reply(json_response(200, ring_view(api.gateway_, positions, target.parameter("host"))));
       },
       {"positions", "host"}},
      {"/v1/status", true, false,
       [](LocalApi& api, const Target&, const net::HttpRequest&, net::HttpReply reply) {
         reply(json_response(200, api.status()));
       }},
      {"/v1/drain",
       true,
       true,
       [](LocalApi& api, const Target& target, const net::HttpRequest& request, net::HttpReply reply) {
         api.drain(target, request, std::move(reply));
       },
       {"wait"}},
      {"/v1/uncordon", false, true,
       [](LocalApi& api, const Target&, const net::HttpRequest& request, net::HttpReply reply) {
         api.gateway_.uncordon(operator_at(request));
         reply(json_response(202, api.status()));
       }},
      {"/v1/events", true, false,
       [](LocalApi& api, const Target&, const net::HttpRequest& request, net::HttpReply reply) {
         api.get_events(request, std::move(reply));
       }},
      {"/v1/top", true, false,
       [](LocalApi& api, const Target& target, const net::HttpRequest&, net::HttpReply reply) {
         const auto most = wire::read_top_count(target.query);
         if (!most) return reply(api.refuse(malformed(most.error())));
         reply(json_response(200, wire::top_json(api.gateway_, *most)));
       }},
      {"/v1/config", true, false,
       [](LocalApi& api, const Target&, const net::HttpRequest&, net::HttpReply reply) {
         const LocalOptions& options = api.options_;
         reply(json_response(
             200, config_view(options.settings, api.gateway_.status().host, options.version, options.log_level())));
       }},
      {"/v1/log-level", true, true,
       [](LocalApi& api, const Target&, const net::HttpRequest& request, net::HttpReply reply) {
         if (request.method == "POST") return reply(api.set_log_level(request));
         reply(json_response(200, api.log_level()));
       }},
  };
  return kRoutes;
}

LocalApi::LocalApi(net::Loop& loop, core::Gateway& gateway, wire::JsonWork& json, events::EventStreams& events,
                   LocalOptions options)
    : gateway_(gateway),
      events_(events),
      options_(std::move(options)),
      calls_(gateway, json, options_.calls),
      waiters_(loop, gateway, options_.most_waiting, options_.calls.on_refusal) {}

net::HttpHandler LocalApi::handler() {
  return [this](net::HttpRequest request, net::HttpReply reply) { handle(std::move(request), std::move(reply)); };
}

net::HttpErrorShaper LocalApi::error_shaper() {
  return [this](int status, std::string_view detail) {
    return problem_of_status(status, calls_.refused(connection_refusal(status, detail)));
  };
}

base::Result<void, std::string> LocalApi::check_origin(const std::string& authority, const std::string& peer,
                                                       const net::Metadata& metadata) const {
  return net::check_origin(authority, peer, metadata, options_.allow_hosts);
}

void LocalApi::add_methods(net::MethodTable& table) {
  net::Method apply;
  apply.handler = [this](const std::shared_ptr<net::ServerCall>& call) { calls_.apply(call); };
  apply.max_message = options_.calls.max_message + wire::kMaxMethodEnvelope;
  apply.oversize = apply.malformed = apply.forbidden = net::GrpcStatus::kInvalidArgument;
  apply.refusal = [this](net::Refusal why) { return wire::grpc_trailers(calls_.refused(wire::server_refusal(why))); };
  table.add("/messages.ControlPlane/Apply", std::move(apply));
}

net::HttpResponse LocalApi::method_not_allowed(std::string_view allow) const {
  net::HttpResponse response =
      refuse(wire::invalid(core::Reason::kMethodNotAllowed, "this path allows " + std::string(allow)));
  response.headers.add("allow", std::string(allow));
  return response;
}

void LocalApi::handle(net::HttpRequest request, net::HttpReply reply) {
  if (const auto checked = check_guards(request, options_.allow_hosts); !checked) return reply(refuse(checked.error()));
  const std::string text = request.target;  // outlives the request, which is handed on
  const Target target(text);
  for (const Route& route : routes()) {
    if (route.path != target.path) continue;
    const bool writes = request.method == "POST";
    if (writes ? !route.write : !route.read || !reads(request.method)) return reply(method_not_allowed(route.allow()));
    if (writes && body_type(request) == BodyType::kOther) return reply(refuse(bad_content_type()));
    if (!route.parameters.empty()) {
      if (std::string wrong = base::check_query(target.query, route.parameters); !wrong.empty()) {
        return reply(refuse(malformed(std::move(wrong))));
      }
    }
    return route.serve(*this, target, request, std::move(reply));
  }
  if (net::to_lower(request.headers.get("upgrade")) == "websocket") {
    return reply(refuse(wire::invalid(core::Reason::kNotServed,
                                      "WebSocket is not served here; call a method with an ordinary request")));
  }
  if (target.path.starts_with(kActors)) return handle_actor(target, std::move(request), std::move(reply));
  reply(refuse(not_found()));
}

// /v1/actors/{id}, and below it /apply, /explain, /method/{path}
void LocalApi::handle_actor(const Target& target, net::HttpRequest request, net::HttpReply reply) {
  constexpr std::string_view kMethod = "/method/";
  const std::string_view rest = target.path.substr(kActors.size());
  const std::string_view id = rest.substr(0, rest.find('/'));
  const std::string_view what = rest.substr(id.size());
  const bool look = what.empty();
  const bool apply = what == "/apply";
  const bool explain = what == "/explain";
  if (!look && !apply && !explain && !what.starts_with(kMethod)) return reply(refuse(not_found()));
  const bool deactivate = look && request.method == "DELETE";
  if (look && !deactivate && !reads(request.method)) return reply(method_not_allowed("GET, HEAD, DELETE"));
  if (explain && !reads(request.method)) return reply(method_not_allowed(kReads));
  if (apply && request.method != "POST") return reply(method_not_allowed("POST"));
  if (apply && body_type(request) == BodyType::kOther) return reply(refuse(bad_content_type()));
  const auto actor = wire::parse_actor(id);
  if (!actor) return reply(refuse(actor.error()));
  if (deactivate) return calls_.deactivate(*actor, request, std::move(reply));
  if (look) return reply(look_up(*actor));
  if (explain) return explain_actor(gateway_, *actor, std::move(reply));
  if (apply) return calls_.apply(*actor, std::move(request), std::move(reply));
  const std::string path = std::string(what.substr(kMethod.size())) + std::string(target.after_path);
  calls_.call_method(*actor, path, std::move(request), std::move(reply));
}

net::HttpResponse LocalApi::look_up(const wire::ActorRef& actor) const {
  nlohmann::json place = wire::placement_json(gateway_, gateway_.where(actor.id));
  if (!actor.name.empty()) place["name"] = actor.name;
  net::HttpResponse response = json_response(200, place);
  const auto& owner = place["owner"].get_ref<const std::string&>();
  if (!owner.empty()) response.headers.add(std::string(wire::kOwnerHeader), owner);
  return response;
}

nlohmann::json LocalApi::status() const {
  nlohmann::json status = wire::status_json(gateway_);
  status["version"] = options_.version;
  return status;
}

nlohmann::json LocalApi::members() const {
  nlohmann::json members = wire::members_json(gateway_);
  members["version"] = waiters_.view_version();
  return members;
}

net::HttpResponse LocalApi::get_actors(const Target& target) const {
  std::size_t limit = kActorsPerPage;
  if (const auto text = target.parameter("limit")) {
    const auto number = wire::parse_actor_id(*text);  // of the same form: no sign, no leading zero
    if (!number || number->value() > kMaxActorsPerPage) {
      return refuse(malformed("limit: a whole number from 1 to " + std::to_string(kMaxActorsPerPage)));
    }
    limit = number->value();
  }
  core::ActorId after = 0;
  if (const auto token = target.parameter("page_token"); token && !token->empty()) {
    const auto id = wire::parse_actor_id(*token);
    if (!id) return refuse(malformed("page_token: the next_page_token of an earlier answer"));
    after = *id;
  }
  return json_response(200, actors_view(gateway_, limit, after));
}

void LocalApi::get_members(const Target& target, const net::HttpRequest& request, net::HttpReply reply) {
  const auto answer = [this] { return json_response(200, members()); };
  const auto seen = target.parameter("wait");
  if (!seen || *seen != waiters_.view_version()) return reply(answer());
  const auto longest = timeout_of(request).value_or(options_.longest_wait);
  waiters_.await_view(std::move(reply), std::min(options_.longest_wait, longest), answer);
}

void LocalApi::get_events(const net::HttpRequest& request, net::HttpReply reply) {
  const auto query = events::read_event_query(request);
  if (!query) return reply(refuse(malformed(query.error())));
  if (!query->follow) return reply(json_response(200, events_.list(*query, events::Sight::kHere)));
  const std::string full = events_.why_full(request.peer);
  if (full.empty()) return events_.follow(*query, events::Sight::kHere, request, std::move(reply));
  reply(refuse(core::Answer::failed(core::Outcome::kOverloaded, core::Reason::kTooManyWaiting, full)));
}

nlohmann::json LocalApi::log_level() const {
  return {{"level", options_.log_level()}, {"view_of", gateway_.status().host}};
}

net::HttpResponse LocalApi::set_log_level(const net::HttpRequest& request) const {
  if (body_type(request) != BodyType::kJson) return refuse(bad_content_type());
  if (auto checked = wire::check_json_object(request.body); !checked) return refuse(malformed(checked.error()));
  const auto body = nlohmann::json::parse(request.body, nullptr, false);
  const auto level = body.find("level");
  if (body.size() != 1 || level == body.end() || !level->is_string() ||
      !options_.set_log_level(level->get_ref<const std::string&>())) {
    return refuse(malformed(R"(the body is {"level":"debug"}, or info, warn, error)"));
  }
  return json_response(200, log_level());
}

void LocalApi::drain(const Target& target, const net::HttpRequest& request, net::HttpReply reply) {
  const bool begin = request.method == "POST";
  if (begin) gateway_.drain(operator_at(request));
  const auto answer = [this] { return json_response(200, drain_view(gateway_)); };
  const auto wait = target.parameter("wait");
  if (wait && *wait != "false") return waiters_.await_drain(std::move(reply), timeout_of(request), answer);
  net::HttpResponse now = answer();
  if (begin) now.status = 202;
  reply(std::move(now));
}

}  // namespace ringside::local
