#include "sidecar/admin/admin_api.h"

#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "sidecar/base/text.h"
#include "sidecar/wire/json_text.h"
#include "sidecar/wire/status_json.h"

namespace ringside::admin {
namespace {

constexpr const char* kText = "text/plain; charset=utf-8";

net::HttpResponse answer(int status, std::string type, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.add("content-type", std::move(type));
  response.headers.add("cache-control", "no-store");
  response.headers.add("x-content-type-options", "nosniff");
  response.body = std::move(body);
  return response;
}

}  // namespace

AdminApi::AdminApi(core::Gateway& gateway, Metrics& metrics) : gateway_(gateway), metrics_(metrics) {}

net::HttpHandler AdminApi::handler() {
  return [this](const net::HttpRequest& request, net::HttpReply reply) { serve(request, std::move(reply)); };
}

void AdminApi::serve(const net::HttpRequest& request, net::HttpReply reply) {
  if (request.method != "GET" && request.method != "HEAD") {
    net::HttpResponse refusal = answer(405, kText, "the admin listener only shows; see the local listener\n");
    refusal.headers.add("allow", "GET, HEAD");
    return reply(std::move(refusal));
  }
  const std::string path = request.target.substr(0, request.target.find('?'));
  if (path == "/drained") return drained(std::move(reply));
  net::HttpResponse response;
  if (path == "/metrics") {
    response = answer(200, "text/plain; version=0.0.4; charset=utf-8", metrics_.scrape());
  } else if (path == "/livez") {
    // This very answer shows that the loop turns; a loop that hangs answers nothing.
    response = answer(200, kText, "alive\n");
  } else if (path == "/readyz") {
    response = ready();
  } else if (path == "/status") {
    response = answer(200, "application/json", wire::dump(wire::status_json(gateway_), 2) + "\n");
  } else if (path == "/") {
    response = answer(200, "text/html; charset=utf-8", page(gateway_));
    response.headers.add("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'");
  } else {
    response = answer(404, kText, "nothing here; try /metrics /livez /readyz /status /drained\n");
  }
  reply(std::move(response));
}

net::HttpResponse AdminApi::ready() const {
  const core::Status status = gateway_.status();
  std::string notes;
  for (const core::MemberStatus& member : gateway_.members()) {
    if (!member.member) notes += base::readable("note: " + wire::about_other(member.host, member.problem)) + "\n";
  }
  if (status.not_ready_because.empty()) return answer(200, kText, "ready\n" + notes);
  return answer(503, kText, base::readable("not ready: " + status.not_ready_because) + "\n" + notes);
}

// Answers when a drain has ended: an app's preStop hook holds the app alive exactly so long.
void AdminApi::drained(net::HttpReply reply) {
  const auto shared = std::make_shared<net::HttpReply>(std::move(reply));
  const core::WatcherId watcher = gateway_.when_drained([shared](bool complete) {
    (*shared)(complete ? answer(200, kText, "drained\n")
                       : answer(500, kText, "not drained within --drain-timeout; the log names what is left\n"));
  });
  const auto give_up = [this, watcher, weak = std::weak_ptr<net::HttpReply>(shared)] {
    const auto waiting = weak.lock();
    gateway_.forget(watcher);
    if (waiting) (*waiting)(answer(500, kText, "not drained yet\n"));
  };
  if (shared->input_ended()) return give_up();
  shared->on_input_end(give_up);
}

}  // namespace ringside::admin
