#include "sidecar/net/http2/http2_connection.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <boost/asio/error.hpp>

#include "sidecar/net/loop_scratch.h"

namespace ringside::net {

namespace {

// A GOAWAY takes effect only once it is flushed: smaller slices bound what a hostile read can open meanwhile.
constexpr std::size_t kSlice = 16 * 1024;
// A block of headers that goes on to this many times its limits is an attack (HPACK bomb), not a mistake.
constexpr std::size_t kFloodFactor = 4;
// What a block beyond the limits costs: each takes as long as many frames.
constexpr double kLargeBlock = 10;
constexpr std::size_t kFrame = 16 * 1024;  // the largest that everybody takes (RFC 9113 §4.2)
// Frames that wait to be sent, DATA not counted, as it is made when it can be sent. Beyond that a server reads no more:
// refusals and resets cost a client next to nothing to cause.
constexpr std::size_t kMaxQueuedFrames = 256;
constexpr std::string_view kNotRead = "answers that are not read";
constexpr std::size_t kOutputChunk = 256 * 1024;
constexpr int kChunksPerIteration = 4;
// How long a GOAWAY may wait for a peer that does not read.
constexpr std::chrono::seconds kFarewell{1};
// Bytes of DATA that earn one token.
constexpr double kBytesPerToken = 4096;

using CallbacksHandle = std::unique_ptr<nghttp2_session_callbacks, base::FreedBy<nghttp2_session_callbacks_del>>;
using OptionHandle = std::unique_ptr<nghttp2_option, base::FreedBy<nghttp2_option_del>>;

CallbacksHandle new_callbacks() {
  nghttp2_session_callbacks* made = nullptr;
  nghttp2_session_callbacks_new(&made);
  return CallbacksHandle(made);
}

OptionHandle new_options() {
  nghttp2_option* made = nullptr;
  nghttp2_option_new(&made);
  return OptionHandle(made);
}

std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

}  // namespace

void HeaderList::add(std::string_view name, std::string_view value) {
  headers_.push_back({bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
}

void HeaderList::add(const Metadata& metadata) {
  for (const Header& header : metadata) {
    if (is_header_value(header.value)) add(header.name, header.value);
  }
}

// nghttp2 calls these; each ends the session's work at once when the connection has ended meanwhile.
struct Http2Connection::Callbacks {
  static Http2Connection& self(void* user) { return *static_cast<Http2Connection*>(user); }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Connection& connection = self(user);
    connection.block_size_ = connection.block_fields_ = 0;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) connection.on_stream_begin(frame->hd.stream_id);
    return connection.check();
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    Http2Connection& connection = self(user);
    const std::string_view name_text(reinterpret_cast<const char*>(name), name_size);
    const std::string_view value_text(reinterpret_cast<const char*>(value), value_size);
    connection.count_field(name_text, value_text);
    if (connection.check() == 0) connection.on_header(frame->hd.stream_id, name_text, value_text);
    return connection.check();
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Connection& connection = self(user);
    const bool end_stream = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (connection.block_too_large()) connection.charge(kLargeBlock, "header flood");
        connection.on_headers_end(frame->hd.stream_id, end_stream);
        break;
      case NGHTTP2_DATA:
        if (frame->hd.length == frame->data.padlen && !end_stream) connection.charge(1, "empty DATA flood");
        if (end_stream) connection.on_data_end(frame->hd.stream_id);
        break;
      case NGHTTP2_RST_STREAM:
        connection.charge(1, "rapid reset");
        break;
      case NGHTTP2_PING:
        connection.charge(1, "PING flood");
        break;
      case NGHTTP2_SETTINGS:
        connection.charge(4, "SETTINGS flood");
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) connection.on_settings();
        break;
      case NGHTTP2_PRIORITY:
        connection.charge(1, "PRIORITY flood");
        break;
      case NGHTTP2_WINDOW_UPDATE:
        connection.charge(0.5, "WINDOW_UPDATE flood");
        break;
      case NGHTTP2_GOAWAY:
        connection.on_goaway();
        break;
      default:
        break;
    }
    return connection.check();
  }

  static int on_data_chunk(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                           std::size_t size, void* user) {
    Http2Connection& connection = self(user);
    connection.guard_.give_back(static_cast<double>(size) / kBytesPerToken);
    nghttp2_session_consume_connection(session, size);
    connection.on_data(id, {reinterpret_cast<const char*>(data), size});
    connection.mark_dirty();
    return connection.check();
  }

  static int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
    Http2Connection& connection = self(user);
    if (!connection.closed_) connection.on_stream_closed(id, error);
    return 0;  // also called while sending, where a GOAWAY must still get out
  }

  static int on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Connection& connection = self(user);
    const bool stream_frame = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (frame->hd.type == NGHTTP2_HEADERS) {
      connection.on_headers_sent(frame->hd.stream_id);
    } else if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR &&
               frame->rst_stream.error_code != NGHTTP2_CANCEL) {
      connection.charge(1, "streams made to be reset");
    } else if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
      // nghttp2 ends a session by itself where the peer breaks the protocol.
      if (connection.why_.empty()) connection.why_ = nghttp2_http2_strerror(frame->goaway.error_code);
    } else if (frame->hd.type == NGHTTP2_DATA) {
      connection.guard_.give_back(static_cast<double>(frame->hd.length) / kBytesPerToken);
    }
    if (stream_frame && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) connection.on_end_sent(frame->hd.stream_id);
    return 0;
  }

  static ssize_t read(nghttp2_session*, std::int32_t id, std::uint8_t* to, std::size_t size, std::uint32_t* flags,
                      nghttp2_data_source*, void* user) {
    return self(user).read_body(id, to, size, flags);
  }
};

Http2Connection::Http2Connection(Loop& loop, Transport transport, const Http2Settings& settings)
    : loop_(loop),
      scratch_(loop.shared<LoopScratch>()),
      transport_(std::move(transport)),
      guard_(settings.control_burst, settings.control_per_second),
      max_header_list_(settings.max_header_list),
      write_timeout_(settings.write_timeout) {
  make_session(settings);
}

Http2Connection::~Http2Connection() = default;

void Http2Connection::make_session(const Http2Settings& settings) {
  const CallbacksHandle made_callbacks = new_callbacks();
  nghttp2_session_callbacks* callbacks = made_callbacks.get();
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_stream_close);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Callbacks::on_frame_sent);

  const OptionHandle made_options = new_options();
  nghttp2_option* options = made_options.get();
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_option_set_no_closed_streams(options, 1);
  nghttp2_option_set_max_continuations(options, kFloodFactor * settings.max_header_list / kFrame);
  // Ours to choose: nghttp2's own default (1000, then 33/s) ends honest peers whose deadlines are short.
  nghttp2_option_set_stream_reset_rate_limit(options, static_cast<std::uint64_t>(settings.control_burst),
                                             static_cast<std::uint64_t>(settings.control_per_second));
  std::array<nghttp2_settings_entry, 4> entries{{
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings.max_header_list},
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings.max_concurrent_streams},
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
  }};
  nghttp2_session* session = nullptr;
  if (settings.server) {
    filter_ = std::make_unique<IdleResetFilter>();
    nghttp2_session_server_new2(&session, callbacks, this, options);
  } else {
    // Until its SETTINGS arrive, the peer's limit is unknown; nghttp2 would wait behind 100.
    nghttp2_option_set_peer_max_concurrent_streams(options, settings.max_concurrent_streams);
    nghttp2_session_client_new2(&session, callbacks, this, options);
    std::swap(entries[2], entries[3]);
  }
  session_.reset(session);
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, entries.data(), 3);
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(settings.connection_window));
}

int Http2Connection::check() const { return closed_ || stopping_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0; }

void Http2Connection::begin(std::string_view already_read) {
  if (transport_.secured() != nullptr) hear_of_certificates();
  mark_dirty();
  const bool going_on = already_read.empty() || feed(already_read);
  if (!closed_) on_pass_end();
  if (going_on) wait_readable();
}

void Http2Connection::hear_of_certificates() {
  SecureLayer::Owner owner;
  owner.leave = [weak = weak_from_this()] {
    if (const auto self = weak.lock(); self && !self->closed_) self->leave();
  };
  owner.close = [weak = weak_from_this()](const std::string& why) {
    if (const auto self = weak.lock()) self->close(why);
  };
  transport_.secured()->set_owner(std::move(owner));
}

void Http2Connection::wait_readable() {
  transport_.wait_readable([self = shared_from_this()] {
    if (!self->closed_) self->on_readable();
  });
}

void Http2Connection::on_readable() {
  if (stopping_) return;
  error_code ec;
  const std::size_t got = transport_.read_some(scratch_.input(), LoopScratch::kSize, ec);
  if (ec == boost::asio::error::would_block) return wait_readable();
  if (ec == boost::asio::error::eof) return close("", ec);
  if (ec) return close("connection lost", ec);
  const bool going_on = feed({scratch_.input(), got});
  if (!closed_) on_pass_end();
  if (going_on) wait_readable();
}

void Http2Connection::count_field(std::string_view name, std::string_view value) {
  block_size_ += list_size(name, value);
  ++block_fields_;
  if (block_size_ > kFloodFactor * max_header_list_ || block_fields_ > kFloodFactor * kMaxFields) {
    terminate(NGHTTP2_ENHANCE_YOUR_CALM, "header flood");
  }
}

// False when nothing more is to be read, for now or at all.
bool Http2Connection::feed(std::string_view bytes) {
  const auto keep_alive = shared_from_this();
  while (!bytes.empty()) {
    const std::string_view slice = bytes.substr(0, kSlice);
    bytes.remove_prefix(slice.size());
    const bool going_on = take(slice);
    if (closed_) return false;
    if (!going_on || stopping_) {
      flush();
      return false;
    }
    if (answers_pile_up()) flush();
    if (closed_) return false;
    if (answers_pile_up()) {
      paused_ = true;
      unfed_ = bytes;
      if (!hold(unfed_.size())) close(kNotRead);
      return false;
    }
  }
  mark_dirty();
  return true;
}

// False when the connection has ended or is about to.
bool Http2Connection::take(std::string_view slice) {
  if (!filter_) return receive(slice);
  std::size_t dropped = 0;
  const bool going_on = filter_->filter(slice, dropped, [this](std::string_view run) { return receive(run); });
  if (going_on && dropped > 0) charge(static_cast<double>(dropped), "rapid reset");
  return going_on;
}

bool Http2Connection::answers_pile_up() const {
  // As a client, what waits are our own requests, and whoever sends them bounds them.
  return filter_ && nghttp2_session_get_outbound_queue_size(session_.get()) > kMaxQueuedFrames;
}

// What is left of the last read, and then on.
void Http2Connection::resume_reading() {
  paused_ = false;
  loop_.post([self = shared_from_this()] {
    if (self->closed_ || self->stopping_) return;
    const std::string bytes = std::move(self->unfed_);
    self->unfed_.clear();
    self->release(bytes.size());
    const bool going_on = self->feed(bytes);
    if (!self->closed_) self->on_pass_end();
    if (going_on) self->wait_readable();
  });
}

// False when the connection has ended or is about to.
bool Http2Connection::receive(std::string_view bytes) {
  const ssize_t used = nghttp2_session_mem_recv(session_.get(), bytes_of(bytes), bytes.size());
  if (closed_ || stopping_) return false;
  if (used < 0) terminate(NGHTTP2_PROTOCOL_ERROR, nghttp2_strerror(static_cast<int>(used)));
  return used >= 0;
}

void Http2Connection::mark_dirty() {
  if (flush_due_ || waiting_writable_ || closed_) return;
  flush_due_ = true;
  loop_.at_end([self = shared_from_this()] {
    self->flush_due_ = false;
    self->flush();
    if (!self->closed_) self->on_pass_end();
  });
}

void Http2Connection::flush() {
  if (closed_ || waiting_writable_) return;
  const auto keep_alive = shared_from_this();
  if (!write_pending()) return;
  for (int chunk = 0;; ++chunk) {
    if (chunk == kChunksPerIteration) return mark_dirty();
    std::string& out = scratch_.output();
    while (out.size() < kOutputChunk) {
      const std::uint8_t* data = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_.get(), &data);
      if (closed_) return;
      if (size < 0) return close(why_.empty() ? nghttp2_strerror(static_cast<int>(size)) : why_);
      if (size == 0) break;
      out.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
    if (out.empty()) break;
    if (!write_out(out)) return;
  }
  const bool done = nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0;
  if (stopping_ || done) return close(why_);
  if (paused_) resume_reading();
}

bool Http2Connection::write_pending() {
  if (pending_.empty()) return true;
  std::string bytes = std::move(pending_);
  pending_.clear();
  release(bytes.size());
  return write_out(bytes);
}

// True when the kernel took all; otherwise the rest waits in pending_, or the connection has ended.
bool Http2Connection::write_out(std::string& bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    error_code ec;
    const std::size_t taken = transport_.write_some(bytes.data() + written, bytes.size() - written, ec);
    written += taken;
    written_ += taken;
    if (ec == boost::asio::error::would_block) {
      pending_.assign(bytes, written, std::string::npos);
      hold(pending_.size());  // beyond what it may: nobody is given more until it has been taken
      wait_writable();
      return false;
    }
    if (ec) {
      close("connection lost", ec);
      return false;
    }
  }
  return true;
}

void Http2Connection::wait_writable() {
  waiting_writable_ = true;
  if (filter_ && !progress_) watch_progress();
  transport_.wait_writable([self = shared_from_this()] {
    self->waiting_writable_ = false;
    self->flush();
    if (!self->closed_) self->on_pass_end();
  });
}

void Http2Connection::watch_progress() {
  progress_ = std::make_unique<Timer>(loop_);
  progress_->after(write_timeout_, [weak = weak_from_this(), before = written_] {
    const auto self = weak.lock();
    if (!self || self->closed_) return;
    self->progress_.reset();
    if (!self->waiting_writable_) return;
    if (self->written_ == before) return self->close(kNotRead);
    self->watch_progress();
  });
}

void Http2Connection::charge(double cost, std::string_view what) {
  if (!guard_.take(cost, Clock::now())) terminate(NGHTTP2_ENHANCE_YOUR_CALM, what);
}

void Http2Connection::terminate(std::uint32_t error, std::string_view why) {
  if (closed_ || stopping_) return;
  stopping_ = true;
  why_ = why;
  nghttp2_session_terminate_session(session_.get(), error);
  mark_dirty();
  farewell_ = std::make_unique<Timer>(loop_);
  farewell_->after(kFarewell, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self) self->close(self->why_);
  });
}

void Http2Connection::close(std::string_view why, error_code ec) {
  if (closed_) return;
  closed_ = true;
  const auto keep_alive = shared_from_this();
  const std::string reason(why);
  // What comes after its end (FIN) the other end does not read. A reset would prove nothing.
  if (ec == boost::asio::error::eof) received_there_ = transport_.bytes_acknowledged();
  transport_.close();
  farewell_.reset();
  progress_.reset();
  on_end(reason, ec);
}

void Http2Connection::submit_response(std::int32_t id, const HeaderList& headers, bool has_body) {
  if (closed_) return;
  nghttp2_data_provider provider{};
  provider.read_callback = Callbacks::read;
  nghttp2_submit_response(session_.get(), id, headers.data(), headers.size(), has_body ? &provider : nullptr);
  mark_dirty();
}

void Http2Connection::submit_interim(std::int32_t id, const HeaderList& headers) {
  if (closed_) return;
  nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, id, nullptr, headers.data(), headers.size(), nullptr);
  mark_dirty();
}

void Http2Connection::submit_trailers(std::int32_t id, const HeaderList& headers) {
  if (!closed_) nghttp2_submit_trailer(session_.get(), id, headers.data(), headers.size());
}

std::int32_t Http2Connection::submit_request(const HeaderList& headers, bool has_body, void* user) {
  if (closed_) return -1;
  nghttp2_data_provider provider{};
  provider.read_callback = Callbacks::read;
  mark_dirty();
  return nghttp2_submit_request(session_.get(), nullptr, headers.data(), headers.size(), has_body ? &provider : nullptr,
                                user);
}

void Http2Connection::reset(std::int32_t id, std::uint32_t error) {
  if (closed_) return;
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, error);
  mark_dirty();
}

void Http2Connection::resume(std::int32_t id) {
  if (closed_) return;
  nghttp2_session_resume_data(session_.get(), id);
  mark_dirty();
}

void Http2Connection::consume_stream(std::int32_t id, std::size_t bytes) {
  if (closed_) return;
  nghttp2_session_consume_stream(session_.get(), id, bytes);
  mark_dirty();
}

}  // namespace ringside::net
