#include "sidecar/net/connector.h"

#include <string>
#include <utility>
#include <vector>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "sidecar/net/resolver.h"

namespace ringside::net {

class Connector::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(Loop& loop, std::shared_ptr<Resolver> resolver, Done done)
      : loop_(loop), resolver_(std::move(resolver)), done_(std::move(done)), timer_(loop) {}

  void start(const Endpoint& endpoint, std::chrono::milliseconds timeout) {
    timer_.expires_after(timeout);
    timer_.async_wait([weak = weak_from_this()](error_code ec) {
      const auto self = weak.lock();
      if (ec || !self) return;
      self->refused_ = false;
      self->unresolved_ = self->query_.has_value();
      self->finish(nullptr, "timed out");
    });
    if (endpoint.is_literal()) {
      addresses_ = {endpoint};
      boost::asio::post(loop_, [self = shared_from_this()] { self->try_next(); });
    } else if (!resolver_) {
      boost::asio::post(loop_, [self = shared_from_this()] { self->finish(nullptr, "no resolver for a name"); });
    } else {
      query_ = resolver_->resolve(endpoint, [weak = weak_from_this()](ResolveResult result) {
        if (const auto self = weak.lock()) self->resolved(std::move(result));
      });
    }
  }

  void cancel() {
    over_ = true;
    done_ = nullptr;
    stop();
  }

 private:
  void resolved(ResolveResult result) {
    query_.reset();
    unresolved_ = !result.ok;
    if (unresolved_) return finish(nullptr, result.error);
    addresses_ = std::move(result.endpoints);
    try_next();
  }

  void try_next() {
    if (over_) return;
    if (next_ == addresses_.size()) return finish(nullptr, last_error_.empty() ? "no address" : last_error_);
    const auto address = to_socket_address(addresses_[next_++]);
    if (!address) return failed(boost::asio::error::invalid_argument);
    socket_ = std::make_unique<Transport>(loop_);
    error_code ec;
    socket_->socket().open(address->protocol(), ec);
    if (ec) return failed(ec);
    socket_->socket().async_connect(*address, [self = shared_from_this()](error_code connect_ec) {
      if (self->over_) return;
      connect_ec ? self->failed(connect_ec) : self->connected();
    });
  }

  void connected() {
    error_code ec;
    socket_->socket().native_non_blocking(true, ec);
    finish(std::move(socket_), "");
  }

  void failed(error_code ec) {
    // A Unix socket whose file is gone is a process that is gone.
    const bool refused =
        ec == boost::asio::error::connection_refused || ec == boost::system::errc::no_such_file_or_directory;
    refused_ = (next_ == 1 || refused_) && refused;
    last_error_ = ec.message();
    try_next();
  }

  void stop() {
    timer_.cancel();
    if (query_) resolver_->cancel(*std::exchange(query_, std::nullopt));
    if (socket_) socket_->close();
  }

  void finish(std::unique_ptr<Transport> transport, std::string error) {
    if (over_) return;
    over_ = true;
    ConnectResult result;
    result.refused = !transport && refused_;
    result.unresolved = unresolved_;
    result.error = std::move(error);
    result.transport = std::move(transport);
    stop();
    auto done = std::move(done_);
    done(std::move(result));
  }

  Loop& loop_;
  std::shared_ptr<Resolver> resolver_;
  Done done_;
  boost::asio::steady_timer timer_;
  std::optional<Resolver::QueryId> query_;
  std::vector<Endpoint> addresses_;
  std::size_t next_ = 0;
  std::unique_ptr<Transport> socket_;
  std::string last_error_;
  bool refused_ = false;
  bool unresolved_ = false;
  bool over_ = false;
};

Connector::Connector(Loop& loop, std::shared_ptr<Resolver> resolver) : loop_(loop), resolver_(std::move(resolver)) {}

Connector::~Connector() { cancel(); }

void Connector::cancel() {
  if (const auto attempt = std::exchange(attempt_, nullptr)) attempt->cancel();
}

void Connector::connect(const Endpoint& endpoint, std::chrono::milliseconds timeout, Done done) {
  cancel();
  attempt_ = std::make_shared<Attempt>(loop_, resolver_, std::move(done));
  attempt_->start(endpoint, timeout);
}

}  // namespace ringside::net
