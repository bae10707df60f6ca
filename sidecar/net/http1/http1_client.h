// HTTP/1.1 to one endpoint over a pool of kept-alive connections. Loop thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "sidecar/net/http1/http1_client_options.h"
#include "sidecar/net/http_client.h"
#include "sidecar/net/http_message.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class Http1Client final : public HttpClient {
 public:
  Http1Client(Loop& loop, Http1ClientOptions options);
  ~Http1Client() override;
  Http1Client(const Http1Client&) = delete;
  Http1Client& operator=(const Http1Client&) = delete;

  RequestId request(const HttpRequest& request, std::optional<Clock::time_point> deadline, Done done) override;
  RequestId request_by(const HttpRequest& request, HttpStart start, Done done) override;
  RequestId request_within(const HttpRequest& request, std::chrono::milliseconds answer, Done done) override;
  bool cancel(RequestId request) override;
  std::string answer_so_far(RequestId request) const override;
  void renew_connections() override;
  void close() override;
  bool any_begun() const override;
  std::size_t waiting() const override;

  std::size_t connections() const;
  const Endpoint& endpoint() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ringside::net
