// One pooled connection: connects with its first request, carries one request at a time. Loop thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <absl/functional/any_invocable.h>

#include "sidecar/net/connector.h"
#include "sidecar/net/http1/http1_client_options.h"
#include "sidecar/net/http1/http1_reader.h"
#include "sidecar/net/http_client.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class Http1ClientConnection : public std::enable_shared_from_this<Http1ClientConnection> {
 public:
  // The outcome of the request, and whether this connection can take another.
  using Done = absl::AnyInvocable<void(HttpResult, bool reusable)>;
  struct Events {
    // The attempt to connect is over; null: it failed. May abandon this connection.
    std::function<void(Transport*)> connected;
    // Idle, and the server ended it.
    std::function<void(Http1ClientConnection&)> ended;
  };

  Http1ClientConnection(Loop& loop, const Http1ClientOptions& options, Events events);

  // `bytes` is the whole request.
  void send(std::string bytes, bool head_request, Done done);
  // Idle for longer than it may be.
  bool expired(Clock::time_point now) const { return over_ || !transport_ || now >= idle_until_; }
  // The server has not closed it (looked at here).
  bool stands() { return transport_->looks_idle(); }
  Clock::duration idle_for(Clock::time_point now) const { return now - idle_since_; }
  // How long it had been idle when its current request came; nothing: that is its first one.
  std::optional<Clock::duration> reused_after() const { return reused_after_; }
  bool connecting() const { return connecting_; }
  // Takes no other request.
  void retire() { retired_ = true; }
  // Not a byte of the current request has been handed to the kernel.
  bool untouched() const { return written_ == 0; }
  // "its answer had begun (status 200, 312 bytes of its body)"; empty: nothing of it has come.
  std::string answer_so_far() const;
  // Ends it; the current request's `done` does not run.
  void abandon();

 private:
  void write();
  void wait_readable();
  void on_readable();
  void advance(Http1Reader<false>::State state);
  void answered();
  void lost(const std::string& why);
  bool surely_unread() const;
  void unreadable();
  void finish(HttpResult result, bool reusable);
  std::chrono::milliseconds allowed_idle(const Metadata& headers) const;

  Loop& loop_;
  const Http1ClientOptions& options_;  // the pool's; it outlives its connections' work
  Events events_;
  Connector connector_;
  std::unique_ptr<Transport> transport_;
  Http1Reader<false> reader_;
  AnswerRoom::Place room_;
  std::string out_;  // given up once it is written
  std::size_t request_size_ = 0;
  std::size_t written_ = 0;
  std::uint64_t written_before_ = 0;  // by the requests before this one
  std::optional<Clock::duration> reused_after_;
  bool connecting_ = false;
  bool head_request_ = false;
  bool over_ = false;
  bool retired_ = false;
  Done done_;
  Clock::time_point idle_since_{};
  Clock::time_point idle_until_{};
};

}  // namespace ringside::net
