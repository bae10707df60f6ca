#include "sidecar/net/grpc/native_stream.h"

#include <algorithm>

namespace ringside::net {

namespace {

constexpr std::size_t kWritableBelow = 64 * 1024;

}  // namespace

struct NativeStream::Handle {
  explicit Handle(std::shared_ptr<NativeStream> of) : stream(std::move(of)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (!stream->finished_ && !stream->gone_) {
      stream->finish(GrpcStatus::kInternal, "the handler gave no answer", {});
    }
  }
  std::shared_ptr<NativeStream> stream;
};

NativeStream::NativeStream(const std::shared_ptr<Http2ServerSession>& session, std::int32_t id, const Method& method,
                           RequestHead head, std::optional<Clock::time_point> deadline)
    : session_(session),
      id_(id),
      method_(method),
      head_(std::move(head)),
      peer_(session->peer()),
      certificate_(session->certificate()),
      deadline_(deadline),
      reader_(method.max_message) {}

void NativeStream::on_data(std::string_view bytes) {
  const auto session = session_.lock();
  if (!session) return;
  // A stream of requests gets its window back as they are taken.
  if (!method_.streams_requests || finished_) session->consume_stream(id_, bytes.size());
  if (finished_ || dispatched_) return;
  if (!session->account(method_.control).take(bytes.size())) {
    return refuse(Refusal::kOverloaded, GrpcStatus::kResourceExhausted,
                  "too many bytes are waiting on this connection");
  }
  request_bytes_ += bytes.size();
  if (!method_.streams_requests) {
    feed(bytes);
    return;
  }
  unread_.append(bytes);
  take_messages();
}

bool NativeStream::feed(std::string_view bytes) {
  bool second = false;
  const auto error = reader_.feed(bytes, [this, &second](std::string message) {
    second = has_message_;
    has_message_ = true;
    if (!second) message_ = std::move(message);
  });
  switch (error) {
    case GrpcMessageReader::Error::kNone:
      if (second) refuse(Refusal::kMalformed, method_.malformed, "this method takes exactly one message");
      break;
    case GrpcMessageReader::Error::kTooBig:
      refuse(Refusal::kOversize, method_.oversize,
             "the message is larger than the limit of " + std::to_string(method_.max_message) + " bytes");
      break;
    case GrpcMessageReader::Error::kCompressed:
      refuse(Refusal::kUnserved, GrpcStatus::kUnimplemented, "compressed messages are not supported");
      break;
    case GrpcMessageReader::Error::kBadFlag:
      refuse(Refusal::kMalformed, method_.malformed, "the message's frame is malformed");
      break;
  }
  return !finished_;
}

void NativeStream::take_messages() {
  const auto keep = shared_from_this();
  const auto session = session_.lock();
  std::size_t taken = 0;
  while (session && !finished_ && !gone_ && !overrun_ && out_.size() <= kWritableBelow) {
    const std::string_view next = std::string_view(unread_).substr(taken);
    if (next.size() < kGrpcPrefix) break;
    const std::size_t length = grpc_message_length(next);
    // Of one that is too large the prefix is enough to refuse it.
    const std::size_t frame = kGrpcPrefix + (length > method_.max_message ? 0 : length);
    if (next.size() < frame) break;
    taken += frame;
    if (!feed(next.substr(0, frame))) break;
    has_message_ = false;
    method_.handler(shared_from_this());
  }
  if (!session || gone_) return;
  unread_.erase(0, taken);
  const std::size_t held = std::min(taken, request_bytes_);  // a refusal has given them back
  session->account(method_.control).give_back(held);
  request_bytes_ -= held;
  session->consume_stream(id_, taken);
  if (!client_ended_ || finished_ || out_.size() > kWritableBelow) return;
  if (!unread_.empty()) return refuse(Refusal::kMalformed, method_.malformed, "the last message is incomplete");
  finish(GrpcStatus::kOk, "", {});
}

void NativeStream::on_end() {
  if (finished_ || dispatched_) return;
  if (method_.streams_requests) {
    client_ended_ = true;
    return take_messages();
  }
  if (!reader_.at_boundary()) return refuse(Refusal::kMalformed, method_.malformed, "the message is incomplete");
  if (!has_message_) return refuse(Refusal::kMalformed, method_.malformed, "this method takes exactly one message");
  release_request();
  dispatched_ = true;
  const auto handle = std::make_shared<Handle>(shared_from_this());
  method_.handler(std::shared_ptr<ServerCall>(handle, handle->stream.get()));
}

void NativeStream::on_closed(std::uint32_t error) {
  if (method_.open_streams) method_.open_streams->remove(*this);
  release_request();
  const auto session = session_.lock();
  if (session) session->account(method_.control).give_back(out_.size());
  out_.clear();
  gone_ = true;
  auto cancel = std::move(on_cancel_);
  forget_callbacks();
  if (finished_ && error == NGHTTP2_NO_ERROR && session) session->served();
  if (!finished_ && cancel) cancel();
}

void NativeStream::on_cancel(absl::AnyInvocable<void()> callback) {
  if (!finished_ && !gone_) on_cancel_ = std::move(callback);
}

void NativeStream::forget_callbacks() {
  on_cancel_ = nullptr;
  on_writable_ = nullptr;
}

void NativeStream::release_request() {
  const auto session = session_.lock();
  if (session) session->account(method_.control).give_back(request_bytes_);
  request_bytes_ = 0;
}

void NativeStream::refuse(Refusal why, GrpcStatus status, std::string_view message) {
  release_request();
  message_.clear();
  finish(status, message, method_.refusal ? method_.refusal(why) : Metadata());
}

void NativeStream::reply(std::string message, Metadata trailers) {
  const auto session = session_.lock();
  if (finished_ || gone_ || overrun_ || !session) return;
  if (append(*session, std::move(message))) finish(GrpcStatus::kOk, "", std::move(trailers));
}

void NativeStream::send(std::string message) {
  const auto session = session_.lock();
  if (finished_ || gone_ || overrun_ || !session || !append(*session, std::move(message))) return;
  begin_response(*session);
  session->resume(id_);
}

bool NativeStream::append(Http2ServerSession& session, std::string&& message) {
  if (!session.account(method_.control).take(kGrpcPrefix + message.size())) {
    overrun_ = true;  // its handler hears of the end as of any other: on_cancel
    session.reset(id_, NGHTTP2_ENHANCE_YOUR_CALM);
    return false;
  }
  out_.append_message(std::move(message));
  above_mark_ = above_mark_ || out_.size() > kWritableBelow;
  return true;
}

void NativeStream::begin_response(Http2ServerSession& session) {
  if (responding_) return;
  responding_ = true;
  HeaderList headers;
  headers.add(":status", "200");
  headers.add("content-type", "application/grpc");
  session.submit_response(id_, headers, true);
}

void NativeStream::add_status(HeaderList& headers) const {
  headers.add("grpc-status", status_text_);
  if (!status_message_.empty()) headers.add("grpc-message", status_message_);
  headers.add(trailers_);
}

void NativeStream::finish(GrpcStatus status, std::string_view message, Metadata trailers) {
  const auto session = session_.lock();
  if (finished_ || gone_ || overrun_ || !session) return;
  finished_ = true;
  status_text_ = std::to_string(static_cast<int>(status));
  status_message_ = encode_grpc_message(message);
  trailers_ = std::move(trailers);
  // A reply may be given from within one of these callbacks: they end when it returns, not under it.
  if (on_cancel_ || on_writable_) {
    session->io().post([cancel = std::move(on_cancel_), writable = std::move(on_writable_)] {});
    forget_callbacks();
  }
  if (responding_ || !out_.empty()) {
    begin_response(*session);
    return session->resume(id_);
  }
  responding_ = true;
  HeaderList headers;
  headers.add(":status", "200");
  headers.add("content-type", "application/grpc");
  if (status == GrpcStatus::kUnimplemented) headers.add("grpc-accept-encoding", "identity");
  add_status(headers);
  session->submit_response(id_, headers, false);
}

ssize_t NativeStream::read_body(std::uint8_t* to, std::size_t size, std::uint32_t* flags) {
  const auto session = session_.lock();
  if (!session) return NGHTTP2_ERR_CALLBACK_FAILURE;
  const std::size_t copied = out_.read(to, size);
  session->account(method_.control).give_back(copied);
  if (out_.empty() && finished_) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    HeaderList trailers;
    add_status(trailers);
    session->submit_trailers(id_, trailers);
    return static_cast<ssize_t>(copied);
  }
  if (above_mark_ && out_.size() <= kWritableBelow) {
    above_mark_ = false;
    session->io().post([self = shared_from_this()] {
      if (self->finished_ || self->gone_) return;
      if (self->method_.streams_requests) {
        self->take_messages();
      } else if (self->on_writable_) {
        self->on_writable_();
      }
    });
  }
  if (copied == 0) return NGHTTP2_ERR_DEFERRED;
  return static_cast<ssize_t>(copied);
}

}  // namespace ringside::net
