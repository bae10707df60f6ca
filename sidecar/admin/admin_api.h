// The admin listener: /metrics /livez /readyz /status /drained and a page at /. Read only. Loop thread only.
#pragma once

#include <string>

#include "sidecar/admin/metrics.h"
#include "sidecar/net/http_message.h"

namespace ringside::admin {

class AdminApi {
 public:
  AdminApi(core::Gateway& gateway, Metrics& metrics);

  net::HttpHandler handler();

 private:
  void serve(const net::HttpRequest& request, net::HttpReply reply);
  net::HttpResponse ready() const;
  void drained(net::HttpReply reply);

  core::Gateway& gateway_;
  Metrics& metrics_;
};

// The page at /: members, shares and counts, as HTML without scripts.
std::string page(const core::HostReader& gateway);

}  // namespace ringside::admin
