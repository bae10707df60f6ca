#include "sidecar/net/http2/http2_server_session.h"

#include <algorithm>
#include <utility>

namespace ringside::net {

namespace {

// GOAWAY's last stream id is final only when calls under way have had time to arrive (RFC 9113 §6.8).
constexpr std::chrono::milliseconds kShutdownNotice{200};

Http2Settings settings_of(const Http2Options& options) {
  Http2Settings settings;
  settings.server = true;
  settings.max_concurrent_streams = options.is_known ? options.stranger_streams : options.max_concurrent_streams;
  settings.stream_window = options.stream_window;
  settings.connection_window = options.connection_window;
  settings.max_header_list = static_cast<std::uint32_t>(options.max_header_list);
  settings.write_timeout = options.write_timeout;
  settings.control_burst = options.control_burst;
  settings.control_per_second = options.control_per_second;
  return settings;
}

}  // namespace

Http2ServerSession::Http2ServerSession(Loop& loop, Transport transport, std::shared_ptr<const Http2Options> options,
                                       std::shared_ptr<Budget> total, std::shared_ptr<YieldOrder::Place> place,
                                       ConnectionEnd on_end)
    : Http2Connection(loop, std::move(transport), settings_of(*options)),
      options_(std::move(options)),
      total_(std::move(total)),
      account_(options_->connection_budget, total_),
      control_(options_->connection_budget, options_->control ? options_->control : total_),
      known_(!options_->is_known),
      on_end_(std::move(on_end)),
      place_(std::move(place)),
      timer_(loop) {
  peer_ = this->transport().peer_address();
  if (const SecureLayer* secured = this->transport().secured()) certificate_ = secured->peer();
  if (!known_ && options_->strangers) {
    const auto part = options_->strangers->of(peer_);
    account_.move_to(part);
    control_.move_to(part);
  }
  service_ = options_->service();
}

void Http2ServerSession::start(std::string_view already_read) {
  place_->set_give_bytes([weak = weak_from_this()] {
    if (const auto self = std::static_pointer_cast<Http2ServerSession>(weak.lock())) self->give_bytes();
  });
  last_stream_ = Clock::now();
  welcome_known();
  watch_idle();
  begin(already_read);
}

// A stranger no more?
void Http2ServerSession::welcome_known() {
  const bool is_member = certificate_ && certificate_->member;
  if (known_ || !(is_member || options_->is_known(peer_))) return;
  known_ = true;
  account_.move_to(total_);
  control_.move_to(options_->control ? options_->control : total_);
  const nghttp2_settings_entry streams{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_->max_concurrent_streams};
  nghttp2_submit_settings(session(), NGHTTP2_FLAG_NONE, &streams, 1);
  mark_dirty();
}

void Http2ServerSession::watch_idle() {
  if (options_->idle_timeout.count() <= 0) return;
  timer_.after(options_->idle_timeout, [weak = weak_from_this()] {
    const auto self = std::static_pointer_cast<Http2ServerSession>(weak.lock());
    if (!self || self->closed() || self->draining_) return;
    const bool idle = self->streams_.empty() && Clock::now() - self->last_stream_ >= self->options_->idle_timeout;
    idle ? self->drain() : self->watch_idle();
  });
}

void Http2ServerSession::drain() {
  if (closed() || draining_) return;
  draining_ = true;
  nghttp2_submit_shutdown_notice(session());
  mark_dirty();
  for (const auto& [id, entry] : streams_) {
    if (entry.stream) entry.stream->on_drain();
  }
  timer_.after(kShutdownNotice, [weak = weak_from_this()] {
    const auto self = std::static_pointer_cast<Http2ServerSession>(weak.lock());
    if (self) self->finish_drain();
  });
}

void Http2ServerSession::finish_drain() {
  if (closed()) return;
  nghttp2_submit_goaway(session(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session()),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  mark_dirty();
}

void Http2ServerSession::on_stream_begin(std::int32_t id) {
  welcome_known();
  if (!std::exchange(asked_, true) || streams_.empty()) place_->stop();
  Entry& entry = streams_[id];
  entry.head = std::make_unique<RequestHead>();
  entry.head->arrived = last_stream_ = Clock::now();
}

void Http2ServerSession::on_header(std::int32_t id, std::string_view name, std::string_view value) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || !found->second.head) return;  // the client's trailers: gRPC has none
  RequestHead& head = *found->second.head;
  head.too_large = block_too_large();
  const std::size_t bytes = list_size(name, value);
  head.no_room = head.no_room || (!head.too_large && !control_.take(bytes));
  if (head.too_large || head.no_room) return;
  found->second.head_bytes += bytes;
  if (!name.starts_with(':')) {
    head.metadata.add(std::string(name), std::string(value));
  } else if (name == ":path") {
    head.path = value;
  } else if (name == ":method") {
    head.method = value;
  } else if (name == ":authority") {
    head.authority = value;
  } else if (name == ":scheme") {
    head.scheme = value;
  }
}

void Http2ServerSession::on_headers_end(std::int32_t id, bool end_stream) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  if (found->second.head) {
    RequestHead head = std::move(*found->second.head);
    head.whole = end_stream;
    found->second.head.reset();
    auto stream = service_->open(shared(), id, std::move(head));
    if (!stream) control_.give_back(std::exchange(found->second.head_bytes, 0));
    found->second.stream = std::move(stream);
  }
  if (end_stream) on_data_end(id);
}

void Http2ServerSession::on_data(std::int32_t id, std::string_view bytes) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || !found->second.stream) return consume_stream(id, bytes.size());
  const auto stream = found->second.stream;  // a handler may end the connection under us
  stream->on_data(bytes);
}

void Http2ServerSession::on_data_end(std::int32_t id) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || !found->second.stream) return;
  const auto stream = found->second.stream;
  stream->on_end();
}

void Http2ServerSession::on_end_sent(std::int32_t id) {
  // Answered before the client has sent everything: tell it to stop, only now that the answer is out.
  if (nghttp2_session_get_stream_remote_close(session(), id) != 0) return;
  const auto found = streams_.find(id);
  const auto stream = found == streams_.end() ? nullptr : found->second.stream;
  if (!stream || stream->on_answered_early()) reset(id, NGHTTP2_NO_ERROR);
}

void Http2ServerSession::on_stream_closed(std::int32_t id, std::uint32_t error) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  const auto stream = std::move(found->second.stream);
  control_.give_back(found->second.head_bytes);
  streams_.erase(found);
  last_stream_ = Clock::now();
  if (stream) stream->on_closed(error);
}

ssize_t Http2ServerSession::read_body(std::int32_t id, std::uint8_t* to, std::size_t size, std::uint32_t* flags) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || !found->second.stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  return found->second.stream->read_body(to, size, flags);
}

void Http2ServerSession::on_pass_end() {
  service_->on_pass_end(*this);
  if (!closed()) keep_place();
}

// Where in the order of those that give way this connection stands.
void Http2ServerSession::keep_place() {
  const auto since = service_->longest_waiting();
  if (since != waiting_since_) {
    waiting_since_ = since;
    since ? place_->wait(YieldOrder::Wait::kStreams, *since) : place_->stop();
  }
  if (asked_ && streams_.empty() && options_->idle_gives_way) place_->wait(YieldOrder::Wait::kIdle);
}

void Http2ServerSession::give_bytes() {
  service_->give_bytes();
  waiting_since_.reset();  // the place has been left
  if (!closed()) keep_place();
}

bool Http2ServerSession::hold(std::size_t bytes) {
  account_.take_anyway(bytes);
  return !account_.exceeded();
}

void Http2ServerSession::on_end(std::string_view why, error_code ec) {
  timer_.cancel();
  place_->stop();
  auto streams = std::move(streams_);
  streams_.clear();
  for (auto& [id, entry] : streams) {
    if (entry.stream) entry.stream->on_closed(NGHTTP2_INTERNAL_ERROR);
  }
  // A broken connection is nobody's misdeed: only what we ended for a reason of its own is an incident.
  if (auto end = std::move(on_end_)) end(ec ? std::string_view() : why);
}

}  // namespace ringside::net
