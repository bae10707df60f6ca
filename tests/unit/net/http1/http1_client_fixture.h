// A pool of connections before a server that says what the test writes.
#pragma once

#include <memory>
#include <string>

#include "sidecar/net/http1/http1_client.h"
#include "tests/unit/net/net_fixture.h"

namespace ringside::net::testing {

inline HttpRequest get(const std::string& target = "/") { return {"GET", target, {}, "", ""}; }

class Http1Pool : public HandServerTest<HttpResult> {
 protected:
  Http1Client& client() {
    if (!client_) {
      options_.endpoint = server_.endpoint();
      client_ = std::make_unique<Http1Client>(loop, options_);
    }
    return *client_;
  }
  std::size_t ask(const HttpRequest& request, std::optional<Clock::time_point> deadline = {}) {
    return begin([&](auto done) { client().request(request, deadline, std::move(done)); });
  }
  bool request_at(RawSocket& socket) {
    return run_until([&socket] { return socket.has("\r\n\r\n"); });
  }
  HttpResult answer(const std::string& response, bool then_close, const HttpRequest& request = get()) {
    const std::size_t index = ask(request);
    const auto socket = accept();
    EXPECT_TRUE(request_at(*socket));
    socket->send(response);
    if (then_close) socket->close();
    return wait(index);
  }

  Http1ClientOptions options_;
  std::unique_ptr<Http1Client> client_;
};

}  // namespace ringside::net::testing
