#include "sidecar/net/http1/http1_client_connection.h"

#include <algorithm>
#include <charconv>

#include <boost/asio/error.hpp>

#include "sidecar/net/loop_scratch.h"

namespace ringside::net {

namespace {

constexpr std::size_t kReadAtOnce = 64 * 1024;
constexpr std::chrono::milliseconds kIdleMargin{1'000};

}  // namespace

Http1ClientConnection::Http1ClientConnection(Loop& loop, const Http1ClientOptions& options, Events events)
    : loop_(loop),
      options_(options),
      events_(std::move(events)),
      connector_(loop, options.resolver),
      reader_({options.max_header, options.max_body}),
      room_(options.room, [this] { wait_readable(); }) {}

void Http1ClientConnection::send(std::string bytes, bool head_request, Done done) {
  written_before_ += written_;
  out_ = std::move(bytes);
  request_size_ = out_.size();
  written_ = 0;
  head_request_ = head_request;
  done_ = std::move(done);
  reader_.next();
  if (head_request_) reader_.expect_no_body();
  if (transport_) {
    reused_after_ = idle_for(Clock::now());
    return write();
  }
  connecting_ = true;
  connector_.connect(options_.endpoint, options_.connect_timeout, [weak = weak_from_this()](ConnectResult result) {
    const auto self = weak.lock();
    if (!self || self->over_) return;
    self->connecting_ = false;
    self->events_.connected(result ? &*result : nullptr);
    if (self->over_) return;
    if (!result) {
      HttpResult failed = not_sent("connecting to " + self->options_.endpoint.to_string() + ": " + result.error().why);
      failed.no_listener = result.error().no_listener;
      return self->finish(std::move(failed), false);
    }
    self->transport_ = std::make_unique<Transport>(std::move(*result));
    self->transport_->tune(std::chrono::seconds(20));
    self->wait_readable();
    self->write();
  });
}

void Http1ClientConnection::write() {
  while (written_ < request_size_) {
    error_code ec;
    written_ += transport_->write_some(out_.data() + written_, request_size_ - written_, ec);
    if (ec == boost::asio::error::would_block) {
      transport_->wait_writable([self = shared_from_this()] {
        if (!self->over_ && self->done_) self->write();
      });
      return;
    }
    // The server may have answered and closed before it had read everything: its answer is worth reading.
    if (ec && written_ > 0) return;
    if (ec) return lost(ec.message());
  }
  std::string().swap(out_);
}

void Http1ClientConnection::wait_readable() {
  transport_->wait_readable([self = shared_from_this()] {
    if (!self->over_) self->on_readable();
  });
}

void Http1ClientConnection::on_readable() {
  const std::size_t most = done_ ? room_.may_read(kReadAtOnce) : kReadAtOnce;
  if (most == 0) return;
  error_code ec;
  char* input = loop_.shared<LoopScratch>().input();
  const std::size_t got = transport_->read_some(input, most, ec);
  if (ec == boost::asio::error::would_block) return wait_readable();
  if (!done_) {
    // Idle: bytes that nobody asked for, or the server's end.
    over_ = true;
    transport_->close();
    return events_.ended(*this);
  }
  if (ec == boost::asio::error::eof) {
    if (reader_.end_of_stream() == Http1Reader<false>::State::kDone) return answered();
    if (surely_unread()) {
      return finish(not_sent("the server closed the connection before the request had come"), false);
    }
    return lost("the server closed the connection");
  }
  if (ec) return lost(ec.message());
  reader_.feed({input, got});
  const auto state = reader_.advance();
  room_.hold(got, reader_.held());
  advance(state);
}

// The server's end of the connection (FIN) says up to which byte it had received: not a byte of this request. What
// comes after its end nobody reads. A reset would prove nothing, since its acknowledgement is not looked at.
bool Http1ClientConnection::surely_unread() const {
  if (reader_.state() != Http1Reader<false>::State::kStart) return false;
  const auto acknowledged = transport_->bytes_acknowledged();
  return acknowledged && *acknowledged <= written_before_;
}

void Http1ClientConnection::advance(Http1Reader<false>::State state) {
  while (state == Http1Reader<false>::State::kDone && reader_.head().status / 100 == 1) {
    if (reader_.head().status == 101) return lost("the server switched protocols without being asked");
    reader_.next();
    if (head_request_) reader_.expect_no_body();
    state = reader_.advance();
  }
  if (state == Http1Reader<false>::State::kDone) return answered();
  if (state == Http1Reader<false>::State::kFailed) return unreadable();
  transport_->acknowledge_now();
  wait_readable();
}

std::chrono::milliseconds Http1ClientConnection::allowed_idle(const Metadata& headers) const {
  if (options_.max_idle.count() == 0) return options_.max_idle;
  const std::string value = to_lower(headers.get("keep-alive"));
  const std::size_t at = value.find("timeout=");
  if (at == std::string::npos) return options_.max_idle;
  unsigned seconds = 0;
  std::from_chars(value.data() + at + 8, value.data() + value.size(), seconds);
  // Less than the server says, so that it does not close while a request is on its way.
  const std::chrono::milliseconds promised = std::chrono::seconds(std::min(seconds, 3600U));
  return promised - std::min(kIdleMargin, promised / 4);
}

void Http1ClientConnection::answered() {
  HttpResult result;
  result.outcome = HttpOutcome::kAnswered;
  // An answer to a request that was not read whole ends the connection, as does anything beyond the answer.
  const bool reusable = !retired_ && reader_.keep_alive() && reader_.buffered() == 0 && written_ == request_size_;
  result.response.status = reader_.head().status;
  result.response.headers = std::move(reader_.head().headers);
  if (!head_request_) result.response.body = reader_.take_body();
  const auto idle = allowed_idle(result.response.headers);
  idle_since_ = Clock::now();
  idle_until_ = idle_since_ + idle;
  finish(std::move(result), reusable && idle.count() > 0);
}

std::string Http1ClientConnection::answer_so_far() const {
  if (reader_.state() == Http1Reader<false>::State::kHead) return "its answer had begun (a part of its headers)";
  if (reader_.state() != Http1Reader<false>::State::kBody) return "";
  return told_answer(reader_.head().status, reader_.body_size());
}

void Http1ClientConnection::lost(const std::string& why) {
  HttpResult result;
  result.outcome = written_ == 0 ? HttpOutcome::kNotSent : HttpOutcome::kLost;
  result.error = why;
  finish(std::move(result), false);
}

void Http1ClientConnection::unreadable() {
  HttpResult result;
  result.outcome = HttpOutcome::kLost;
  result.too_large = reader_.status() == 413 || reader_.status() == 431;
  result.malformed = !result.too_large;
  result.error = (result.malformed ? "the answer is not valid HTTP: " : "of the answer, ") + reader_.why();
  finish(std::move(result), false);
}

void Http1ClientConnection::finish(HttpResult result, bool reusable) {
  const auto keep = shared_from_this();
  std::string().swap(out_);
  room_.leave();
  auto done = std::exchange(done_, nullptr);
  if (reusable) {
    wait_readable();
  } else {
    over_ = true;
    if (transport_) transport_->close();
  }
  if (done) done(std::move(result), reusable);
}

void Http1ClientConnection::abandon() {
  over_ = true;
  done_ = nullptr;
  room_.leave();
  if (transport_) transport_->close();
}

}  // namespace ringside::net
