#include "sidecar/net/grpc/channel_call.h"

#include <algorithm>
#include <cstring>

#include "sidecar/base/parse.h"
#include "sidecar/net/grpc/grpc_compression.h"

namespace ringside::net {

namespace {

constexpr std::size_t kWritableBelow = 64 * 1024;
constexpr std::size_t kMaxHeaderBytes = 64 * 1024;

std::string larger_than(std::size_t limit) {
  return "the answer is larger than the limit of " + std::to_string(limit) + " bytes";
}

}  // namespace

ChannelCall::ChannelCall(std::weak_ptr<CallOwner> owner, ChannelCallId id, std::string path, Metadata metadata,
                         CallOptions options)
    : owner_(std::move(owner)),
      id_(id),
      path_(std::move(path)),
      metadata_(std::move(metadata)),
      options_(options),
      reader_(options.max_message, true) {}

void ChannelCall::set_unary(std::string message, CallDone done) {
  unary_ = true;
  message_ = std::move(message);
  done_ = std::move(done);
}

void ChannelCall::set_streaming(StreamHandlers handlers) {
  handlers_ = std::move(handlers);
  if (handlers_.on_too_large) reader_.skip_too_big();
}

void ChannelCall::send(std::string_view message) {
  if (over_ || half_closed_) return;
  out_.append_message(message);
  above_mark_ = above_mark_ || out_.size() > kWritableBelow;
  if (const auto session = session_.lock()) session->resume(stream_);
}

void ChannelCall::half_close() {
  half_closed_ = true;
  if (over_) return;
  if (const auto session = session_.lock()) session->resume(stream_);
}

void ChannelCall::opened(const std::shared_ptr<Http2ClientSession>& session, std::int32_t stream) {
  session_ = session;
  stream_ = stream;
}

void ChannelCall::add_headers(HeaderList& headers, std::string& timeout) const {
  headers.add(":method", "POST");
  headers.add(":path", path_);
  headers.add("content-type", "application/grpc");
  headers.add("te", "trailers");
  headers.add("grpc-accept-encoding", kAcceptedEncodings);
  if (options_.deadline) {
    timeout = format_grpc_timeout(*options_.deadline - Clock::now());
    headers.add("grpc-timeout", timeout);
  }
  headers.add(metadata_);
}

ssize_t ChannelCall::read_body(std::uint8_t* to, std::size_t size, std::uint32_t* flags) {
  if (over_) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  std::size_t copied = 0;
  if (unary_) {
    const auto length = static_cast<std::uint32_t>(message_.size());
    for (; sent_ < kGrpcPrefix && copied < size; ++sent_) {
      to[copied++] = sent_ == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(length >> (8 * (4 - sent_)));
    }
    if (sent_ >= kGrpcPrefix) {
      const std::size_t done = sent_ - kGrpcPrefix;
      const std::size_t take = std::min(size - copied, message_.size() - done);
      std::memcpy(to + copied, message_.data() + done, take);
      copied += take;
      sent_ += take;
    }
    all_sent_ = sent_ == kGrpcPrefix + message_.size();
  } else {
    copied = out_.read(to, size);
    if (const auto owner = owner_.lock()) owner->on_bytes_gone(copied);
    all_sent_ = half_closed_ && out_.empty();
    if (above_mark_ && out_.size() <= kWritableBelow) {
      above_mark_ = false;
      if (const auto owner = owner_.lock()) {
        owner->loop().post([self = shared_from_this()] {
          if (!self->over_ && self->handlers_.on_writable) self->handlers_.on_writable();
        });
      }
    }
  }
  if (all_sent_) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(copied);
  }
  if (copied == 0) return NGHTTP2_ERR_DEFERRED;
  return static_cast<ssize_t>(copied);
}

void ChannelCall::on_header(std::string_view name, std::string_view value) {
  if (over_) return;
  header_bytes_ += list_size(name, value);
  if (header_bytes_ > kMaxHeaderBytes) {
    return finish(GrpcStatus::kResourceExhausted, "the answer's metadata is larger than the limit", false);
  }
  if (name == ":status") {
    http_status_ = base::parse_whole<int>(value).value_or(0);
  } else if (name == "grpc-status") {
    grpc_status_ = value;
  } else if (name == "grpc-message") {
    result_.message = decode_grpc_message(value);
  } else if (!name.starts_with(':')) {
    (headers_seen_ ? result_.trailers : result_.headers).add(std::string(name), std::string(value));
  }
}

void ChannelCall::on_headers_end(bool end_stream) {
  if (over_) return;
  if (http_status_ / 100 == 1 && !end_stream) {
    result_.headers = Metadata();
    return;
  }
  if (!headers_seen_) {
    headers_seen_ = true;
    const std::string_view type = result_.headers.get("content-type");
    if (grpc_status_.empty() && (http_status_ != 200 || !type.starts_with("application/grpc"))) {
      return finish(http_status_ == 200 ? GrpcStatus::kUnknown : status_of_http(http_status_),
                    "not a gRPC answer: HTTP status " + std::to_string(http_status_) + ", content type '" +
                        std::string(type) + "'",
                    false);
    }
    if (end_stream) {
      // Trailers-only: one block that is both.
      result_.trailers = result_.headers;
      result_.trailers.erase("content-type");
    } else if (handlers_.on_headers) {
      const auto keep = shared_from_this();
      handlers_.on_headers(result_.headers);
    }
  }
  if (end_stream) on_end();
}

void ChannelCall::on_data(std::string_view bytes) {
  if (over_) return;
  const auto keep = shared_from_this();
  const auto error = reader_.feed(bytes, [this](std::string message) { take_message(std::move(message)); });
  if (over_) return;
  if (error == GrpcMessageReader::Error::kTooBig) {
    finish(GrpcStatus::kResourceExhausted, larger_than(options_.max_message), false);
  } else if (error != GrpcMessageReader::Error::kNone) {
    finish(GrpcStatus::kInternal, "the answer's frame is malformed", false);
  }
}

void ChannelCall::take_message(std::string message) {
  if (over_) return;
  if (reader_.too_big() && !reader_.compressed()) return pass_over(message, reader_.length());
  if (reader_.compressed()) {
    const std::string_view encoding = result_.headers.get("grpc-encoding");
    const std::size_t most = reader_.too_big() ? GrpcMessageReader::kBeginning : options_.max_message;
    auto [outcome, unpacked] = inflate_message(encoding, message, most);
    // Of a beginning nobody can expect that it unpacks to its end.
    const bool beginning = reader_.too_big() && outcome != Inflated::kUnknownEncoding;
    if (beginning || outcome == Inflated::kTooBig) return pass_over(unpacked, std::nullopt);
    if (outcome != Inflated::kDone) {
      return finish(GrpcStatus::kInternal,
                    "the answer is compressed and cannot be unpacked as '" + std::string(encoding) + "'", false);
    }
    message = std::move(unpacked);
  }
  if (!unary_) {
    if (handlers_.on_message) handlers_.on_message(std::move(message));
  } else if (std::exchange(has_message_, true)) {
    finish(GrpcStatus::kInternal, "two messages answer a unary call", false);
  } else {
    result_.body = std::move(message);
  }
}

void ChannelCall::pass_over(std::string_view beginning, std::optional<std::size_t> length) {
  if (!handlers_.on_too_large) {
    return finish(GrpcStatus::kResourceExhausted, larger_than(options_.max_message), false);
  }
  handlers_.on_too_large(beginning.substr(0, GrpcMessageReader::kBeginning), length);
}

void ChannelCall::on_end() {
  if (over_) return;
  remote_ended_ = true;
  if (grpc_status_.empty()) return finish(GrpcStatus::kUnknown, "the answer has no grpc-status", false);
  const GrpcStatus status = parse_grpc_status(grpc_status_);
  if (status == GrpcStatus::kOk && (!reader_.at_boundary() || (unary_ && !has_message_))) {
    return finish(GrpcStatus::kInternal, "the answer has no whole message", false);
  }
  finish(status, std::string(result_.message), true);
}

void ChannelCall::on_going_away() {
  const auto owner = owner_.lock();
  if (over_ || !owner || !handlers_.on_going_away) return;
  owner->loop().post([self = shared_from_this()] {
    if (!self->over_) self->handlers_.on_going_away();
  });
}

void ChannelCall::on_closed(std::uint32_t error, bool going_away) {
  if (over_) return;
  const bool refused = error == NGHTTP2_REFUSED_STREAM || !headers_sent_;
  const Delivery sent = refused ? Delivery::kNotSent : delivery();
  session_.reset();
  retry_wanted_ = refused && going_away;
  result_.delivery = sent;
  CallResult result = std::move(result_);
  result.status = refused ? GrpcStatus::kUnavailable : status_of_http2_error(error);
  result.message = refused ? "the server refused the stream"
                           : std::string("the server reset the stream: ") + nghttp2_http2_strerror(error);
  over_ = true;
  if (const auto owner = owner_.lock()) owner->on_call_over(id_, std::move(result));
}

void ChannelCall::on_connection_lost(const ConnectionLoss& loss) {
  if (over_) return;
  CallResult result = std::move(result_);
  result.status = GrpcStatus::kUnavailable;
  result.message = loss.why.empty() ? "the connection was closed" : loss.why;
  result.delivery = delivery();
  result.reset = true;
  session_.reset();
  over_ = true;
  if (const auto owner = owner_.lock()) owner->on_call_over(id_, std::move(result));
}

Delivery ChannelCall::delivery() const {
  // A unary request is nothing to a server until its message is whole; a stream may act on its headers.
  const bool seen = unary_ ? all_sent_ : headers_sent_;
  return seen || headers_seen_ ? Delivery::kMaybe : Delivery::kNotSent;
}

void ChannelCall::finish(GrpcStatus status, std::string_view message, bool from_server) {
  CallResult result = std::move(result_);
  result.status = status;
  result.message = message;
  result.delivery = Delivery::kMaybe;
  result.from_server = from_server;
  fail(std::move(result));
}

void ChannelCall::fail(CallResult result) {
  if (over_) return;
  over_ = true;
  leave_stream();
  if (const auto owner = owner_.lock()) owner->on_call_over(id_, std::move(result));
}

// Tells the server to stop, where the stream is still open in either direction.
void ChannelCall::leave_stream() {
  const auto session = session_.lock();
  session_.reset();
  if (session) session->forget(stream_, !remote_ended_ || !all_sent_);
}

void ChannelCall::drop() {
  if (over_) return;
  over_ = true;
  leave_stream();
  release_handlers();
}

// A call may be ended from within one of its own handlers, which must not be destroyed under it.
void ChannelCall::release_handlers() {
  if (const auto owner = owner_.lock()) {
    owner->loop().post([done = std::move(done_), handlers = std::move(handlers_)] {});
  }
  done_ = nullptr;
  handlers_ = StreamHandlers();
}

void ChannelCall::deliver(CallResult result) {
  const auto keep = shared_from_this();
  auto done = unary_ ? std::move(done_) : std::move(handlers_.on_finish);
  release_handlers();
  if (done) done(std::move(result));
}

bool ChannelCall::take_retry() {
  // A stream that wrote its headers may have lost what it sent since.
  if (!retry_wanted_ || retried_ || (!unary_ && headers_sent_)) return false;
  if (options_.begin_by && Clock::now() >= *options_.begin_by) return false;
  retried_ = true;
  retry_wanted_ = false;
  over_ = false;
  sent_ = 0;
  stream_ = 0;
  headers_sent_ = all_sent_ = false;
  result_ = CallResult();
  return true;
}

}  // namespace ringside::net
