#include "sidecar/net/http2/http2_client.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nghttp2/nghttp2.h>

#include "sidecar/base/parse.h"
#include "sidecar/net/connector.h"
#include "sidecar/net/deadline_queue.h"
#include "sidecar/net/http2/http2_client_session.h"

namespace ringside::net {

namespace {

constexpr std::chrono::seconds kSilence{20};
// A server that refuses a request on so many connections in turn will do so on the next one.
constexpr int kMostAttempts = 3;

std::string authority_of(const Endpoint& endpoint) { return endpoint.is_unix() ? "localhost" : endpoint.to_string(); }

HttpResult not_sent(std::string error) {
  HttpResult result;
  result.outcome = HttpOutcome::kNotSent;
  result.error = std::move(error);
  return result;
}

class Exchange;

// Whose requests they are.
class ExchangeOwner {
 public:
  virtual ~ExchangeOwner() = default;
  virtual void on_opened(HttpClient::RequestId id) = 0;
  virtual void on_over(HttpClient::RequestId id, HttpResult result) = 0;
};

// What exchanges ask of the link.
class ExchangeLink {
 public:
  virtual ~ExchangeLink() = default;
  // Onto the connection, or among those that wait.
  virtual void place(const std::shared_ptr<Exchange>& exchange) = 0;
  virtual void withdraw(const Exchange& exchange) = 0;
  virtual void stream_is_free() = 0;
};

// One request and its answer.
class Exchange final : public SessionStream, public std::enable_shared_from_this<Exchange> {
 public:
  struct Terms {
    std::optional<HttpStart> start;
    std::size_t max_body = 0;
    std::size_t max_header = 0;
    bool urgent = false;
    std::shared_ptr<AnswerRoom> room;
  };

  Exchange(std::weak_ptr<ExchangeOwner> owner, std::weak_ptr<ExchangeLink> link, HttpClient::RequestId id,
           const HttpRequest& request, Terms terms)
      : owner_(std::move(owner)), link_(std::move(link)), id_(id), request_(request), terms_(std::move(terms)) {
    if (!is_bodiless(request_)) length_ = std::to_string(request_.body.size());
  }

  bool urgent() const { return terms_.urgent; }
  bool over() const { return over_; }
  // Not a byte of it has been handed to the kernel.
  bool untouched() const { return !headers_sent_; }
  bool is_open() const { return stream_ != 0; }
  std::uint64_t rank() const { return rank_; }
  void set_rank(std::uint64_t rank) { rank_ = rank; }
  std::string answer_so_far() const { return status_ == 0 ? "" : told_answer(status_, response_.body.size()); }

  void add_headers(HeaderList& headers, std::string& timeout) const override {
    headers.add(":method", request_.method);
    headers.add(":path", request_.target);
    for (const Header& header : request_.headers) {
      if (is_connections_own(header.name) || !is_token(header.name) || !is_header_value(header.value)) continue;
      headers.add(header.name, header.value);
    }
    if (terms_.start && !terms_.start->time_left_header.empty()) {
      timeout = time_left(terms_.start->by);
      headers.add(terms_.start->time_left_header, timeout);
    }
    if (!length_.empty()) headers.add("content-length", length_);
  }
  bool has_body() const override { return !request_.body.empty(); }

  void opened(const std::shared_ptr<Http2ClientSession>& session, std::int32_t stream) override {
    session_ = session;
    stream_ = stream;
    if (const auto owner = owner_.lock()) owner->on_opened(id_);
  }

  ssize_t read_body(std::uint8_t* to, std::size_t size, std::uint32_t* flags) override {
    if (over_) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t part = std::min(size, request_.body.size() - sent_);
    std::memcpy(to, request_.body.data() + sent_, part);
    sent_ += part;
    if (sent_ == request_.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(part);
  }

  void on_headers_sent() override {
    headers_sent_ = true;
    if (const auto session = session_.lock()) written_before_ = session->bytes_written();
  }

  void on_header(std::string_view name, std::string_view value) override {
    if (over_ || headers_seen_) return;  // trailers say nothing here
    header_bytes_ += list_size(name, value);
    if (header_bytes_ > terms_.max_header) {
      return too_large("the headers are larger than the limit of " + std::to_string(terms_.max_header) + " bytes");
    }
    if (name == ":status") {
      status_ = base::parse_whole<int>(value).value_or(0);
    } else if (!name.starts_with(':')) {
      response_.headers.add(std::string(name), std::string(value));
    }
  }

  void on_headers_end(bool end_stream) override {
    if (over_) return;
    if (status_ / 100 == 1 && !end_stream) {
      response_.headers = Metadata();
      header_bytes_ = 0;
      status_ = 0;
      return;
    }
    headers_seen_ = true;
    if (end_stream) return on_end();
    const auto session = session_.lock();
    if (session && !std::exchange(answer_begun_, true)) session->answer_begun();
  }

  void on_data(std::string_view bytes) override {
    if (over_) return;
    if (response_.body.size() + bytes.size() > terms_.max_body) {
      return too_large("the body is larger than the limit of " + std::to_string(terms_.max_body) + " bytes");
    }
    response_.body.append(bytes);
    unconsumed_ += bytes.size();
    if (response_.body.size() > AnswerRoom::kSmall && terms_.room) {
      if (!place_) {
        place_.emplace(terms_.room, [this] { give_window(); });
        place_->may_read(1);
      }
      place_->hold(bytes.size(), response_.body.capacity());
    }
    give_window();
  }
  bool has_own_window() const override { return true; }

  void on_end() override {
    if (over_) return;
    HttpResult result;
    result.outcome = HttpOutcome::kAnswered;
    result.response = std::move(response_);
    result.response.status = status_;
    answered_ = true;
    finish(std::move(result));
  }

  void on_going_away() override {}

  void on_closed(std::uint32_t error, bool going_away) override {
    if (over_) return;
    part_from_session();
    const bool refused = error == NGHTTP2_REFUSED_STREAM || untouched();
    if (refused && going_away) return try_again("the server goes away");
    if (refused) {
      HttpResult result = not_sent("the server refused the stream");
      result.overloaded = true;
      return finish(std::move(result));
    }
    HttpResult result;
    result.malformed = error == NGHTTP2_PROTOCOL_ERROR;
    result.error = result.malformed ? "the answer is not valid HTTP/2"
                                    : std::string("the server reset the stream: ") + nghttp2_http2_strerror(error);
    finish(std::move(result));
  }

  void on_connection_lost(const ConnectionLoss& loss) override {
    if (over_) return;
    part_from_session();
    if (untouched()) return try_again(loss.why.empty() ? "the connection ended" : loss.why);
    // The server's end of the connection says up to which byte it had received: nothing of this request.
    if (status_ == 0 && loss.received && *loss.received <= written_before_) {
      return finish(not_sent("the server closed the connection before the request had come"));
    }
    HttpResult lost;
    lost.error = loss.why.empty() ? "the server closed the connection" : loss.why;
    finish(std::move(lost));
  }

  void finish(HttpResult result) {
    if (over_) return;
    leave();
    if (const auto owner = owner_.lock()) owner->on_over(id_, std::move(result));
    if (const auto link = link_.lock()) link->stream_is_free();
  }

  // Ends it without a result.
  void drop() {
    if (over_) return;
    leave();
    if (const auto link = link_.lock()) link->stream_is_free();
  }

 private:
  void leave() {
    over_ = true;
    place_.reset();
    if (const auto link = link_.lock()) link->withdraw(*this);
    const auto session = part_from_session();
    const bool ended = answered_ && sent_ == request_.body.size();
    if (session && stream_ != 0) session->forget(stream_, !ended);
  }

  std::shared_ptr<Http2ClientSession> part_from_session() {
    auto session = std::exchange(session_, {}).lock();
    if (session && std::exchange(answer_begun_, false)) session->answer_over();
    return session;
  }

  void try_again(std::string_view why) {
    stream_ = 0;
    if (++attempts_ >= kMostAttempts) {
      return finish(
          not_sent("it was refused on " + std::to_string(attempts_) + " connections in turn: " + std::string(why)));
    }
    sent_ = 0;
    headers_sent_ = headers_seen_ = false;
    status_ = 0;
    header_bytes_ = 0;
    response_ = HttpResponse();
    if (const auto link = link_.lock()) link->place(shared_from_this());
  }

  void too_large(const std::string& what) {
    HttpResult result;
    result.too_large = true;
    result.error = "of the answer, " + what;
    finish(std::move(result));
  }

  // As much as there is room for; the rest when others have ended.
  void give_window() {
    const auto session = session_.lock();
    if (!session || unconsumed_ == 0 || (place_ && place_->may_read(unconsumed_) == 0)) return;
    session->consume_stream(stream_, std::exchange(unconsumed_, 0));
  }

  const std::weak_ptr<ExchangeOwner> owner_;
  const std::weak_ptr<ExchangeLink> link_;
  const HttpClient::RequestId id_;
  const HttpRequest request_;
  const Terms terms_;
  std::string length_;  // Content-Length; empty: none
  std::uint64_t rank_ = 0;
  std::weak_ptr<Http2ClientSession> session_;
  std::int32_t stream_ = 0;
  std::size_t sent_ = 0;  // of the body
  std::uint64_t written_before_ = 0;
  int attempts_ = 0;
  int status_ = 0;
  HttpResponse response_;
  std::size_t header_bytes_ = 0;
  std::size_t unconsumed_ = 0;  // bytes of the window that have not been given back
  std::optional<AnswerRoom::Place> place_;
  bool headers_sent_ = false;
  bool headers_seen_ = false;
  bool answer_begun_ = false;  // and the session knows
  bool answered_ = false;
  bool over_ = false;
};

}  // namespace

class Http2Link::Impl final : public ExchangeLink, public SessionOwner, public std::enable_shared_from_this<Impl> {
 public:
  Impl(Loop& loop, Http2LinkOptions options)
      : loop_(loop), options_(std::move(options)), connector_(loop, options_.resolver), handshake_(loop) {}

  std::size_t max_header() const { return options_.max_header; }

  void place(const std::shared_ptr<Exchange>& exchange) override {
    if (exchange->rank() == 0) exchange->set_rank(++last_rank_);
    if (!closed_ && has_room_for(*exchange) && current_->open(exchange)) return;
    waiting_.emplace(place_of(*exchange), exchange);
    if (!current_ && !connecting_ && !closed_) connect();
  }

  void withdraw(const Exchange& exchange) override { waiting_.erase(place_of(exchange)); }

  void stream_is_free() override {
    while (!waiting_.empty() && has_room_for(*waiting_.begin()->second)) {
      const auto exchange = waiting_.begin()->second;
      waiting_.erase(waiting_.begin());
      place(exchange);
    }
  }

  void close() {
    closed_ = true;
    stop_connecting();
    waiting_.clear();
    current_.reset();
    for (const auto& session : std::exchange(sessions_, {})) session->close("");
  }

 private:
  // Urgent ones first, the others as they were made.
  static std::pair<bool, std::uint64_t> place_of(const Exchange& exchange) {
    return {!exchange.urgent(), exchange.rank()};
  }

  bool has_room_for(const Exchange& exchange) const {
    if (!current_ || !current_->ready()) return false;
    const std::size_t left_free =
        exchange.urgent() ? 0 : std::min(options_.reserved_streams, current_->allowed_streams() / 4);
    return current_->room() > left_free;
  }

  void connect() {
    connecting_ = true;
    connector_.connect(options_.endpoint, options_.connect_timeout, [this](ConnectResult result) {
      const auto keep = shared_from_this();
      if (!result) return connect_failed(result.error().why, result.error().no_listener);
      result->tune(kSilence);
      if (options_.on_connected) options_.on_connected(*result);
      if (!closed_) begin_session(std::move(*result));
    });
  }

  void begin_session(Transport transport) {
    // Small, as whatever a stream's window allows comes unasked; answers beyond it come as there is room for them.
    Http2Settings settings;
    settings.stream_window = 64 * 1024;
    settings.connection_window = 64 << 20;
    settings.max_header_list = options_.max_header;
    current_ = std::make_shared<Http2ClientSession>(loop_, std::move(transport), weak_from_this(),
                                                    authority_of(options_.endpoint), settings);
    sessions_.insert(current_);
    handshake_.expires_after(options_.connect_timeout);
    handshake_.async_wait([weak = weak_from_this(), session = std::weak_ptr(current_)](error_code ec) {
      const auto self = weak.lock();
      const auto late = session.lock();
      if (!ec && self && late && self->connecting_ && self->current_ == late) late->close("no SETTINGS in time");
    });
    current_->begin("");
  }

  void stop_connecting() {
    connector_.cancel();
    handshake_.cancel();
    connecting_ = false;
  }

  void connect_failed(const std::string& why, bool no_listener) {
    connecting_ = false;
    HttpResult failed = not_sent("connecting to " + options_.endpoint.to_string() + ": " + why);
    failed.no_listener = no_listener;
    const auto keep = shared_from_this();
    const auto waiting = std::exchange(waiting_, {});
    for (const auto& [place, exchange] : waiting) exchange->finish(failed);
  }

  void on_session_ready(Http2ClientSession& session) override {
    if (current_.get() != &session) return;
    handshake_.cancel();
    connecting_ = false;
    stream_is_free();
  }

  void on_session_settings() override { stream_is_free(); }

  void on_session_going_away(Http2ClientSession& session) override {
    if (current_.get() != &session || connecting_) return;  // before it was ready: its end will tell
    current_.reset();
    if (!waiting_.empty() && !closed_) connect();
  }

  void on_session_end(Http2ClientSession& session, const std::string& why, error_code ec) override {
    const auto keep = shared_from_this();
    const bool was_current = current_.get() == &session;
    sessions_.erase(session.shared());
    if (!was_current || closed_) return;
    current_.reset();
    if (connecting_) {
      handshake_.cancel();
      const bool ended = ec == boost::asio::error::eof || ec == boost::asio::error::connection_reset;
      return connect_failed("it does not speak HTTP/2 with prior knowledge (h2c): " +
                                (ended || why.empty() ? "it closed the connection before it had said so" : why),
                            false);
    }
    if (options_.on_lost) options_.on_lost();
    if (!waiting_.empty() && !connecting_ && !current_ && !closed_) connect();
  }

  Loop& loop_;
  const Http2LinkOptions options_;
  Connector connector_;
  boost::asio::steady_timer handshake_;
  std::map<std::pair<bool, std::uint64_t>, std::shared_ptr<Exchange>> waiting_;
  std::shared_ptr<Http2ClientSession> current_;
  std::set<std::shared_ptr<Http2ClientSession>> sessions_;  // also those that finish their requests after a GOAWAY
  std::uint64_t last_rank_ = 0;
  bool connecting_ = false;
  bool closed_ = false;
};

Http2Link::Http2Link(Loop& loop, Http2LinkOptions options) : impl_(std::make_shared<Impl>(loop, std::move(options))) {}
Http2Link::~Http2Link() { impl_->close(); }

class Http2Client::Impl final : public ExchangeOwner, public std::enable_shared_from_this<Impl> {
 public:
  struct Limits {
    std::optional<Clock::time_point> deadline;
    std::optional<HttpStart> start;
    std::optional<Clock::duration> answer_within;
  };

  Impl(Loop& loop, std::shared_ptr<Http2Link::Impl> link, Http2ClientOptions options)
      : loop_(loop),
        link_(std::move(link)),
        options_(std::move(options)),
        deadlines_(loop, [this](RequestId id) { expire(id); }) {}

  RequestId request(const HttpRequest& request, Limits limits, Done done) {
    const RequestId id = ++last_id_;
    Pending pending;
    pending.deadline = limits.start ? limits.start->by : limits.deadline;
    pending.answer_within = limits.answer_within;
    pending.only_begin = limits.start.has_value();
    pending.done = std::move(done);
    pending.exchange = std::make_shared<Exchange>(weak_from_this(), link_, id, request,
                                                  Exchange::Terms{std::move(limits.start), options_.max_body,
                                                                  link_->max_header(), options_.urgent, options_.room});
    const auto exchange = pending.exchange;
    const auto due = pending.deadline;
    requests_.emplace(id, std::move(pending));
    const bool full = waiting_ >= options_.max_waiting;
    ++waiting_;
    if (!is_sendable(request) || full || closed_) {
      HttpResult refused = not_sent(!is_sendable(request) ? "the request cannot be written as HTTP"
                                    : full                ? "too many requests are waiting"
                                                          : "closed");
      refused.overloaded = full && is_sendable(request);
      boost::asio::post(loop_,
                        [exchange, refused = std::move(refused)]() mutable { exchange->finish(std::move(refused)); });
      return id;
    }
    if (due) deadlines_.add(*due, id);
    link_->place(exchange);
    return id;
  }

  bool cancel(RequestId id) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return false;
    const auto exchange = found->second.exchange;
    const bool untouched = exchange->untouched();
    forget(id);
    exchange->drop();
    return untouched;
  }

  std::string answer_so_far(RequestId id) const {
    const auto found = requests_.find(id);
    return found == requests_.end() ? "" : found->second.exchange->answer_so_far();
  }

  void close() {
    closed_ = true;
    deadlines_.clear();
    waiting_ = 0;
    for (auto& [id, pending] : std::exchange(requests_, {})) pending.exchange->drop();
  }

  bool any_begun() const {
    return std::any_of(requests_.begin(), requests_.end(),
                       [](const auto& entry) { return !entry.second.exchange->untouched(); });
  }
  std::size_t waiting() const { return waiting_; }

 private:
  struct Pending {
    std::shared_ptr<Exchange> exchange;
    std::optional<Clock::time_point> deadline;
    bool only_begin = false;  // the deadline is that of the beginning
    std::optional<Clock::duration> answer_within;
    Done done;
    bool waits = true;
  };

  void on_opened(RequestId id) override {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    Pending& pending = found->second;
    if (std::exchange(pending.waits, false)) --waiting_;
    if (!pending.answer_within || pending.deadline) return;
    pending.deadline = Clock::now() + *pending.answer_within;
    deadlines_.add(*pending.deadline, id);
  }

  void on_over(RequestId id, HttpResult result) override {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    const auto keep = shared_from_this();
    auto done = std::move(found->second.done);
    forget(id);
    done(std::move(result));
  }

  void forget(RequestId id) {
    const auto found = requests_.find(id);
    if (found->second.deadline) deadlines_.remove(*found->second.deadline, id);
    if (found->second.waits) --waiting_;
    requests_.erase(found);
  }

  void expire(RequestId id) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    const auto exchange = found->second.exchange;
    found->second.deadline.reset();
    if (found->second.only_begin && !exchange->untouched()) return;
    HttpResult result;
    result.timed_out = true;
    const std::string begun = exchange->answer_so_far();
    result.error = begun.empty() ? "the deadline passed" : begun + ", and did not end by the deadline";
    if (exchange->untouched()) result.outcome = HttpOutcome::kNotSent;
    exchange->finish(std::move(result));
  }

  Loop& loop_;
  const std::shared_ptr<Http2Link::Impl> link_;
  const Http2ClientOptions options_;
  DeadlineQueue<RequestId> deadlines_;
  absl::flat_hash_map<RequestId, Pending> requests_;
  std::size_t waiting_ = 0;
  RequestId last_id_ = 0;
  bool closed_ = false;
};

Http2Client::Http2Client(Loop& loop, const Http2Link& link, Http2ClientOptions options)
    : impl_(std::make_shared<Impl>(loop, link.impl(), std::move(options))) {}
Http2Client::~Http2Client() { impl_->close(); }

Http2Client::RequestId Http2Client::request(const HttpRequest& request, std::optional<Clock::time_point> deadline,
                                            Done done) {
  return impl_->request(request, {deadline, {}, {}}, std::move(done));
}
Http2Client::RequestId Http2Client::request_by(const HttpRequest& request, HttpStart start, Done done) {
  return impl_->request(request, {{}, std::move(start), {}}, std::move(done));
}
Http2Client::RequestId Http2Client::request_within(const HttpRequest& request, std::chrono::milliseconds answer,
                                                   Done done) {
  return impl_->request(request, {{}, {}, answer}, std::move(done));
}
bool Http2Client::cancel(RequestId request) { return impl_->cancel(request); }
std::string Http2Client::answer_so_far(RequestId request) const { return impl_->answer_so_far(request); }
void Http2Client::close() { impl_->close(); }
bool Http2Client::any_begun() const { return impl_->any_begun(); }
std::size_t Http2Client::waiting() const { return impl_->waiting(); }

}  // namespace ringside::net
