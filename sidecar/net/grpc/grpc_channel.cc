#include "sidecar/net/grpc/grpc_channel.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <boost/asio/error.hpp>

#include "sidecar/net/backoff.h"
#include "sidecar/net/connector.h"
#include "sidecar/net/deadline_queue.h"
#include "sidecar/net/grpc/channel_call.h"
#include "sidecar/net/http2/http2_client_session.h"
#include "sidecar/net/tls/tls_handshake.h"
#include "sidecar/net/tls/tls_use.h"

namespace ringside::net {

namespace {

constexpr Http2Settings kSettings{
    .stream_window = 4 << 20, .connection_window = 64 << 20, .max_header_list = 64 * 1024};

// A connection that ends sooner than this counts as a failed attempt: no storm against a server that hangs up.
constexpr std::chrono::seconds kShortLife{1};

}  // namespace

class GrpcChannel::Impl final : public CallOwner, public SessionOwner, public std::enable_shared_from_this<Impl> {
 public:
  Impl(Loop& loop, ChannelOptions options)
      : loop_(loop),
        options_(std::move(options)),
        connector_(loop, options_.resolver),
        backoff_(options_.backoff_min, options_.backoff_max, options_.random),
        deadlines_(loop, [this](CallId id) { expire(id); }) {
    if (options_.authority.empty()) {
      options_.authority = options_.endpoint.is_unix() ? "localhost" : options_.endpoint.to_string();
    }
  }

  std::shared_ptr<ChannelCall> make(std::string path, Metadata metadata, const CallOptions& options) {
    const CallId id = ++last_id_;
    return std::make_shared<ChannelCall>(weak_from_this(), id, std::move(path), std::move(metadata), options);
  }

  void start(const std::shared_ptr<ChannelCall>& call) {
    const bool full = calls_.size() >= options_.max_calls || held_ + call->held_bytes() > options_.max_unsent;
    held_ += call->held_bytes();
    calls_[call->id()] = call;
    if (call->due()) deadlines_.add(*call->due(), call->id());
    if (full) {
      CallResult result;
      result.status = GrpcStatus::kResourceExhausted;
      result.message = "too many calls or bytes are waiting for " + options_.endpoint.to_string();
      result.delivery = Delivery::kNotSent;
      return fail_later(call, std::move(result));
    }
    place(call);
  }

  Delivery cancel(CallId id) {
    const auto call = find(id);
    if (!call) return Delivery::kMaybe;
    const Delivery delivery = call->delivery();
    forget(call);
    call->drop();
    serve_waiting();
    return delivery;
  }

  void send(const std::shared_ptr<ChannelCall>& call, std::string_view message) {
    if (call->over()) return;
    const std::size_t before = call->held_bytes();
    if (held_ + message.size() > options_.max_unsent) {
      CallResult result;
      result.status = GrpcStatus::kResourceExhausted;
      result.message = "too many bytes are waiting for " + options_.endpoint.to_string();
      result.delivery = call->delivery();
      return fail_later(call, std::move(result));
    }
    call->send(message);
    held_ += call->held_bytes() - before;
  }

  void drop_all(const std::string& why) {
    const auto keep = shared_from_this();
    stop_connecting();
    current_.reset();
    waiting_.clear();
    const auto sessions = std::exchange(sessions_, {});
    std::vector<std::shared_ptr<ChannelCall>> calls;
    for (const auto& [id, call] : calls_) calls.push_back(call);
    for (const auto& call : calls) {
      CallResult result;
      result.status = GrpcStatus::kUnavailable;
      result.message = options_.endpoint.to_string() + ": " + why;
      result.delivery = call->delivery();
      call->fail(std::move(result));
    }
    for (const auto& session : sessions) session->abort(why);
  }

  void close() {
    closed_ = true;
    stop_connecting();
    deadlines_.clear();
    const auto calls = std::exchange(calls_, {});
    waiting_.clear();
    for (const auto& [id, call] : calls) call->drop();
    const auto sessions = std::exchange(sessions_, {});
    current_.reset();
    for (const auto& session : sessions) session->close("");
  }

  bool any_begun() const {
    return std::any_of(calls_.begin(), calls_.end(), [](const auto& entry) { return entry.second->begun(); });
  }
  bool connected() const { return ready_session() != nullptr; }
  std::size_t open_calls() const { return calls_.size(); }
  std::size_t waiting() const { return waiting_.size(); }
  const Endpoint& endpoint() const { return options_.endpoint; }
  Loop& loop() override { return loop_; }

 private:
  std::shared_ptr<ChannelCall> find(CallId id) const {
    const auto found = calls_.find(id);
    return found == calls_.end() ? nullptr : found->second;
  }

  // On a connection, or waiting for one, or failed because there is none for the moment.
  void place(const std::shared_ptr<ChannelCall>& call) {
    if (must_wait(*call)) return wait(call);
    if (const auto session = session_with_room(); session && session->open(call)) return start_clock(*call);
    if (connecting_ || begin_connecting(*call)) wait(call);
  }

  // Urgent calls first, the others as they were made.
  static std::pair<bool, CallId> place_of(const ChannelCall& call) { return {!call.options().urgent, call.id()}; }
  void wait(const std::shared_ptr<ChannelCall>& call) { waiting_.emplace(place_of(*call), call); }

  void start_clock(ChannelCall& call) {
    if (!call.options().answer_within || call.answer_is_due()) return;
    call.start_clock();
    deadlines_.add(*call.due(), call.id());
  }

  // False: the call has failed instead.
  bool begin_connecting(ChannelCall& call) {
    const bool resting = Clock::now() < rest_until_ && !call.options().connect_now;
    if (sessions_.size() >= options_.max_connections && ready_session()) {
      CallResult full;
      full.status = GrpcStatus::kResourceExhausted;
      full.message = "every stream of " + std::to_string(sessions_.size()) + " connections to " +
                     options_.endpoint.to_string() + " is taken";
      full.delivery = Delivery::kNotSent;
      fail_later(call.shared_from_this(), std::move(full));
      return false;
    }
    if (resting || closed_) {
      CallResult result = last_failure_;
      result.status = GrpcStatus::kUnavailable;
      result.delivery = Delivery::kNotSent;
      fail_later(call.shared_from_this(), std::move(result));
      return false;
    }
    connect();
    return true;
  }

  // Where there may be one connection only, calls wait for its streams.
  bool must_wait(const ChannelCall& call) const {
    if (options_.max_connections > 1 || !current_ || !current_->ready()) return false;
    if (call.options().urgent) return current_->room() == 0;
    return current_->room() <= std::min(options_.reserved_streams, current_->allowed_streams() / 4);
  }

  std::shared_ptr<Http2ClientSession> session_with_room() const {
    if (options_.max_connections == 1) return current_;
    for (const auto& session : sessions_) {
      if (session->room() > 0) return session;
    }
    return nullptr;
  }

  std::shared_ptr<Http2ClientSession> ready_session() const {
    if (current_ && current_->ready()) return current_;
    if (options_.max_connections == 1) return nullptr;
    for (const auto& session : sessions_) {
      if (session->ready()) return session;
    }
    return nullptr;
  }

  void place_waiting() {
    const auto waiting = std::exchange(waiting_, {});
    for (const auto& [rank, call] : waiting) {
      if (!call->over()) place(call);
    }
  }

  // A stream has become free.
  void serve_waiting() {
    while (!waiting_.empty()) {
      const auto session = session_with_room();
      const auto call = waiting_.begin()->second;
      if (!session || !session->ready() || must_wait(*call)) return;
      waiting_.erase(waiting_.begin());
      if (!call->over()) place(call);
    }
  }

  void connect() {
    connecting_ = true;
    connector_.connect(options_.endpoint, options_.connect_timeout, [this](ConnectResult result) {
      const auto keep = shared_from_this();
      if (!result) return connect_failed(result.error());
      result->tune(options_.tcp_silence);
      if (options_.on_transport) options_.on_transport(*result);
      if (options_.tls) return secure(std::move(*result));
      begin_session(std::move(*result));
    });
  }

  void secure(Transport transport) {
    securing_ = std::make_shared<TlsHandshake>(loop_, *options_.tls, std::move(transport), TlsSide::kClient, true);
    securing_->start(options_.connect_timeout, [this](base::Result<Transport, std::string> secured) {
      const auto keep = shared_from_this();
      securing_.reset();
      if (!secured) return connect_failed({secured.error()}, true);
      begin_session(std::move(*secured));
    });
  }

  void begin_session(Transport transport) {
    current_ = std::make_shared<Http2ClientSession>(loop_, std::move(transport), weak_from_this(), options_.authority,
                                                    kSettings);
    sessions_.insert(current_);
    began_ = Clock::now();
    current_->start(options_.connect_timeout);
  }

  // An attempt to connect that is under way comes to nothing.
  void stop_connecting() {
    connector_.cancel();
    securing_.reset();
    connecting_ = false;
  }

  void connect_failed(const ConnectFailure& failure, bool not_spoken = false) {
    connecting_ = false;
    rest();
    last_failure_ = CallResult();
    last_failure_.status = GrpcStatus::kUnavailable;
    last_failure_.message = "connecting to " + options_.endpoint.to_string() + ": " + failure.why;
    last_failure_.delivery = Delivery::kNotSent;
    last_failure_.no_listener = failure.no_listener;
    last_failure_.unresolved = failure.unresolved;
    last_failure_.not_spoken = not_spoken;
    const auto keep = shared_from_this();
    const auto waiting = std::exchange(waiting_, {});
    for (const auto& [rank, call] : waiting) call->fail(last_failure_);
    if (!closed_ && options_.on_disconnected) options_.on_disconnected(last_failure_);
  }

  // Of a connection that stood, and ended before the server had said anything in HTTP/2.
  std::string why_unheard(const Http2ClientSession& session, const std::string& why, error_code ec) const {
    const bool ended_by_server = ec == boost::asio::error::eof || ec == boost::asio::error::connection_reset;
    if (session.going_away() || !ended_by_server) return why.empty() ? "the server hung up" : why;
    std::string found = "it closes connections before it has said anything";
    if (!options_.tls && !options_.tls_setting.empty()) found += ": does it want TLS? (" + options_.tls_setting + ")";
    return found;
  }

  void rest() { rest_until_ = Clock::now() + backoff_.next(); }

  void on_session_ready(Http2ClientSession& session) override {
    if (current_.get() != &session) return;
    connecting_ = false;
    place_waiting();
    if (options_.on_connected) options_.on_connected();
  }

  void on_session_settings() override { serve_waiting(); }

  void on_session_going_away(Http2ClientSession& session) override {
    if (current_.get() != &session) return;
    if (connecting_) return;  // before it was ready: its end will tell
    current_.reset();
    place_waiting();
  }

  void on_session_end(Http2ClientSession& session, const std::string& why, error_code ec) override {
    const auto keep = shared_from_this();
    const bool was_current = current_.get() == &session;
    const bool cut = sessions_.erase(session.shared()) == 0;
    if (cut || (!was_current && session.going_away())) return;
    if (was_current) current_.reset();
    if (was_current && connecting_) {
      // Somebody is there, who does not speak to us: nobody may take that for a host that is gone. One that says GOAWAY
      // only wants no connection now.
      return connect_failed({why_unheard(session, why, ec)}, !session.going_away());
    }
    if (Clock::now() - began_ < kShortLife) {
      rest();
    } else {
      backoff_.reset();
    }
    last_failure_ = CallResult();
    last_failure_.status = GrpcStatus::kUnavailable;
    last_failure_.message = options_.endpoint.to_string() + ": " + (why.empty() ? "the connection was closed" : why);
    last_failure_.reset = true;
    if (closed_) return;
    if (was_current) place_waiting();
    if (options_.on_disconnected) options_.on_disconnected(last_failure_);
  }

  void on_call_over(CallId id, CallResult result) override {
    const auto call = find(id);
    if (!call) return;
    const auto keep = shared_from_this();
    if (!closed_ && call->take_retry()) return place(call);
    forget(call);
    call->deliver(std::move(result));
    serve_waiting();
  }

  void on_bytes_gone(std::size_t bytes) override { held_ -= std::min(held_, bytes); }

  void forget(const std::shared_ptr<ChannelCall>& call) {
    if (call->due()) deadlines_.remove(*call->due(), call->id());
    on_bytes_gone(call->held_bytes());
    calls_.erase(call->id());
    waiting_.erase(place_of(*call));
  }

  void expire(CallId id) {
    const auto call = find(id);
    if (!call || (!call->answer_is_due() && call->begun())) return;
    CallResult result;
    result.status = GrpcStatus::kDeadlineExceeded;
    result.message = "the deadline passed";
    result.delivery = call->delivery();
    call->fail(std::move(result));
  }

  void fail_later(const std::shared_ptr<ChannelCall>& call, CallResult result) {
    loop_.post([call, result = std::move(result)]() mutable { call->fail(std::move(result)); });
  }

  Loop& loop_;
  ChannelOptions options_;
  Connector connector_;
  std::shared_ptr<TlsHandshake> securing_;  // while it is under way
  Backoff backoff_;
  DeadlineQueue<GrpcChannel::CallId> deadlines_;
  absl::flat_hash_map<CallId, std::shared_ptr<ChannelCall>> calls_;
  std::map<std::pair<bool, CallId>, std::shared_ptr<ChannelCall>> waiting_;  // for the connection, or a stream of it
  std::shared_ptr<Http2ClientSession> current_;
  std::set<std::shared_ptr<Http2ClientSession>> sessions_;  // also those that finish their calls after a GOAWAY
  CallResult last_failure_;
  Clock::time_point began_{};
  Clock::time_point rest_until_{};
  std::size_t held_ = 0;
  CallId last_id_ = 0;
  bool connecting_ = false;
  bool closed_ = false;
};

namespace {

template <typename Impl>
class StreamHandle final : public ClientStream {
 public:
  StreamHandle(std::weak_ptr<Impl> channel, std::shared_ptr<ChannelCall> call)
      : channel_(std::move(channel)), call_(std::move(call)) {}
  void send(std::string message) override {
    if (const auto channel = channel_.lock()) channel->send(call_, message);
  }
  void half_close() override { call_->half_close(); }
  std::size_t unsent_bytes() const override { return call_->unsent_bytes(); }
  void cancel() override {
    if (const auto channel = channel_.lock()) channel->cancel(call_->id());
  }

 private:
  std::weak_ptr<Impl> channel_;
  std::shared_ptr<ChannelCall> call_;
};

}  // namespace

GrpcChannel::GrpcChannel(Loop& loop, ChannelOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}

GrpcChannel::~GrpcChannel() { close(); }

GrpcChannel::CallId GrpcChannel::unary(std::string path, Metadata metadata, std::string message, CallOptions options,
                                       Done done) {
  const auto call = impl_->make(std::move(path), std::move(metadata), options);
  call->set_unary(std::move(message), std::move(done));
  impl_->start(call);
  return call->id();
}

std::shared_ptr<ClientStream> GrpcChannel::stream(std::string path, Metadata metadata, CallOptions options,
                                                  StreamHandlers handlers) {
  const auto call = impl_->make(std::move(path), std::move(metadata), options);
  call->set_streaming(std::move(handlers));
  impl_->start(call);
  return std::make_shared<StreamHandle<Impl>>(impl_, call);
}

Delivery GrpcChannel::cancel(CallId call) { return impl_->cancel(call); }
bool GrpcChannel::connected() const { return impl_->connected(); }
bool GrpcChannel::any_begun() const { return impl_->any_begun(); }
std::size_t GrpcChannel::open_calls() const { return impl_->open_calls(); }
std::size_t GrpcChannel::waiting() const { return impl_->waiting(); }
void GrpcChannel::drop_all(const std::string& why) { impl_->drop_all(why); }
void GrpcChannel::close() { impl_->close(); }
const Endpoint& GrpcChannel::endpoint() const { return impl_->endpoint(); }

}  // namespace ringside::net
