#include "sidecar/net/listener/listener.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sidecar/base/checked.h"
#include "sidecar/base/descriptor.h"
#include "sidecar/net/http1/http1_session.h"
#include "sidecar/net/http2/http2_server_session.h"
#include "sidecar/net/listener/connection_slots.h"
#include "sidecar/net/listener/listen_socket.h"
#include "sidecar/net/listener/sniffer.h"
#include "sidecar/net/listener/tls_accept.h"

namespace ringside::net {

namespace {

constexpr std::size_t kAcceptsPerIteration = 32;
// One in this many of the slots is given to new connections in one iteration: each is heard before it may have to make
// room.
constexpr std::size_t kPartAccepted = 4;
constexpr std::size_t kBacklogAtMost = 4096;
// Out of descriptors: the backlog stays readable, so waiting for it would spin.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::size_t kDefaultSlots = 10'000;
// Who is refused is told so, this many at once; what comes beside them is closed.
constexpr std::size_t kRefusalsAtOnce = 8;
constexpr std::chrono::milliseconds kRefusal{1'000};
constexpr std::chrono::seconds kWordEvery{1};  // to on_incident; on_full hears of each
constexpr std::string_view kTooMany = "too many connections";
constexpr std::size_t kDefaultTotal = std::size_t{256} << 20;

constexpr std::string_view kSpeaksTls =
    "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 47\r\nconnection: close\r\n\r\n"
    "This port speaks gRPC over TLS (HTTP/2) only.\r\n";
constexpr std::string_view kSpeaksGrpc =
    "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 38\r\nconnection: close\r\n\r\n"
    "This port speaks gRPC (HTTP/2) only.\r\n";
// An empty SETTINGS frame, then GOAWAY with HTTP_1_1_REQUIRED (RFC 9113 §6.8).
constexpr std::string_view kSpeaksHttp1(
    "\0\0\0\x04\0\0\0\0\0"
    "\0\0\x08\x07\0\0\0\0\0"
    "\0\0\0\0\0\0\0\x0d",
    26);
// The same with ENHANCE_YOUR_CALM, and words for a person: no stream of this connection was or will be served.
constexpr std::string_view kCalmDown(
    "\0\0\0\x04\0\0\0\0\0"
    "\0\0\x1c\x07\0\0\0\0\0"
    "\0\0\0\0\0\0\0\x0b"
    "too many connections",
    46);

}  // namespace

class Listener::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Loop& loop, ListenerOptions options)
      : loop_(loop),
        options_(std::move(options)),
        readable_(loop),
        pause_(loop),
        drain_timer_(loop),
        yields_(options_.yields ? options_.yields : std::make_shared<YieldOrder>()),
        slots_(options_.slots ? options_.slots : std::make_shared<Budget>(kDefaultSlots), yields_) {
    if (options_.http1) {
      http1_refusing_ = refusing(*options_.http1);
      http1_ = std::make_shared<const Http1Options>(*options_.http1);
      http1_total_ = http1_->total ? http1_->total : std::make_shared<Budget>(kDefaultTotal);
    }
    if (options_.http2) {
      http2_ = std::make_shared<const Http2Options>(*options_.http2);
      http2_total_ = http2_->total ? http2_->total : std::make_shared<Budget>(kDefaultTotal);
    }
  }

  base::Result<void, std::string> open() {
    auto socket = open_listen_socket(options_.address);
    if (!socket) return base::Error(socket.error());
    acceptor_ = std::move(socket->descriptor);
    RINGSIDE_CHECK(readable_.open(acceptor_.get()));
    bound_ = std::move(socket->bound);
    return {};
  }

  void start() {
    readable_.wait_readable([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->accept();
    });
  }

  void drain(std::chrono::milliseconds bound, absl::AnyInvocable<void(std::size_t)> done) {
    draining_ = true;
    if (acceptor_) accept_pending(kBacklogAtMost);  // closing would reset what already connected
    stop_accepting();
    drained_ = std::move(done);
    drain_timer_.after(bound, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self) self->finish_drain();
    });
    for (const auto& connection : all()) connection->drain();
    check_drained();
  }

  void close() {
    stop_accepting();
    drain_timer_.cancel();
    drained_ = nullptr;
    close_all();
  }

  const Endpoint& local_address() const { return bound_; }
  std::size_t connections() const { return connections_.size(); }

 private:
  using Id = ConnectionSlots::Id;

  void accept() {
    if (accept_pending(std::clamp<std::size_t>(slots_.limit() / kPartAccepted, 1, kAcceptsPerIteration))) {
      full_ = false;
      return start();
    }
    if (!std::exchange(full_, true) && options_.on_incident) {
      options_.on_incident("out of file descriptors: accepting pauses until some are free", "");
    }
    pause_.after(kAcceptPause, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && self->acceptor_) self->accept();
    });
  }

  // False when there is no room for another descriptor.
  bool accept_pending(std::size_t most) {
    for (std::size_t i = 0; i < most; ++i) {
      base::Descriptor fd(::accept4(acceptor_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (fd) {
        admit(std::move(fd));
        continue;
      }
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return false;
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        readable_.read_all();
        break;
      }
    }
    return true;
  }

  void admit(base::Descriptor fd) {
    error_code ec;
    Transport transport = Transport::from_fd(loop_, fd.release(), ec);
    if (ec) return;
    transport.tune(options_.tcp_silence);
    const Id id = ++last_id_;
    const ConnectionSlots::Client client = client_of(transport);
    const bool admitted = slots_.take(id, client, transport.peer_address());
    if (!admitted) {
      if (options_.on_full) options_.on_full();
      if (options_.on_incident && Clock::now() >= next_word_) {
        next_word_ = Clock::now() + kWordEvery;
        options_.on_incident(kTooMany, transport.peer_address());
      }
      // A refusal would cost a handshake under TLS.
      if (options_.tls && !options_.tls->plaintext_too) return;
      if (refused_.size() >= kRefusalsAtOnce && !yields_refused_->free_slot()) return;
    }
    const auto place = std::make_shared<YieldOrder::Place>(admitted ? yields_ : yields_refused_,
                                                           transport.peer_address(), [weak = weak_from_this(), id] {
                                                             if (const auto self = weak.lock()) self->drop(id);
                                                           });
    if (client != ConnectionSlots::Client::kKnown || !admitted) place->wait(YieldOrder::Wait::kSilent);
    if (!admitted) refused_.insert(id);
    if (admitted && options_.tls) {
      accept_tls(id, place, std::move(transport), client == ConnectionSlots::Client::kKnown);
    } else {
      sniff(id, place, std::move(transport));
    }
  }

  void accept_tls(Id id, const std::shared_ptr<YieldOrder::Place>& place, Transport transport, bool known) {
    const auto accept = std::make_shared<TlsAccept>(
        loop_, *options_.tls, std::move(transport), known, options_.sniff_timeout,
        [weak = weak_from_this(), id, place](Transport decided) {
          if (const auto self = weak.lock()) self->sniff(id, place, std::move(decided));
        },
        end_before_service(id, place));
    connections_[id] = accept;
    accept->start();
    if (draining_) accept->drain();
  }

  void sniff(Id id, const std::shared_ptr<YieldOrder::Place>& place, Transport transport) {
    const auto sniffer = std::make_shared<Sniffer>(
        loop_, std::move(transport), refused_.contains(id) ? kRefusal : options_.sniff_timeout,
        [weak = weak_from_this(), id, place](Transport decided, bool http2, const std::string& read) {
          if (const auto self = weak.lock()) self->serve(id, place, std::move(decided), http2, read);
        },
        end_before_service(id, place));
    connections_[id] = sniffer;
    sniffer->start();
    if (draining_) sniffer->drain();
  }

  ConnectionEnd end_before_service(Id id, const std::shared_ptr<YieldOrder::Place>& place) {
    return [end = end_of(id, ""), place](std::string_view incident) mutable {
      place->stop();
      end(incident);
    };
  }

  ConnectionSlots::Client client_of(const Transport& transport) const {
    using Client = ConnectionSlots::Client;
    if (!http2_ || !http2_->is_known) return Client::kAny;
    return http2_->is_known(transport.peer_address()) ? Client::kKnown : Client::kStranger;
  }

  // Makes room for another one.
  void drop(Id id) {
    const auto dropped = base::at(connections_, id);
    dropped->close_now();
    forget(id);
  }

  void forget(Id id) {
    if (connections_.erase(id) != 0 && refused_.erase(id) == 0) slots_.give_back(id);
  }

  void serve(Id id, const std::shared_ptr<YieldOrder::Place>& place, Transport transport, bool http2,
             const std::string& read) {
    const std::string peer = options_.on_incident ? transport.peer_address() : std::string();
    if (refused_.contains(id)) return refuse(id, place, std::move(transport), http2, read);
    if (options_.tls && !options_.tls->plaintext_too && transport.secured() == nullptr) {
      place->stop();
      // A gRPC client that hears a GOAWAY tries again until its deadline; one that hears nothing says so at once.
      return say_farewell(id, std::move(transport), peer, http2 ? "" : kSpeaksTls);
    }
    if (!http2 && http1_) return serve_http1(id, http1_, place, std::move(transport), read);
    if (http2 && http2_) {
      const auto session = std::make_shared<Http2ServerSession>(loop_, std::move(transport), http2_, http2_total_,
                                                                place, end_of(id, peer));
      connections_[id] = session;
      session->start(read);
      if (draining_) session->drain();
      return;
    }
    say_farewell(id, std::move(transport), peer, http2 ? kSpeaksHttp1 : kSpeaksGrpc);
  }

  void say_farewell(Id id, Transport transport, const std::string& peer, std::string_view words) {
    const auto farewell = std::make_shared<FarewellConnection>(loop_, std::move(transport), end_of(id, peer));
    connections_[id] = farewell;
    farewell->start(words);
  }

  void serve_http1(Id id, const std::shared_ptr<const Http1Options>& how, std::shared_ptr<YieldOrder::Place> place,
                   Transport transport, const std::string& read) {
    const std::string peer = options_.on_incident ? transport.peer_address() : std::string();
    const auto session = std::make_shared<Http1Session>(loop_, std::move(transport), how, http1_total_,
                                                        std::move(place), end_of(id, peer));
    connections_[id] = session;
    session->start(read);
    // One for which there is no slot gets one answer, and that is its end.
    if (draining_ || refused_.contains(id)) session->drain();
  }

  void refuse(Id id, const std::shared_ptr<YieldOrder::Place>& place, Transport transport, bool http2,
              const std::string& read) {
    if (!http2 && http1_refusing_) return serve_http1(id, http1_refusing_, place, std::move(transport), read);
    place->stop();
    say_farewell(id, std::move(transport), "", http2 ? kCalmDown : kSpeaksGrpc);
  }

  // Serves what is always served, and says to all else that there are too many.
  static std::shared_ptr<const Http1Options> refusing(const Http1Options& served) {
    Http1Options options = served;
    options.header_timeout = options.body_timeout = options.idle_timeout = options.write_timeout = kRefusal;
    options.handler = served.when_full;
    if (options.handler) return std::make_shared<const Http1Options>(std::move(options));
    options.handler = [shape = served.shape_error](const HttpRequest&, HttpReply reply) {
      HttpResponse response;
      if (shape) {
        response = shape(429, kTooMany);
      } else {
        response.status = 429;
        response.headers.add("content-type", "text/plain; charset=utf-8");
        response.body = std::string(kTooMany) + "\n";
      }
      reply(std::move(response));
    };
    return std::make_shared<const Http1Options>(std::move(options));
  }

  ConnectionEnd end_of(Id id, std::string peer) {
    return [weak = weak_from_this(), id, peer = std::move(peer)](std::string_view incident) {
      const auto self = weak.lock();
      if (!self) return;
      // In the next loop iteration: the connection is still at work further up the stack.
      self->loop_.post([weak, id] {
        const auto later = weak.lock();
        if (!later) return;
        later->forget(id);
        later->check_drained();
      });
      if (!incident.empty() && self->options_.on_incident) self->options_.on_incident(incident, peer);
    };
  }

  std::vector<std::shared_ptr<Connection>> all() const {
    std::vector<std::shared_ptr<Connection>> connections;
    for (const auto& [id, connection] : connections_) connections.push_back(connection);
    return connections;
  }

  void close_all() {
    for (const auto& connection : all()) connection->close_now();
    while (!connections_.empty()) forget(connections_.begin()->first);
  }

  void stop_accepting() {
    pause_.cancel();
    if (!acceptor_) return;
    readable_.close();
    acceptor_ = base::Descriptor();
    if (bound_.is_unix()) ::unlink(bound_.unix_path.c_str());
  }

  void check_drained() {
    if (drained_ && connections_.empty()) finish_drain();
  }

  void finish_drain() {
    drain_timer_.cancel();
    const std::size_t cut = connections_.size();
    close_all();
    if (auto done = std::exchange(drained_, nullptr)) {
      loop_.post([cut, done = std::move(done)]() mutable { done(cut); });
    }
  }

  Loop& loop_;
  const ListenerOptions options_;
  std::shared_ptr<const Http1Options> http1_;
  std::shared_ptr<const Http1Options> http1_refusing_;
  std::shared_ptr<const Http2Options> http2_;
  std::shared_ptr<Budget> http1_total_;
  std::shared_ptr<Budget> http2_total_;
  base::Descriptor acceptor_;
  loop::Readiness readable_;
  Timer pause_;
  bool full_ = false;  // told of already
  Timer drain_timer_;
  Endpoint bound_;
  absl::flat_hash_map<Id, std::shared_ptr<Connection>> connections_;
  std::set<Id> refused_;  // have no slot
  std::shared_ptr<YieldOrder> yields_;
  const std::shared_ptr<YieldOrder> yields_refused_ = std::make_shared<YieldOrder>();
  ConnectionSlots slots_;
  Clock::time_point next_word_{};
  Id last_id_ = 0;
  bool draining_ = false;
  absl::AnyInvocable<void(std::size_t)> drained_;
};

Listener::Listener(Loop& loop, ListenerOptions options) : impl_(std::make_shared<Impl>(loop, std::move(options))) {}
Listener::~Listener() { close(); }
base::Result<void, std::string> Listener::open() { return impl_->open(); }
void Listener::start() { impl_->start(); }
const Endpoint& Listener::local_address() const { return impl_->local_address(); }
std::size_t Listener::connections() const { return impl_->connections(); }
void Listener::drain(std::chrono::milliseconds bound, absl::AnyInvocable<void(std::size_t cut)> done) {
  impl_->drain(bound, std::move(done));
}
void Listener::close() { impl_->close(); }

}  // namespace ringside::net
