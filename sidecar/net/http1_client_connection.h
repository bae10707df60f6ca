#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <absl/functional/any_invocable.h>

#include "sidecar/net/connector.h"
#include "sidecar/net/http1_client.h"
#include "sidecar/net/http1_reader.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

/// One pooled connection: connects with its first request, carries one request at a time. Loop thread only.
class Http1ClientConnection : public std::enable_shared_from_this<Http1ClientConnection> {
 public:
  /// The outcome of the request, and whether this connection can take another.
  using Done = absl::AnyInvocable<void(HttpResult, bool reusable)>;

  Http1ClientConnection(Loop& loop, const Http1ClientOptions& options);

  /// `bytes` is the whole request.
  void send(std::string bytes, bool head_request, Done done);
  /// Whether it may be used again now: not idle for too long, and not closed by the server (looked at here).
  bool fresh(Clock::time_point now);
  /// Takes no other request.
  void retire() { retired_ = true; }
  /// Not a byte of the current request has been handed to the kernel.
  bool untouched() const { return written_ == 0; }
  /// Ends it; the current request's `done` does not run.
  void abandon();

 private:
  void write();
  void wait_readable();
  void on_readable();
  void advance(Http1Reader<false>::State state);
  void answered();
  void lost(const std::string& why);
  void unreadable();
  void finish(HttpResult result, bool reusable);
  std::chrono::milliseconds allowed_idle(const Metadata& headers) const;

  Loop& loop_;
  const Http1ClientOptions& options_;  // the pool's; it outlives its connections' work
  Connector connector_;
  std::unique_ptr<Transport> transport_;
  Http1Reader<false> reader_;
  std::string out_;
  std::size_t written_ = 0;
  bool head_request_ = false;
  bool over_ = false;
  bool retired_ = false;
  Done done_;
  Clock::time_point idle_until_{};
};

}  // namespace ringside::net
