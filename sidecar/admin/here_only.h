// What the admin listener tells of single actors: to clients on this machine alone, which is where kubectl port-forward
// comes from as well (docs/decisions/0024). Loop thread only.
#pragma once

#include <string_view>

#include "sidecar/core/ports.h"
#include "sidecar/net/http_message.h"

namespace ringside::admin {

// A program on this machine, by its address. A page that a browser on it shows is not one, wherever its name leads.
bool is_here(const net::HttpRequest& request);

class HereOnly {
 public:
  explicit HereOnly(core::Gateway& gateway) : gateway_(gateway) {}

  // /v1/actors/{id}/explain, /v1/top. False: it is not one of these, and `reply` is as it was.
  bool serve(const net::HttpRequest& request, net::HttpReply& reply);

 private:
  void tell_top(const net::HttpRequest& request, net::HttpReply& reply);
  void explain(std::string_view segment, net::HttpReply reply);

  core::Gateway& gateway_;
};

}  // namespace ringside::admin
