#include "sidecar/net/http1/http1_reader.h"

#include <algorithm>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

namespace ringside::net {

namespace {

namespace http = boost::beast::http;
constexpr std::string_view kHeadEnd = "\r\n\r\n";
// What may wait undecoded: Beast wants a chunk's whole header line at once.
constexpr std::size_t kMaxChunkHeader = 16 * 1024;
// So much of a chunked body is always still to come, "0\r\n\r\n". Beast takes it for granted that no less of its end is
// there at once.
constexpr std::size_t kLeastOfChunks = 5;
// Before a request line, where at least one is to be ignored (RFC 9112 §2.2).
constexpr std::size_t kMaxEmptyLines = 8;
// A head is held twice, by Beast and as headers of our own, each in pieces that have their own cost.
constexpr std::size_t kHeadCost = 4;

// Up to and with its empty line; npos: there is none yet. A line may end in a bare line feed.
std::size_t lenient_head_size(std::string_view bytes) {
  for (std::size_t at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
    const std::string_view rest = bytes.substr(at + 1);
    if (rest.starts_with('\n')) return at + 2;
    if (rest.starts_with("\r\n")) return at + 3;
  }
  return std::string_view::npos;
}

// The one spelling that the gate and Beast read alike.
std::string canonical_response_head(std::string_view block) {
  std::string text;
  text.reserve(block.size() + 16);
  bool first = true;
  while (!block.empty()) {
    const std::size_t end = block.find('\n');
    std::string_view line = block.substr(0, end);
    block.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    text += line;
    if (std::exchange(first, false) && line.find(' ') == line.rfind(' ')) text += ' ';
    text += "\r\n";
  }
  return text;
}

// "HTTP/1.1 200 OK", whole or as far as it is here: HTTP/1 with three digits.
bool like_status_line(std::string_view bytes) {
  constexpr std::string_view kShape = "HTTP/1.# ###";
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    if (i == bytes.size()) return true;
    const bool digit = bytes[i] >= '0' && bytes[i] <= '9';
    if (kShape[i] == '#' ? !digit : bytes[i] != kShape[i]) return false;
  }
  return bytes.size() == kShape.size() ||
         std::string_view(" \r\n").find(bytes[kShape.size()]) != std::string_view::npos;
}

bool has_bare_line_feed(std::string_view bytes) {
  for (std::size_t at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
    if (at == 0 || bytes[at - 1] != '\r') return true;
  }
  return false;
}

}  // namespace

template <bool kRequest>
typename Http1Reader<kRequest>::State Http1Reader<kRequest>::fail(int status, std::string why) {
  status_ = status;
  why_ = std::move(why);
  return state_ = State::kFailed;
}

// An idle connection owns no buffer.
template <bool kRequest>
void Http1Reader<kRequest>::consume(std::size_t bytes) {
  if (bytes == buffer_.size()) {
    std::string().swap(buffer_);
  } else {
    buffer_.erase(0, bytes);
  }
}

template <bool kRequest>
typename Http1Reader<kRequest>::State Http1Reader<kRequest>::skip_empty_lines() {
  std::size_t skipped = 0;
  while (std::string_view(buffer_).substr(skipped).starts_with("\r\n")) {
    skipped += 2;
    if (++empty_lines_ > kMaxEmptyLines) {
      return fail(400, "more than " + std::to_string(kMaxEmptyLines) + " empty lines stand before the request line");
    }
  }
  if (skipped > 0) consume(skipped);
  return state_;
}

template <bool kRequest>
typename Http1Reader<kRequest>::State Http1Reader<kRequest>::advance() {
  if (state_ == State::kStart && kRequest && skip_empty_lines() == State::kFailed) return state_;
  // Half of an empty line before a request is none of it yet.
  if (state_ == State::kStart && !buffer_.empty() && !(kRequest && buffer_ == "\r")) state_ = State::kHead;
  if (state_ == State::kHead && take_head() != State::kBody) return state_;
  if (state_ != State::kBody) return state_;
  if (head_.chunked && !parser_->is_done() && buffer_.size() < kLeastOfChunks) return state_;
  std::size_t used = 0;
  if (!parser_->is_done()) put(buffer_, used);
  consume(used);
  if (state_ == State::kFailed) return state_;
  if (parser_->is_done()) return state_ = State::kDone;
  // What Beast leaves is the line before a chunk, or trailers.
  if (buffer_.size() > kMaxChunkHeader || has_bare_line_feed(buffer_))
    return fail(400, "the header of a chunk, or a trailer, is too long or ends in a bare line feed");
  return state_;
}

template <bool kRequest>
typename Http1Reader<kRequest>::State Http1Reader<kRequest>::take_head() {
  std::size_t size = std::string::npos;
  if (kRequest) {
    size = buffer_.find(kHeadEnd);
    if (size != std::string::npos) size += kHeadEnd.size();
  } else {
    size = lenient_head_size(buffer_);
  }
  if (std::min(size, buffer_.size()) > limits_.max_header) {
    return fail(431, "the headers are larger than the limit of " + std::to_string(limits_.max_header) + " bytes");
  }
  if (!kRequest && !like_status_line(buffer_)) return fail(400, "it does not begin with HTTP/1");
  if (size == std::string::npos) {
    // What does not even begin like HTTP (a TLS hello, another protocol) is told so at once.
    if (kRequest && buffer_ != "\r" && !is_token(std::string_view(buffer_).substr(0, 1))) {
      return fail(400, "it does not begin with a method");
    }
    return state_;
  }
  const std::string own = kRequest ? std::string() : canonical_response_head({buffer_.data(), size});
  const std::string_view block = kRequest ? std::string_view(buffer_.data(), size) : std::string_view(own);
  auto head = kRequest ? read_request_head(block) : read_response_head(block);
  if (!head) return fail(400, std::move(head.error()));
  head_ = std::move(*head);
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(limits_.max_header + 1));
  parser_->body_limit(limits_.max_body);
  parser_->eager(true);
  if (no_body_) parser_->skip(true);
  std::size_t used = 0;
  if (put(block, used) == State::kFailed) return state_;
  if (!parser_->is_header_done() || used != block.size()) return fail(400, "the headers end before their empty line");
  head_size_ = block.size();
  consume(size);
  return state_ = State::kBody;
}

template <bool kRequest>
typename Http1Reader<kRequest>::State Http1Reader<kRequest>::put(std::string_view bytes, std::size_t& used) {
  boost::beast::error_code ec;
  while (used < bytes.size() && !parser_->is_done()) {
    const std::size_t step = parser_->put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), ec);
    used += step;
    if (ec == http::error::need_more) return state_;
    if (ec == http::error::body_limit) {
      return fail(413, "the body is larger than the limit of " + std::to_string(limits_.max_body) + " bytes");
    }
    if (ec) return fail(400, "the body cannot be read: " + ec.message());
    if (step == 0) break;
  }
  return state_;
}

template <bool kRequest>
typename Http1Reader<kRequest>::State Http1Reader<kRequest>::end_of_stream() {
  if (state_ != State::kBody) return state_;
  boost::beast::error_code ec;
  parser_->put_eof(ec);
  if (ec || !parser_->is_done()) return fail(400, "the body is incomplete");
  return state_ = State::kDone;
}

template <bool kRequest>
std::size_t Http1Reader<kRequest>::message_size() const {
  if (!parser_) return 0;
  const std::string& body = parser_->get().body();
  // Room for a body whose length is known is taken at once, and filled later: until then it costs nothing.
  return kHeadCost * head_size_ + std::min(body.capacity(), 2 * body.size());
}

template <bool kRequest>
std::string Http1Reader<kRequest>::take_body() {
  std::string body = std::move(parser_->get().body());
  parser_.reset();
  return body;
}

template <bool kRequest>
void Http1Reader<kRequest>::discard() {
  state_ = State::kFailed;
  parser_.reset();
  head_ = Http1Head();
  std::string().swap(buffer_);
}

template <bool kRequest>
void Http1Reader<kRequest>::next() {
  parser_.reset();
  head_ = Http1Head();
  empty_lines_ = 0;
  no_body_ = false;
  state_ = State::kStart;
}

template <bool kRequest>
bool Http1Reader<kRequest>::keep_alive() const {
  return parser_ && parser_->keep_alive();
}

template class Http1Reader<true>;
template class Http1Reader<false>;

}  // namespace ringside::net
