#include "sidecar/net/connector.h"

#include <string>
#include <utility>
#include <vector>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <netinet/in.h>
#include <sys/socket.h>

#include "sidecar/base/descriptor.h"
#include "sidecar/net/resolver.h"

namespace ringside::net {

namespace {

constexpr std::chrono::milliseconds kFullBacklogRecheck{1};

// "localhost" is two addresses, and many a machine has one of them only: whether it has the loopback address of this
// family. A connection fails with the same error where a machine has no port left for it.
bool has_family(int family) {
  const auto loopback = to_socket_address({family == AF_INET6 ? "::1" : "127.0.0.1", 0, ""});
  const base::Descriptor probe(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe) return errno != EAFNOSUPPORT;
  const auto* name = reinterpret_cast<const sockaddr*>(loopback->data());
  return ::bind(probe.get(), name, static_cast<socklen_t>(loopback->size())) == 0 || errno != EADDRNOTAVAIL;
}

bool says_no_listener(error_code ec) {
  // A Unix socket whose file is gone is a process that is gone.
  return ec == boost::asio::error::connection_refused || ec == boost::system::errc::no_such_file_or_directory;
}

// Nobody can be there: this machine does not speak that family.
bool no_such_family(error_code ec, const SocketAddress& address) {
  if (ec == boost::asio::error::address_family_not_supported) return true;
  return ec == boost::system::errc::address_not_available && address.protocol().family() == AF_INET6 &&
         !has_family(AF_INET6);
}

}  // namespace

class Connector::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(Loop& loop, std::shared_ptr<Resolver> resolver, Done done)
      : loop_(loop), resolver_(std::move(resolver)), done_(std::move(done)), timer_(loop), full_(loop) {}

  void start(const Endpoint& endpoint, std::chrono::milliseconds timeout) {
    timer_.expires_after(timeout);
    timer_.async_wait([weak = weak_from_this()](error_code ec) {
      const auto self = weak.lock();
      if (ec || !self) return;
      self->fail({"timed out", false, self->query_.has_value()});
    });
    if (endpoint.is_literal()) {
      addresses_ = {endpoint};
      boost::asio::post(loop_, [self = shared_from_this()] { self->try_next(); });
    } else if (!resolver_) {
      boost::asio::post(loop_, [self = shared_from_this()] { self->fail({"no resolver for a name"}); });
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
    if (!result) return fail({std::move(result.error().why), false, true});
    addresses_ = std::move(*result);
    try_next();
  }

  void try_next() {
    if (over_) return;
    if (next_ == addresses_.size()) return fail({last_error_.empty() ? "no address" : last_error_, no_listener_});
    const auto address = to_socket_address(addresses_[next_++]);
    if (!address) return failed_at({}, boost::asio::error::invalid_argument);
    socket_ = std::make_unique<Transport>(loop_);
    error_code ec;
    socket_->socket().open(address->protocol(), ec);
    if (ec) return failed_at(*address, ec);
    if (address->protocol().family() == AF_UNIX) return try_unix(*address);
    socket_->socket().async_connect(*address, [self = shared_from_this(), at = *address](error_code connect_ec) {
      if (self->over_) return;
      connect_ec ? self->failed_at(at, connect_ec) : self->connected();
    });
  }

  // A Unix socket connects at once or not at all. Where too many wait to be accepted it says EAGAIN, and nothing tells
  // when there is room again (Asio would take the socket for connected).
  void try_unix(const SocketAddress& address) {
    error_code ec;
    socket_->socket().native_non_blocking(true, ec);
    const auto* name = reinterpret_cast<const sockaddr*>(address.data());
    const int fd = socket_->socket().native_handle();
    if (::connect(fd, name, static_cast<socklen_t>(address.size())) == 0) return connected();
    if (errno != EAGAIN) return failed_at(address, error_code(errno, boost::system::system_category()));
    full_.expires_after(kFullBacklogRecheck);
    full_.async_wait([self = shared_from_this(), address](error_code wait_ec) {
      if (!wait_ec && !self->over_) self->try_unix(address);
    });
  }

  void connected() {
    error_code ec;
    socket_->socket().native_non_blocking(true, ec);
    finish(std::move(*socket_));
  }

  void failed_at(const SocketAddress& address, error_code ec) {
    if (no_such_family(ec, address)) {
      if (last_error_.empty()) last_error_ = ec.message();
    } else {
      no_listener_ = says_no_listener(ec) && !failed_otherwise_;
      failed_otherwise_ = !no_listener_;
      last_error_ = ec.message();
    }
    try_next();
  }

  void stop() {
    timer_.cancel();
    full_.cancel();
    if (query_) resolver_->cancel(*std::exchange(query_, std::nullopt));
    if (socket_) socket_->close();
  }

  void fail(ConnectFailure why) { finish(base::Error(std::move(why))); }

  void finish(ConnectResult result) {
    if (over_) return;
    over_ = true;
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
  boost::asio::steady_timer full_;
  bool no_listener_ = false;
  bool failed_otherwise_ = false;
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
