#include "sidecar/net/http2/http2_client_session.h"

#include <algorithm>
#include <utility>

namespace ringside::net {

Http2ClientSession::Http2ClientSession(Loop& loop, Transport transport, std::weak_ptr<SessionOwner> owner,
                                       std::string authority, const Http2Settings& settings)
    : Http2Connection(loop, std::move(transport), settings),
      owner_(std::move(owner)),
      authority_(std::move(authority)),
      settings_due_(loop) {}

void Http2ClientSession::start(std::chrono::milliseconds settings_within) {
  settings_due_.after(settings_within, [weak = std::weak_ptr(shared())] {
    const auto self = weak.lock();
    if (self && !self->ready_) self->close("no SETTINGS in time");
  });
  begin("");
}

bool Http2ClientSession::open(const std::shared_ptr<SessionStream>& stream) {
  if (!ready()) return false;
  HeaderList headers;
  std::string timeout;
  headers.add(":scheme", transport().secured() != nullptr ? "https" : "http");
  headers.add(":authority", authority_);
  stream->add_headers(headers, timeout);
  const std::int32_t id = submit_request(headers, stream->has_body(), nullptr);
  if (id < 0) {
    leave();  // some 2^30 streams on one connection: its numbers are used up
    return false;
  }
  stream->opened(shared(), id);
  streams_[id] = stream;
  return true;
}

std::size_t Http2ClientSession::room() {
  if (!ready()) return 0;
  const std::size_t allowed = allowed_streams();
  return allowed - std::min(allowed, streams_.size());
}

std::size_t Http2ClientSession::allowed_streams() {
  return nghttp2_session_get_remote_settings(session(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

void Http2ClientSession::leave() {
  nghttp2_submit_goaway(session(), NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
  go_away();
}

void Http2ClientSession::forget(std::int32_t id, bool reset) {
  if (closed() || streams_.erase(id) == 0) return;
  if (reset) Http2Connection::reset(id, NGHTTP2_CANCEL);
}

void Http2ClientSession::abort(std::string_view why) {
  transport().drop_unsent();
  close(why);
}

std::shared_ptr<SessionStream> Http2ClientSession::find(std::int32_t id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second;
}

void Http2ClientSession::on_header(std::int32_t id, std::string_view name, std::string_view value) {
  if (const auto stream = find(id)) stream->on_header(name, value);
}

void Http2ClientSession::on_headers_end(std::int32_t id, bool end_stream) {
  if (const auto stream = find(id)) stream->on_headers_end(end_stream);
}

void Http2ClientSession::on_data(std::int32_t id, std::string_view bytes) {
  const auto stream = find(id);
  if (!stream || !stream->has_own_window()) consume_stream(id, bytes.size());
  if (stream) stream->on_data(bytes);
}

void Http2ClientSession::on_data_end(std::int32_t id) {
  if (const auto stream = find(id)) stream->on_end();
}

void Http2ClientSession::on_headers_sent(std::int32_t id) {
  if (const auto stream = find(id)) stream->on_headers_sent();
}

void Http2ClientSession::on_stream_closed(std::int32_t id, std::uint32_t error) {
  const auto stream = find(id);
  streams_.erase(id);
  if (error == NGHTTP2_NO_ERROR) earn(2);
  if (stream) stream->on_closed(error, going_away_);
}

void Http2ClientSession::on_settings() {
  const auto owner = owner_.lock();
  const bool first = !std::exchange(ready_, true);
  if (first) settings_due_.cancel();
  if (!owner) return;
  if (first) {
    owner->on_session_ready(*this);
  } else {
    owner->on_session_settings();
  }
}

void Http2ClientSession::on_goaway() { go_away(); }

void Http2ClientSession::on_pass_end() {
  if (begun_ > 0) transport().acknowledge_now();
}

void Http2ClientSession::go_away() {
  if (std::exchange(going_away_, true)) return;
  if (const auto owner = owner_.lock()) owner->on_session_going_away(*this);
  for (const auto& [id, stream] : streams_) stream->on_going_away();
  mark_dirty();
}

ssize_t Http2ClientSession::read_body(std::int32_t id, std::uint8_t* to, std::size_t size, std::uint32_t* flags) {
  const auto stream = find(id);
  if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  return stream->read_body(to, size, flags);
}

void Http2ClientSession::on_end(std::string_view why, error_code ec) {
  const SecureLayer* secured = transport().secured();
  std::string text = ec ? ec.message() : std::string(why);
  if (secured != nullptr && !secured->failure().empty()) text = secured->failure();
  settings_due_.cancel();
  const auto streams = std::exchange(streams_, {});
  if (const auto owner = owner_.lock()) owner->on_session_end(*this, text, ec);
  const ConnectionLoss loss{text, bytes_received_there()};
  for (const auto& [id, stream] : streams) stream->on_connection_lost(loss);
}

}  // namespace ringside::net
