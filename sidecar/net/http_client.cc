#include "sidecar/net/http_client.h"

#include <algorithm>
#include <utility>

namespace ringside::net {

HttpResult not_sent(std::string error) {
  HttpResult result;
  result.outcome = HttpOutcome::kNotSent;
  result.error = std::move(error);
  return result;
}

bool is_sendable(const HttpRequest& request) {
  return is_token(request.method) && request.target.starts_with('/') && is_header_value(request.target) &&
         request.target.find_first_of(" \t") == std::string::npos;
}

bool is_bodiless(const HttpRequest& request) {
  return request.body.empty() && (request.method == "GET" || request.method == "HEAD");
}

std::string time_left(Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
  return std::to_string(std::max<std::int64_t>(1, left.count())) + "ms";
}

std::string told_answer(int status, std::size_t body_bytes) {
  return "its answer had begun (status " + std::to_string(status) + ", " + std::to_string(body_bytes) +
         " bytes of its body)";
}

}  // namespace ringside::net
