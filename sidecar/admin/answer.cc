#include "sidecar/admin/answer.h"

#include <utility>

namespace ringside::admin {

net::HttpResponse answer(int status, std::string type, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.add("content-type", std::move(type));
  response.headers.add("cache-control", "no-store");
  response.headers.add("x-content-type-options", "nosniff");
  response.body = std::move(body);
  return response;
}

std::string_view path_of(const net::HttpRequest& request) {
  return std::string_view(request.target).substr(0, request.target.find('?'));
}

}  // namespace ringside::admin
