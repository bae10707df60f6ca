#include "sidecar/net/http2/http2_requests.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include <boost/intrusive/list.hpp>
#include <nghttp2/nghttp2.h>

#include "sidecar/base/parse.h"
#include "sidecar/base/result.h"
#include "sidecar/net/http2/http2_server_session.h"
#include "sidecar/net/request_queue.h"

namespace ringside::net {

namespace {

// A client that is refused while it sends goes on to be read for a while: where the end of its stream comes with the
// answer, some (curl 7.88) lose the answer.
constexpr std::chrono::milliseconds kLinger{5'000};
constexpr std::size_t kLingerBytes = std::size_t{16} << 20;
constexpr std::string_view kTooManyBytes = "too many bytes of requests and answers are waiting: send it again later";

// As over HTTP/1.1: Host is the authority, and there is one Cookie (RFC 9113 §8.2.3).
base::Result<HttpRequest, std::string> request_of(RequestHead&& head, const std::string& peer) {
  if (!is_token(head.method)) return base::Error("the method is not a word: " + in_quotes(head.method));
  if (!is_path(head.path, head.method)) return base::Error("the request target must be a path");
  if (const auto checked = check_target(head.path); !checked) return base::Error(checked.error());
  HttpRequest request;
  request.method = std::move(head.method);
  request.target = std::move(head.path);
  request.peer = peer;
  Metadata& given = head.metadata;
  if (given.count("host") > 1) return base::Error("there are two Host headers");
  const std::string host = head.authority.empty() ? std::string(given.get("host")) : std::move(head.authority);
  if (given.count("host") == 1 && given.get("host") != host) {
    return base::Error("Host is another one than :authority: " + in_quotes(given.get("host")));
  }
  if (const auto checked = check_host(host); !checked) return base::Error(checked.error());
  given.erase("host");
  request.headers.add("host", host);
  request.headers.append(std::move(given));
  if (request.headers.count("cookie") > 1) {
    std::string all;
    for (const Header& header : request.headers) {
      if (header.name == "cookie") all += (all.empty() ? "" : "; ") + header.value;
    }
    request.headers.set("cookie", std::move(all));
  }
  return request;
}

using WaitingHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// One that keeps bytes, and waits for its client.
class WaitingStream : public WaitingHook {
 public:
  explicit WaitingStream(Clock::time_point since) : since_(since) {}
  virtual ~WaitingStream() = default;
  // Since when it has.
  Clock::time_point since() const { return since_; }
  // Its client has done so for longer than others, and there are too many bytes.
  virtual void give_bytes() = 0;
  // It has done so for too long. It waits no more, or anew.
  virtual void expire() = 0;

 protected:
  void wait_from_now() { since_ = Clock::now(); }
  void stop_waiting() {
    if (is_linked()) unlink();
  }

 private:
  Clock::time_point since_;
};

// Those of one connection, each kind in the order in which it began to.
class Waiting {
 public:
  enum Kind { kIncomplete, kUnread, kLingering };

  Waiting(Loop& loop, const HttpServing& serving)
      : most_{serving.body_timeout, serving.write_timeout, kLinger}, timer_(loop) {}

  void add(Kind kind, WaitingStream& stream) { streams_[kind].push_back(stream); }
  // Since when the one has that has done so for longest; nothing: none does.
  std::optional<Clock::time_point> longest();
  void give_bytes();
  // Sees to it that each is told when its time is up.
  void arm();

 private:
  using List = boost::intrusive::list<WaitingStream, boost::intrusive::constant_time_size<false>>;

  List* first();
  void expire();

  std::array<List, 3> streams_;  // by kind
  std::array<std::chrono::milliseconds, 3> most_;
  Timer timer_;
  std::optional<Clock::time_point> armed_;
};

// The kind of which one has waited for longest; null: none waits.
Waiting::List* Waiting::first() {
  List* found = nullptr;
  for (List& list : streams_) {
    if (!list.empty() && (found == nullptr || list.front().since() < found->front().since())) found = &list;
  }
  return found;
}

std::optional<Clock::time_point> Waiting::longest() {
  const List* list = first();
  return list == nullptr ? std::nullopt : std::optional(list->front().since());
}

void Waiting::give_bytes() {
  if (List* const list = first()) list->front().give_bytes();
}

// Left armed for one that does not wait any more: an idle expiry is cheaper than arming for each.
void Waiting::arm() {
  std::optional<Clock::time_point> next;
  for (std::size_t kind = 0; kind < streams_.size(); ++kind) {
    if (streams_[kind].empty()) continue;
    const auto due = streams_[kind].front().since() + most_[kind];
    next = next ? std::min(*next, due) : due;
  }
  if (!next || (armed_ && *armed_ <= *next)) return;
  armed_ = next;
  timer_.at(*next, [this] { expire(); });
}

void Waiting::expire() {
  armed_.reset();
  const auto now = Clock::now();
  for (std::size_t kind = 0; kind < streams_.size(); ++kind) {
    List& list = streams_[kind];
    while (!list.empty() && list.front().since() + most_[kind] <= now) list.front().expire();
  }
  arm();
}

// One request, from its headers to the end of its answer.
class RequestStream final : public ServerStream,
                            public HttpAnswerTaker,
                            public WaitingStream,
                            public std::enable_shared_from_this<RequestStream> {
 public:
  RequestStream(const std::shared_ptr<Http2ServerSession>& session, std::int32_t id,
                std::shared_ptr<const HttpServing> serving, Waiting& waiting, Clock::time_point arrived)
      : WaitingStream(arrived),
        loop_(session->io()),
        session_(session),
        id_(id),
        serving_(std::move(serving)),
        waiting_(waiting) {}

  void begin(HttpRequest request, bool whole) {
    request_ = std::move(request);
    if (whole) return;
    const auto session = session_.lock();
    const auto length = base::parse_whole<std::uint64_t>(request_.headers.get("content-length"));
    if (length && *length > serving_->max_body) return fail(413, too_large());
    if (to_lower(request_.headers.get("expect")) == "100-continue") {
      HeaderList go_on;
      go_on.add(":status", "100");
      session->submit_interim(id_, go_on);
    }
    waiting_.add(Waiting::kIncomplete, *this);
  }

  void refuse(HttpRequest request, int status, std::string_view detail) {
    request_ = std::move(request);
    fail(status, detail);
  }

  void on_data(std::string_view bytes) override {
    const auto session = session_.lock();
    if (!session) return;
    session->consume_stream(id_, bytes.size());
    if (phase_ == Phase::kLingering && (lingered_ += bytes.size()) > kLingerBytes) return stop_lingering(*session);
    if (phase_ != Phase::kReceiving) return;
    if (request_.body.size() + bytes.size() > serving_->max_body) return fail(413, too_large());
    if (!take(*session, bytes.size())) {
      if (phase_ == Phase::kReceiving) fail(503, kTooManyBytes);
      return;
    }
    request_.body.append(bytes);
  }

  void on_end() override {
    const auto session = session_.lock();
    if (phase_ != Phase::kReceiving || !session) return;
    phase_ = Phase::kQueued;
    stop_waiting();
    session->io().shared<RequestQueue>().wait(request_.body.size(), [self = shared_from_this()] {
      if (self->phase_ == Phase::kQueued) self->handle();
    });
  }

  void on_closed(std::uint32_t error) override {
    const bool served = (phase_ == Phase::kSending || phase_ == Phase::kLingering) && error == NGHTTP2_NO_ERROR;
    release();
    phase_ = Phase::kOver;
    if (const auto session = session_.lock(); session && served) session->served();
    session_.reset();
    if (const auto reply = reply_.lock()) reply->cancel();
    tell_stream_ended();
  }

  void on_drain() override { tell_stream_ended(); }

  void respond(HttpResponse response) override { respond(std::move(response), false); }

  std::unique_ptr<HttpStream> begin_stream(HttpResponse head, HttpStream::Events events) override;

  ssize_t read_body(std::uint8_t* to, std::size_t size, std::uint32_t* flags) override {
    const auto session = session_.lock();
    if (!session || !sends_body()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t part = std::min(size, answer_.size() - sent_);
    std::copy_n(answer_.data() + sent_, part, to);
    sent_ += part;
    if (sent_ < answer_.size()) {
      read_lately_ = true;
      return static_cast<ssize_t>(part);
    }
    release();
    if (phase_ == Phase::kStreaming) {
      if (part > 0 && stream_.drained) loop_.post(stream_.drained);
      return part > 0 ? static_cast<ssize_t>(part) : static_cast<ssize_t>(NGHTTP2_ERR_DEFERRED);
    }
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(part);
  }

  bool on_answered_early() override {
    if (phase_ != Phase::kSending) return true;
    phase_ = Phase::kLingering;
    stop_waiting();
    wait_from_now();
    waiting_.add(Waiting::kLingering, *this);
    return false;
  }

  const HttpServing& serving() const override { return *serving_; }

  void give_bytes() override {
    const auto session = session_.lock();
    if (!session) return;
    if (sends_body()) return give_up(*session);
    if (phase_ == Phase::kLingering) return stop_lingering(*session);
    fail(503,
         "too many bytes of requests are waiting, and this one is not whole although it began first: send it again");
  }

  void expire() override {
    const auto session = session_.lock();
    if (!session) return;
    if (phase_ == Phase::kReceiving) return fail(408, "the body took too long");
    if (phase_ == Phase::kLingering) return stop_lingering(*session);
    if (!std::exchange(read_lately_, false)) return give_up(*session);
    stop_waiting();
    wait_from_now();
    waiting_.add(Waiting::kUnread, *this);
  }

 private:
  class Stream;
  // kQueued: whole, and others are handled first. kStreaming: the answer goes on. kLingering: answered, and the client
  // sends on.
  enum class Phase { kReceiving, kQueued, kHandling, kSending, kStreaming, kLingering, kOver };

  bool sends_body() const { return phase_ == Phase::kSending || phase_ == Phase::kStreaming; }

  std::string too_large() const {
    return "the body is larger than the limit of " + std::to_string(serving_->max_body) + " bytes";
  }

  // Where there is no more, those give back theirs who keep it by not going on; this one too, if it is the first of
  // them.
  bool take(Http2ServerSession& session, std::size_t bytes) {
    const Phase before = phase_;
    BudgetAccount& account = session.account(false);
    while (!account.take(bytes)) {
      if (!account.has_own_room(bytes) || !session.yields().free_bytes() || phase_ != before) return false;
    }
    held_ += bytes;
    return true;
  }

  // All that is held for it.
  void release() {
    stop_waiting();
    std::string().swap(request_.body);
    std::string().swap(answer_);
    sent_ = 0;
    if (const auto session = session_.lock()) session->account(false).give_back(held_);
    held_ = 0;
  }

  void handle() {
    phase_ = Phase::kHandling;
    HttpRequest request;
    request.method = request_.method;  // the answer depends on it
    request.target = std::move(request_.target);
    request.headers = std::move(request_.headers);
    request.body = std::move(request_.body);
    request.peer = std::move(request_.peer);
    const auto reply = std::make_shared<PendingReply>(weak_from_this(), false);
    reply_ = reply;
    serving_->handler(std::move(request), HttpReply(reply));
  }

  // A refusal is small, and has to get out above all where bytes are short.
  void respond(HttpResponse response, bool is_refusal) {
    const auto session = session_.lock();
    if (phase_ != Phase::kHandling || !session) return;
    const bool to_head = request_.method == "HEAD";
    release();
    const bool has_body = !response.body.empty() && !to_head && !is_bodiless(response.status);
    if (has_body && is_refusal) {
      session->account(false).take_anyway(response.body.size());
      held_ = response.body.size();
    } else if (has_body && !take(*session, response.body.size())) {
      return give_up(*session);
    }
    phase_ = Phase::kSending;
    submit(*session, response, content_length(response, to_head), has_body);
    if (!has_body) return;
    answer_ = std::move(response.body);
    wait_from_now();
    waiting_.add(Waiting::kUnread, *this);
  }

  void submit(Http2ServerSession& session, const HttpResponse& response, const std::string& length, bool has_body) {
    const std::string status = std::to_string(response.status);
    const std::string date = response.headers.find("date") == nullptr ? http_date() : std::string();
    HeaderList headers;
    headers.add(":status", status);
    for (const Header& header : response.headers) {
      if (is_connections_own(header.name) || !is_token(header.name) || !is_header_value(header.value)) continue;
      headers.add(header.name, header.value);
    }
    if (!length.empty()) headers.add("content-length", length);
    if (!date.empty()) headers.add("date", date);
    session.submit_response(id_, headers, has_body);
  }

  void write_stream(std::string_view bytes) {
    const auto session = session_.lock();
    if (phase_ != Phase::kStreaming || !session) return;
    if (!take(*session, bytes.size())) {
      if (phase_ == Phase::kStreaming) give_up(*session);
      return;
    }
    if (answer_.empty()) {
      wait_from_now();
      waiting_.add(Waiting::kUnread, *this);
    }
    session->account(false).give_back(sent_);
    held_ -= sent_;
    answer_.erase(0, std::exchange(sent_, 0));
    answer_ += bytes;
    session->resume(id_);
  }

  // What has been written is sent yet, as the body of any other answer.
  void end_stream() {
    const auto session = session_.lock();
    tell_stream_ended();
    if (phase_ != Phase::kStreaming || !session) return;
    phase_ = Phase::kSending;
    session->resume(id_);
  }

  void tell_stream_ended() {
    stream_.drained = nullptr;
    if (auto ended = std::exchange(stream_.ended, nullptr)) loop_.post(std::move(ended));
  }

  void fail(int status, std::string_view detail) {
    release();
    phase_ = Phase::kHandling;
    respond(refusal(*serving_, status, detail), true);
  }

  void give_up(Http2ServerSession& session) {
    release();
    phase_ = Phase::kOver;
    tell_stream_ended();
    session.reset(id_, NGHTTP2_ENHANCE_YOUR_CALM);
  }

  void stop_lingering(Http2ServerSession& session) {
    stop_waiting();
    phase_ = Phase::kOver;
    session.reset(id_, NGHTTP2_NO_ERROR);
  }

  Loop& loop_;
  std::weak_ptr<Http2ServerSession> session_;
  const std::int32_t id_;
  const std::shared_ptr<const HttpServing> serving_;
  Waiting& waiting_;  // the session's, and gone with it
  Phase phase_ = Phase::kReceiving;
  HttpRequest request_;
  std::weak_ptr<PendingReply> reply_;
  HttpStream::Events stream_;
  std::string answer_;  // its body, or of one that goes on what has not been sent
  std::size_t sent_ = 0;
  std::size_t held_ = 0;
  std::size_t lingered_ = 0;  // bytes
  bool read_lately_ = false;  // a part of the answer, since its time began
};

class RequestStream::Stream final : public HttpStream {
 public:
  explicit Stream(std::weak_ptr<RequestStream> request) : request_(std::move(request)) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() override {
    if (const auto request = request_.lock()) request->end_stream();
  }
  void write(std::string_view bytes) override {
    if (const auto request = request_.lock()) request->write_stream(bytes);
  }
  std::size_t unsent() const override {
    const auto request = request_.lock();
    return request ? request->answer_.size() - request->sent_ : 0;
  }
  void give_up() override {
    const auto request = request_.lock();
    const auto session = request ? request->session_.lock() : nullptr;
    if (session && request->phase_ == Phase::kStreaming) request->give_up(*session);
  }

 private:
  std::weak_ptr<RequestStream> request_;
};

std::unique_ptr<HttpStream> RequestStream::begin_stream(HttpResponse head, HttpStream::Events events) {
  const auto session = session_.lock();
  if (phase_ != Phase::kHandling || !session) return nullptr;
  release();
  phase_ = Phase::kStreaming;
  stream_ = std::move(events);
  submit(*session, head, {}, true);
  if (session->is_draining()) tell_stream_ended();
  return std::make_unique<Stream>(weak_from_this());
}

class RequestService final : public Http2Service {
 public:
  explicit RequestService(std::shared_ptr<const HttpServing> serving) : serving_(std::move(serving)) {}

  std::shared_ptr<ServerStream> open(const std::shared_ptr<Http2ServerSession>& session, std::int32_t id,
                                     RequestHead head) override {
    if (!waiting_) waiting_.emplace(session->io(), *serving_);
    const auto stream = std::make_shared<RequestStream>(session, id, serving_, *waiting_, head.arrived);
    HttpRequest refused;
    refused.method = head.method;
    if (head.too_large) {
      stream->refuse(std::move(refused), 431,
                     "the headers are larger than the limit of " + std::to_string(session->options().max_header_list) +
                         " bytes, or too many");
    } else if (head.no_room) {
      stream->refuse(std::move(refused), 503, kTooManyBytes);
    } else if (const bool whole = head.whole; auto request = request_of(std::move(head), session->peer())) {
      stream->begin(std::move(*request), whole);
    } else {
      stream->refuse(std::move(refused), 400, "this is not valid HTTP: " + request.error());
    }
    return stream;
  }

  void on_pass_end(Http2ServerSession&) override {
    if (waiting_) waiting_->arm();
  }
  std::optional<Clock::time_point> longest_waiting() override { return waiting_ ? waiting_->longest() : std::nullopt; }
  void give_bytes() override {
    if (waiting_) waiting_->give_bytes();
  }

 private:
  std::shared_ptr<const HttpServing> serving_;
  std::optional<Waiting> waiting_;  // with the first request
};

}  // namespace

std::function<std::unique_ptr<Http2Service>()> serve_requests(HttpServing serving) {
  return [shared = std::make_shared<const HttpServing>(std::move(serving))] {
    return std::make_unique<RequestService>(shared);
  };
}

}  // namespace ringside::net
