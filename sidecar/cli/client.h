// One request after the other to the first local listener that answers. Blocks.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/cli/reply.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/http1/http1_client.h"
#include "sidecar/net/http_message.h"
#include "sidecar/net/resolver.h"
#include "sidecar/net/transport.h"

namespace ringside::cli {

class Client {
 public:
  // Not empty.
  explicit Client(std::vector<net::Endpoint> endpoints);

  Reply request(const net::HttpRequest& request, std::chrono::milliseconds longest);
  Reply get(std::string target) { return request({"GET", std::move(target), {}, {}, {}}, kSoon); }
  // The data of server-sent events: see Feed::read.
  Reply follow(const net::HttpRequest& request, const std::function<bool(std::string_view data)>& on_data);
  Reply post(std::string target, std::string json);

  std::string addresses() const;  // for people

 private:
  static constexpr std::chrono::milliseconds kSoon{10'000};
  Reply try_once(const net::HttpRequest& request, std::chrono::milliseconds longest);

  net::Loop loop_;
  std::shared_ptr<net::Resolver> resolver_;
  std::vector<net::Endpoint> endpoints_;
  std::unique_ptr<net::Http1Client> connection_;
  std::size_t chosen_ = 0;
};

}  // namespace ringside::cli
