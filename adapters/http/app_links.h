// Where an application's answer points at one of its own actors (Location, Content-Location), the caller is to go
// through Ringside, not past it: an application knows its own address, and /actors/{id}/method/... there; the caller's
// is /v1/actors/{id}/method/... of whichever sidecar it spoke to. Everything else is the application's own affair and
// passes unchanged. No I/O.
#pragma once

#include <string>
#include <string_view>

#include "sidecar/core/call.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/metadata.h"

namespace ringside::adapters {

class AppLinks {
 public:
  explicit AppLinks(net::Endpoint app) : app_(std::move(app)) {}

  // In the headers of the answer to a method call that was asked at `target` (/actors/{id}/method/...). Another host
  // that the application was told of (x-forwarded-host) is its own as well.
  void rewrite(net::Metadata& headers, std::string_view target, std::string_view forwarded_host,
               const core::Call& call) const;

  // One reference (RFC 3986 §4.1), as the caller is to see it.
  std::string for_caller(std::string_view reference, std::string_view target, std::string_view forwarded_host,
                         const core::Call& call) const;

 private:
  bool is_own(std::string_view authority, std::string_view scheme, std::string_view forwarded_host) const;

  net::Endpoint app_;
};

}  // namespace ringside::adapters
