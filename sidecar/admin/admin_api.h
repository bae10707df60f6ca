// The admin listener: /metrics /livez /readyz /status /events /drained and a page at /, and what is told on
// this machine alone (here_only.h). Read only. Loop thread only.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sidecar/admin/here_only.h"
#include "sidecar/admin/metrics.h"
#include "sidecar/admin/public_view.h"
#include "sidecar/events/event_streams.h"
#include "sidecar/net/http_message.h"

namespace ringside::admin {

class AdminApi {
 public:
  // `connections`: as many as the listener may have. Waiting for the end of a drain takes up a part of them, and what
  // one address may take up is a part of that.
  AdminApi(core::Gateway& gateway, Metrics& metrics, events::EventStreams& events, std::size_t connections);

  net::HttpHandler handler();
  // For a connection beyond those: what Kubernetes and Prometheus ask is answered all the same.
  net::HttpHandler handler_when_full();

 private:
  std::optional<net::HttpResponse> probe(std::string_view path) const;
  void serve(const net::HttpRequest& request, net::HttpReply reply) const;
  net::HttpResponse ready() const;
  void tell_events(const net::HttpRequest& request, net::HttpReply reply);
  void drained(const std::string& peer, net::HttpReply reply);
  void forget(const std::string& peer);

  core::Gateway& gateway_;
  PublicView view_;
  HereOnly here_only_;
  Metrics& metrics_;
  events::EventStreams& events_;
  const std::size_t most_waiting_;
  const std::size_t most_of_one_address_;
  std::map<std::string, std::size_t> waiting_;  // for the end of a drain, by address
};

// The page at /: members, shares and counts, as HTML without scripts.
std::string page(const core::HostReader& gateway);

}  // namespace ringside::admin
