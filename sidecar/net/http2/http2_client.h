// Requests to one server over one HTTP/2 connection with prior knowledge (h2c), many at a time. Loop thread only.
//
// What waits for the connection, or for one of the streams that the server allows, is sent in its order. A request of
// which the server surely has seen nothing, or which it says that it has not looked at (REFUSED_STREAM, or above the
// last stream of a GOAWAY), goes to the next connection where this one ends; nothing else is ever sent again.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "sidecar/net/answer_room.h"
#include "sidecar/net/http2/http2_link.h"
#include "sidecar/net/http_client.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

struct Http2ClientOptions {
  bool urgent = false;  // before what is not, and by streams that are left to it
  std::size_t max_waiting = 10'000;
  std::size_t max_body = std::size_t{4} << 20;
  std::shared_ptr<AnswerRoom> room;  // for answers that are coming in; null: max_body is their only bound
};

class Http2Client final : public HttpClient {
 public:
  Http2Client(Loop& loop, const Http2Link& link, Http2ClientOptions options);
  ~Http2Client() override;
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;

  RequestId request(const HttpRequest& request, std::optional<Clock::time_point> deadline, Done done) override;
  RequestId request_by(const HttpRequest& request, HttpStart start, Done done) override;
  RequestId request_within(const HttpRequest& request, std::chrono::milliseconds answer, Done done) override;
  bool cancel(RequestId request) override;
  std::string answer_so_far(RequestId request) const override;
  void renew_connections() override {}  // it carries any number of requests
  void close() override;
  bool any_begun() const override;
  std::size_t waiting() const override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ringside::net
