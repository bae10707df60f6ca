// Server-sent events of one local listener, as they come. Blocks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sidecar/cli/reply.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/http_message.h"
#include "sidecar/net/resolver.h"
#include "sidecar/net/transport.h"

namespace ringside::cli {

class Feed {
 public:
  Feed(net::Loop& loop, std::shared_ptr<net::Resolver> resolver, net::Endpoint endpoint)
      : loop_(loop), resolver_(std::move(resolver)), endpoint_(std::move(endpoint)), transport_(loop) {}

  // Asks, and hands on the data of each event until `on_data` says false: kAnswered, 200. Any other answer is returned
  // whole; kLost: the events have broken off.
  Reply read(const net::HttpRequest& request, const std::function<bool(std::string_view data)>& on_data);

 private:
  Reply connect();
  // More bytes, at the end of `buffer_`; false: there are none any more.
  bool read_more();
  void run_until(const bool& happened);
  Reply answered(const std::string& bytes);

  net::Loop& loop_;
  std::shared_ptr<net::Resolver> resolver_;
  const net::Endpoint endpoint_;
  net::Transport transport_;
  std::string buffer_;
  std::string error_;
};

}  // namespace ringside::cli
