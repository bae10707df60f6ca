#include "sidecar/admin/admin_api.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "sidecar/admin/answer.h"
#include "sidecar/base/check.h"
#include "sidecar/base/text.h"
#include "sidecar/wire/json_text.h"
#include "sidecar/wire/status_json.h"

namespace ringside::admin {
namespace {

// Of the listener's connections, a quarter may wait for the end of a drain; of these, a quarter from one address.
constexpr std::size_t kPartWaiting = 4;
constexpr std::size_t kPartOfOneAddress = 4;

net::HttpResponse try_later(std::string why) {
  net::HttpResponse response = answer(503, kText, std::move(why));
  response.headers.add("retry-after", "1");
  return response;
}

bool reads(const net::HttpRequest& request) { return request.method == "GET" || request.method == "HEAD"; }

}  // namespace

AdminApi::AdminApi(core::Gateway& gateway, Metrics& metrics, events::EventStreams& events, std::size_t connections)
    : gateway_(gateway),
      view_(gateway),
      here_only_(gateway),
      metrics_(metrics),
      events_(events),
      most_waiting_(std::max<std::size_t>(1, connections / kPartWaiting)),
      most_of_one_address_(std::max<std::size_t>(1, most_waiting_ / kPartOfOneAddress)) {}

net::HttpHandler AdminApi::handler() {
  return [this](const net::HttpRequest& request, net::HttpReply reply) {
    if (reads(request) && path_of(request) == "/drained") return drained(request.peer, std::move(reply));
    if (reads(request) && path_of(request) == "/events") return tell_events(request, std::move(reply));
    if (reads(request) && here_only_.serve(request, reply)) return;
    serve(request, std::move(reply));
  };
}

net::HttpHandler AdminApi::handler_when_full() {
  return [this](const net::HttpRequest& request, net::HttpReply reply) {
    if (auto answered = reads(request) ? probe(path_of(request)) : std::nullopt) return reply(std::move(*answered));
    reply(try_later("too many connections: until one ends, only /livez, /readyz and /metrics are answered\n"));
  };
}

// What must be answered whatever else happens.
std::optional<net::HttpResponse> AdminApi::probe(std::string_view path) const {
  if (path == "/metrics") return answer(200, "text/plain; version=0.0.4; charset=utf-8", metrics_.scrape());
  // This very answer shows that the loop turns; a loop that hangs answers nothing.
  if (path == "/livez") return answer(200, kText, "alive\n");
  if (path == "/readyz") return ready();
  return std::nullopt;
}

void AdminApi::serve(const net::HttpRequest& request, net::HttpReply reply) const {
  if (!reads(request)) {
    net::HttpResponse refusal = answer(405, kText, "the admin listener only shows; see the local listener\n");
    refusal.headers.add("allow", "GET, HEAD");
    return reply(std::move(refusal));
  }
  const std::string_view path = path_of(request);
  if (auto answered = probe(path)) return reply(std::move(*answered));
  net::HttpResponse response;
  if (path == "/status") {
    response = answer(200, "application/json", wire::dump(wire::status_json(view_), 2) + "\n");
  } else if (path == "/") {
    response = answer(200, "text/html; charset=utf-8", page(view_));
    response.headers.add("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'");
  } else {
    response = answer(404, kText,
                      "nothing here; try /metrics /livez /readyz /status /events /drained, and on this machine "
                      "/v1/actors/ID/explain and /v1/top\n");
  }
  reply(std::move(response));
}

net::HttpResponse AdminApi::ready() const {
  const core::Status status = gateway_.status();
  std::string notes;
  for (const core::MemberStatus& member : view_.members()) {
    if (!member.member) notes += base::told("note: " + wire::about_other(member.host, member.problem)) + "\n";
  }
  if (const std::string& problem = status.peer_security.files_problem; !problem.empty()) {
    notes += base::told("note: " + problem) + "\n";
  }
  if (status.not_ready_because.empty()) return answer(200, kText, "ready\n" + notes);
  return answer(503, kText, base::told("not ready: " + status.not_ready_because) + "\n" + notes);
}

// Single actors are told to programs on this machine alone, which is where kubectl port-forward comes from as well.
void AdminApi::tell_events(const net::HttpRequest& request, net::HttpReply reply) {
  const auto query = events::read_event_query(request);
  if (!query) return reply(answer(400, kText, query.error() + "\n"));
  const auto sight = is_here(request) ? events::Sight::kHere : events::Sight::kElsewhere;
  if (!query->follow) return reply(answer(200, "application/json", wire::dump(events_.list(*query, sight)) + "\n"));
  if (const std::string full = events_.why_full(request.peer); !full.empty()) return reply(try_later(full + "\n"));
  events_.follow(*query, sight, request, std::move(reply));
}

// Answers when a drain has ended: an app's preStop hook holds the app alive exactly so long.
void AdminApi::drained(const std::string& peer, net::HttpReply reply) {
  std::size_t all = 0;
  for (const auto& [address, number] : waiting_) all += number;
  const auto own = waiting_.find(peer);
  if (all >= most_waiting_ || (own != waiting_.end() && own->second >= most_of_one_address_)) {
    return reply(try_later("too many requests wait for the end of a drain, at most " + std::to_string(most_waiting_) +
                           ", of which " + std::to_string(most_of_one_address_) +
                           " from one address: end some of them, or ask /status now and then\n"));
  }
  ++waiting_[peer];
  const auto shared = std::make_shared<net::HttpReply>(std::move(reply));
  const core::WatcherId watcher = gateway_.when_drained([this, peer, shared](bool complete) {
    forget(peer);
    (*shared)(complete ? answer(200, kText, "drained\n")
                       : answer(500, kText, "not drained within --drain-timeout; the log names what is left\n"));
  });
  const auto give_up = [this, peer, watcher, weak = std::weak_ptr<net::HttpReply>(shared)] {
    const auto waiting = weak.lock();
    if (!waiting) return;
    forget(peer);
    gateway_.forget(watcher);
    (*waiting)(answer(500, kText, "not drained yet\n"));
  };
  if (shared->input_ended()) return give_up();
  shared->on_input_end(give_up);
}

void AdminApi::forget(const std::string& peer) {
  const auto found = waiting_.find(peer);
  RINGSIDE_CHECK(found != waiting_.end());
  if (--found->second == 0) waiting_.erase(found);
}

}  // namespace ringside::admin
