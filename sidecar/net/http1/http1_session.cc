#include "sidecar/net/http1/http1_session.h"

#include <algorithm>
#include <limits>

#include <boost/asio/error.hpp>
#include <boost/beast/http/status.hpp>

#include "sidecar/net/loop_scratch.h"
#include "sidecar/net/request_queue.h"

namespace ringside::net {

namespace {

constexpr std::size_t kReadAtOnce = 64 * 1024;
// Pipelined requests beyond this stay in the kernel until the current one is answered.
constexpr std::size_t kMaxPipelined = 64 * 1024;
// A body that is larger is not copied behind the headers.
constexpr std::size_t kCopied = 16 * 1024;
// Of a stream so much may wait in the kernel, beside what waits here: its reader is seen to be slow in time.
constexpr int kStreamBuffer = 64 * 1024;
// What is larger may take long to be looked at, and waits in the queue.
constexpr std::size_t kLarge = 64 * 1024;
// After a refusal we read on for a while: closing with unread bytes would reset the connection under our answer, and a
// client that first sends everything would never see why. Time bounds whom we wait for, bytes what that costs us.
constexpr std::chrono::milliseconds kLinger{5'000};
constexpr std::size_t kLingerBytes = std::size_t{16} << 20;

enum class Length { kOfBody, kUntilClosed };

std::string head_of(const HttpResponse& response, bool to_head, bool keep_alive, Length body = Length::kOfBody) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  const auto status = boost::beast::http::int_to_status(static_cast<unsigned>(response.status));
  if (status != boost::beast::http::status::unknown) {
    const auto reason = boost::beast::http::obsolete_reason(status);
    text.append(reason.data(), reason.size());
  }
  text += "\r\n";
  for (const Header& header : response.headers) {
    if (is_connections_own(header.name) || !is_token(header.name) || !is_header_value(header.value)) continue;
    text += header.name + ": " + header.value + "\r\n";
  }
  const std::string length = body == Length::kOfBody ? content_length(response, to_head) : std::string();
  if (!length.empty()) {
    text.append("content-length: ").append(length).append("\r\n");
  }
  if (response.headers.find("date") == nullptr) text += "date: " + http_date() + "\r\n";
  return text + (keep_alive ? "connection: keep-alive\r\n\r\n" : "connection: close\r\n\r\n");
}

}  // namespace

class Http1Session::Stream final : public HttpStream {
 public:
  explicit Stream(std::weak_ptr<Http1Session> session) : session_(std::move(session)) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() override {
    if (const auto session = session_.lock()) session->end_stream();
  }
  void write(std::string_view bytes) override {
    if (const auto session = session_.lock()) session->write_stream(bytes);
  }
  std::size_t unsent() const override {
    const auto session = session_.lock();
    return session ? session->out_.size() - session->sent_ : 0;
  }
  void give_up() override {
    if (const auto session = session_.lock()) session->close("slow reader");
  }

 private:
  std::weak_ptr<Http1Session> session_;
};

Http1Session::Http1Session(Loop& loop, Transport transport, std::shared_ptr<const Http1Options> options,
                           std::shared_ptr<Budget> total, std::shared_ptr<YieldOrder::Place> place,
                           ConnectionEnd on_end)
    : loop_(loop),
      transport_(std::move(transport)),
      options_(std::move(options)),
      account_(std::numeric_limits<std::size_t>::max(), std::move(total)),
      place_(std::move(place)),
      on_end_(std::move(on_end)),
      peer_(transport_.peer_address()),
      reader_({options_->max_header, options_->max_body}),
      timer_(loop) {}

void Http1Session::start(std::string_view already_read) {
  place_->set_give_bytes([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->give_bytes();
  });
  reader_.feed(already_read);
  process();
}

void Http1Session::drain() {
  draining_ = true;
  if (phase_ == Phase::kReading && reader_.state() == Http1Reader<true>::State::kStart) close("");
  if (phase_ == Phase::kStreaming) end_stream();
}

void Http1Session::wait_readable() {
  if (waiting_readable_ || input_ended_ || phase_ == Phase::kClosed) return;
  waiting_readable_ = true;
  transport_.wait_readable([self = shared_from_this()] {
    self->waiting_readable_ = false;
    if (self->phase_ != Phase::kClosed) self->on_readable();
  });
}

void Http1Session::on_readable() {
  // What is pipelined waits in the kernel where there is no room for it here.
  const bool pipelined = phase_ != Phase::kReading && phase_ != Phase::kLingering;
  if (pipelined && !account_.take(kReadAtOnce)) return;
  error_code ec;
  char* input = loop_.shared<LoopScratch>().input();
  const std::size_t got = transport_.read_some(input, kReadAtOnce, ec);
  if (pipelined) account_.give_back(kReadAtOnce);
  if (ec == boost::asio::error::would_block) return wait_readable();
  if (ec) return on_input_end(ec != boost::asio::error::eof);
  if (phase_ == Phase::kLingering) {
    lingered_ += got;
    return lingered_ > kLingerBytes ? close("") : wait_readable();
  }
  reader_.feed({input, got});
  if (phase_ == Phase::kReading) return process();
  count();
  if (reader_.buffered() < kMaxPipelined) wait_readable();
}

void Http1Session::on_input_end(bool broken) {
  input_ended_ = true;
  if (broken || phase_ == Phase::kLingering) return close("");
  if (phase_ == Phase::kStreaming) return end_stream();
  if (phase_ == Phase::kReading) return process();  // what was pipelined before the end is still answered
  if (const auto reply = reply_.lock()) reply->end_input();
}

void Http1Session::process() {
  switch (reader_.advance()) {
    case Http1Reader<true>::State::kDone:
      if (reader_.message_size() < kLarge) return dispatch();
      if (count_request()) await_queue(&Http1Session::dispatch);
      break;
    case Http1Reader<true>::State::kFailed:
      fail(reader_.status(), (reader_.status() == 400 ? "this is not valid HTTP: " : "") + reader_.why());
      break;
    default:
      await_more();
  }
}

void Http1Session::await_more() {
  const auto state = reader_.state();
  if (state == Http1Reader<true>::State::kStart && (draining_ || input_ended_)) return close("");
  if (input_ended_) return close("");
  if (!count_request()) return;
  if (state != Http1Reader<true>::State::kStart) {
    place_->wait(YieldOrder::Wait::kPartial);
  } else if (answered_) {
    place_->wait(YieldOrder::Wait::kIdle);
  } else {
    place_->wait(YieldOrder::Wait::kSilent);
  }
  if (state == Http1Reader<true>::State::kBody) {
    const bool expects = reader_.head().minor == 1 && has_token(reader_.head().headers, "expect", "100-continue");
    if (expects && !continue_sent_ && reader_.body_size() + reader_.buffered() == 0) {
      continue_sent_ = true;
      write("HTTP/1.1 100 Continue\r\n\r\n");
      if (phase_ == Phase::kClosed) return;
    }
  }
  // One allowance for each stage, not for each byte: a slow sender gains nothing by trickling.
  if (timed_state_ != state) {
    timed_state_ = state;
    arm(state == Http1Reader<true>::State::kStart  ? options_->idle_timeout
        : state == Http1Reader<true>::State::kHead ? options_->header_timeout
                                                   : options_->body_timeout);
  }
  wait_readable();
}

// Where there is no more, those give back theirs who keep it by not going on; this one too, if it is the first of them.
bool Http1Session::take(std::size_t bytes) {
  const Phase before = phase_;
  while (!account_.take(bytes)) {
    if (!place_->order().free_bytes() || phase_ != before) return false;
  }
  return true;
}

// What this connection holds now. False: there is no room for it, and nothing is counted.
bool Http1Session::count() {
  const std::size_t holds = reader_.held() + handled_ + held_by(out_) + held_by(out_body_);
  const std::size_t counted = account_.used();
  if (holds > counted) return take(holds - counted);
  account_.give_back(counted - holds);
  return true;
}

// The same while a request comes in; false: it has been refused.
bool Http1Session::count_request() {
  if (count()) return true;
  if (phase_ == Phase::kReading) fail(503, "too many bytes of requests and answers are waiting: send it again later");
  return false;
}

void Http1Session::give_bytes() {
  if (sends_answer()) return close("slow reader");
  if (phase_ != Phase::kReading) return;
  fail(503, "too many bytes of requests are waiting, and this one is not whole although it began first: send it again");
}

void Http1Session::dispatch() {
  if (!count_request()) return;
  place_->stop();
  phase_ = Phase::kHandling;
  timed_state_ = Http1Reader<true>::State::kDone;
  disarm();
  handled_ = reader_.message_size();
  Http1Head& head = reader_.head();
  keep_alive_ = reader_.keep_alive();
  head_request_ = head.method == "HEAD";
  HttpRequest request;
  request.method = std::move(head.method);
  request.target = std::move(head.target);
  request.headers = std::move(head.headers);
  request.body = reader_.take_body();
  request.peer = peer_;
  const auto reply = std::make_shared<PendingReply>(weak_from_this(), input_ended_);
  reply_ = reply;
  if (reader_.buffered() < kMaxPipelined) wait_readable();  // to hear of the client's end
  options_->handler(std::move(request), HttpReply(reply));
}

void Http1Session::fail(int status, std::string_view detail) {
  keep_alive_ = false;
  place_->stop();
  reader_.discard();
  phase_ = Phase::kHandling;
  head_request_ = false;
  respond(refusal(*options_, status, detail));
}

void Http1Session::respond(HttpResponse response) {
  if (phase_ != Phase::kHandling) return;
  if (draining_) keep_alive_ = false;
  handled_ = 0;
  answered_ = true;
  std::string text = head_of(response, head_request_, keep_alive_);
  if (!is_bodiless(response.status) && !head_request_) {
    if (response.body.size() > kCopied) {
      out_body_ = std::move(response.body);
    } else {
      text += response.body;
    }
  }
  phase_ = Phase::kWriting;
  arm(options_->write_timeout);
  write(std::move(text));
}

// Its end is that of the connection, which every version of HTTP knows (RFC 9112 §6.3).
std::unique_ptr<HttpStream> Http1Session::begin_stream(HttpResponse head, HttpStream::Events events) {
  if (phase_ != Phase::kHandling) return nullptr;
  keep_alive_ = false;
  handled_ = 0;
  answered_ = true;
  stream_ = std::move(events);
  phase_ = Phase::kStreaming;
  transport_.bound_send_buffer(kStreamBuffer);
  auto stream = std::make_unique<Stream>(weak_from_this());
  write(head_of(head, false, false, Length::kUntilClosed));
  if (draining_ || input_ended_) tell_stream_ended();
  return stream;
}

void Http1Session::write_stream(std::string_view bytes) {
  if (phase_ != Phase::kStreaming || stream_ended_) return;
  out_.erase(0, std::exchange(sent_, 0));
  write(std::string(bytes));
  if (phase_ == Phase::kStreaming && waiting_writable_ && !count()) close("no room for an answer that is not read");
}

void Http1Session::end_stream() {
  if (phase_ != Phase::kStreaming || std::exchange(stream_ended_, true)) return;
  tell_stream_ended();
  if (!waiting_writable_) linger();
}

void Http1Session::tell_stream_ended() {
  stream_.drained = nullptr;
  if (auto ended = std::exchange(stream_.ended, nullptr)) loop_.post(std::move(ended));
}

void Http1Session::write(std::string bytes) {
  if (out_.empty()) {
    out_ = std::move(bytes);
  } else {
    out_ += bytes;
  }
  if (!waiting_writable_) flush();
}

void Http1Session::flush() {
  if (!flush(out_, 0) || !flush(out_body_, out_.size())) return;
  std::string().swap(out_);
  std::string().swap(out_body_);
  sent_ = 0;
  if (phase_ == Phase::kWriting) return written();
  if (phase_ != Phase::kStreaming) return;
  place_->stop();
  disarm();
  count();  // less than before
  if (stream_ended_) return linger();
}

// `before`: how much of all that is to be sent stands in front of these. False: not all of them have been sent.
bool Http1Session::flush(const std::string& bytes, std::size_t before) {
  while (sent_ < before + bytes.size()) {
    error_code ec;
    const std::size_t begin = sent_ - before;
    sent_ += transport_.write_some(bytes.data() + begin, bytes.size() - begin, ec);
    if (ec == boost::asio::error::would_block) {
      wait_writable();
      return false;
    }
    if (ec) {
      close("");
      return false;
    }
  }
  return true;
}

void Http1Session::wait_writable() {
  if (!count()) return close("no room for an answer that is not read");
  if (sends_answer()) place_->wait(YieldOrder::Wait::kUnread);
  if (phase_ == Phase::kStreaming) arm(options_->write_timeout);
  waiting_writable_ = true;
  transport_.wait_writable([self = shared_from_this()] {
    self->waiting_writable_ = false;
    if (self->phase_ == Phase::kClosed) return;
    if (self->phase_ == Phase::kWriting) self->arm(self->options_->write_timeout);
    self->flush();
    if (self->phase_ != Phase::kStreaming || self->waiting_writable_) return;
    if (const auto drained = self->stream_.drained) drained();  // a copy: it may end the stream
  });
}

void Http1Session::written() {
  place_->stop();
  count();  // less than before
  if (!keep_alive_) return linger();
  continue_sent_ = false;
  reader_.next();
  if (reader_.buffered() == 0) {
    phase_ = Phase::kReading;
    return process();
  }
  await_queue(&Http1Session::process);
}

void Http1Session::await_queue(void (Http1Session::*next)()) {
  phase_ = Phase::kQueued;
  place_->stop();
  disarm();
  loop_.shared<RequestQueue>().wait(reader_.message_size(), [self = shared_from_this(), next] {
    if (self->phase_ != Phase::kQueued) return;
    self->phase_ = Phase::kReading;
    (*self.*next)();
  });
}

void Http1Session::linger() {
  transport_.shutdown_write();
  if (input_ended_) return close("");
  phase_ = Phase::kLingering;
  arm(kLinger);
  wait_readable();
}

void Http1Session::close(std::string_view incident) {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  const auto keep = shared_from_this();
  place_->stop();
  reader_.discard();
  std::string().swap(out_);
  std::string().swap(out_body_);
  account_.give_back(account_.used());
  timer_.cancel();
  transport_.close();
  if (const auto reply = reply_.lock()) reply->cancel();
  tell_stream_ended();
  if (auto end = std::move(on_end_)) end(incident);
}

void Http1Session::arm(std::chrono::milliseconds after) {
  timer_.after(after, [weak = weak_from_this(), arming = ++arming_] {
    const auto self = weak.lock();
    if (self && self->arming_ == arming) self->on_timeout();
  });
}

void Http1Session::disarm() {
  timer_.cancel();
  ++arming_;
}

void Http1Session::on_timeout() {
  if (phase_ != Phase::kReading) return close(sends_answer() ? "slow reader" : "");
  switch (reader_.state()) {
    case Http1Reader<true>::State::kHead:
      return fail(408, "the headers took too long");
    case Http1Reader<true>::State::kBody:
      return fail(408, "the body took too long");
    default:
      return close("");
  }
}

}  // namespace ringside::net
