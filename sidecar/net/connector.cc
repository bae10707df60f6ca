#include "sidecar/net/connector.h"

#include <string>
#include <utility>
#include <vector>

#include <boost/asio/error.hpp>
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

error_code last_error() { return error_code(errno, boost::system::system_category()); }

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
    timer_.after(timeout, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->fail({"timed out", false, self->query_.has_value()});
    });
    if (endpoint.is_literal()) {
      addresses_ = {endpoint};
      loop_.post([self = shared_from_this()] { self->try_next(); });
    } else if (!resolver_) {
      loop_.post([self = shared_from_this()] { self->fail({"no resolver for a name"}); });
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
    base::Descriptor socket(::socket(address->protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return failed_at(*address, last_error());
    connect(std::move(socket), *address);
  }

  void connect(base::Descriptor socket, const SocketAddress& address) {
    const auto* name = reinterpret_cast<const sockaddr*>(address.data());
    const bool connected = ::connect(socket.get(), name, static_cast<socklen_t>(address.size())) == 0;
    if (!connected && errno == EAGAIN) return connect_soon(std::move(socket), address);
    if (!connected && errno != EINPROGRESS) return failed_at(address, last_error());
    error_code ec;
    socket_ = Transport::from_fd(loop_, socket.release(), ec);
    if (ec) return failed_at(address, ec);
    if (connected) return finish(std::move(*socket_));
    socket_->wait_writable([self = shared_from_this(), address] {
      if (!self->over_) self->connection_ended(address);
    });
  }

  // A Unix socket connects at once or not at all. Where too many wait to be accepted it says EAGAIN, and nothing tells
  // when there is room again.
  void connect_soon(base::Descriptor socket, const SocketAddress& address) {
    full_.after(kFullBacklogRecheck, [self = shared_from_this(), address, socket = std::move(socket)]() mutable {
      if (!self->over_) self->connect(std::move(socket), address);
    });
  }

  // Well or not.
  void connection_ended(const SocketAddress& address) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_->descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return failed_at(address, error_code(error, boost::system::system_category()));
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
  Timer timer_;
  std::optional<Resolver::QueryId> query_;
  std::vector<Endpoint> addresses_;
  std::size_t next_ = 0;
  std::optional<Transport> socket_;
  std::string last_error_;
  Timer full_;
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
