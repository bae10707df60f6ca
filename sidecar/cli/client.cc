#include "sidecar/cli/client.h"

#include <utility>

#include "sidecar/cli/feed.h"

namespace ringside::cli {
namespace {

constexpr std::size_t kMaxAnswer = std::size_t{256} << 20;

// Most of them name the address themselves.
void add_error(std::string& errors, const net::Endpoint& endpoint, const std::string& error) {
  const std::string address = endpoint.to_string();
  if (!errors.empty()) errors += "; ";
  errors += error.find(address) == std::string::npos ? address + ": " + error : error;
}

}  // namespace

Client::Client(std::vector<net::Endpoint> endpoints)
    : resolver_(std::make_shared<net::Resolver>(loop_, net::ResolverOptions{})), endpoints_(std::move(endpoints)) {}

Reply Client::request(const net::HttpRequest& request, std::chrono::milliseconds longest) {
  if (connection_) return try_once(request, longest);
  Reply reply;
  std::string errors;
  for (chosen_ = 0; chosen_ < endpoints_.size(); ++chosen_) {
    net::Http1ClientOptions options;
    options.endpoint = endpoints_[chosen_];
    options.resolver = resolver_;
    options.host_header = "localhost";
    options.max_body = kMaxAnswer;
    connection_ = std::make_unique<net::Http1Client>(loop_, options);
    reply = try_once(request, longest);
    if (reply.kind != Reply::Kind::kNobody) return reply;
    add_error(errors, endpoints_[chosen_], reply.error);
  }
  connection_.reset();
  reply.error = errors;
  return reply;
}

Reply Client::follow(const net::HttpRequest& request, const std::function<bool(std::string_view data)>& on_data) {
  Reply reply;
  std::string errors;
  for (const net::Endpoint& endpoint : endpoints_) {
    reply = Feed(loop_, resolver_, endpoint).read(request, on_data);
    if (reply.kind != Reply::Kind::kNobody) return reply;
    add_error(errors, endpoint, reply.error);
  }
  reply.error = errors;
  return reply;
}

Reply Client::post(std::string target, std::string json) {
  return request({"POST", std::move(target), {{"content-type", "application/json"}}, std::move(json), {}}, kSoon);
}

Reply Client::try_once(const net::HttpRequest& request, std::chrono::milliseconds longest) {
  std::optional<net::HttpResult> result;
  connection_->request(request, net::Clock::now() + longest, [&](net::HttpResult got) { result = std::move(got); });
  while (!result) loop_.run_once();
  Reply reply;
  reply.error = std::move(result->error);
  reply.response = std::move(result->response);
  reply.kind = result->outcome == net::HttpOutcome::kAnswered  ? Reply::Kind::kAnswered
               : result->outcome == net::HttpOutcome::kNotSent ? Reply::Kind::kNobody
                                                               : Reply::Kind::kLost;
  return reply;
}

std::string Client::addresses() const {
  std::string all;
  for (const net::Endpoint& endpoint : endpoints_) all += (all.empty() ? "" : ", ") + endpoint.to_string();
  return all;
}

}  // namespace ringside::cli
