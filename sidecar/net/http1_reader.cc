#include "sidecar/net/http1_reader.h"

#include <algorithm>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

namespace ringside::net {

namespace {

namespace http = boost::beast::http;
constexpr std::string_view kHeadEnd = "\r\n\r\n";
// What may wait undecoded: Beast wants a chunk's whole header line at once.
constexpr std::size_t kMaxChunkHeader = 16 * 1024;

}  // namespace

template <bool kRequest>
typename Http1Reader<kRequest>::State Http1Reader<kRequest>::fail(int status, std::string why) {
  status_ = status;
  why_ = std::move(why);
  return state_ = State::kFailed;
}

template <bool kRequest>
typename Http1Reader<kRequest>::State Http1Reader<kRequest>::advance() {
  if (state_ == State::kStart && kRequest) {
    // An empty line before a request line is to be ignored (RFC 9112 §2.2).
    while (buffer_.starts_with("\r\n")) buffer_.erase(0, 2);
  }
  if (state_ == State::kStart && !buffer_.empty()) state_ = State::kHead;
  if (state_ == State::kHead && take_head() != State::kBody) return state_;
  if (state_ != State::kBody) return state_;
  std::size_t used = 0;
  if (!parser_->is_done()) put(buffer_, used);
  buffer_.erase(0, used);
  if (state_ == State::kFailed) return state_;
  if (parser_->is_done()) return state_ = State::kDone;
  if (buffer_.size() > kMaxChunkHeader) return fail(400, "malformed chunk");
  return state_;
}

template <bool kRequest>
typename Http1Reader<kRequest>::State Http1Reader<kRequest>::take_head() {
  const std::size_t end = buffer_.find(kHeadEnd);
  if ((end == std::string::npos ? buffer_.size() : end + kHeadEnd.size()) > limits_.max_header) {
    return fail(431, "the headers are larger than the limit of " + std::to_string(limits_.max_header) + " bytes");
  }
  if (end == std::string::npos) {
    // What does not even begin like HTTP (a TLS hello, another protocol) is told so at once.
    const std::string_view begin = std::string_view(buffer_).substr(0, kRequest ? 1 : 5);
    const bool like_http = kRequest ? is_token(begin) : std::string_view("HTTP/").starts_with(begin);
    return like_http || buffer_ == "\r" ? state_ : fail(400, "this is not HTTP");
  }
  const std::size_t size = end + kHeadEnd.size();
  const std::string_view block(buffer_.data(), size);
  std::string why;
  const bool good = kRequest ? read_request_head(block, head_, why) : read_response_head(block, head_, why);
  if (!good) return fail(400, std::move(why));
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(limits_.max_header + 1));
  parser_->body_limit(limits_.max_body);
  parser_->eager(true);
  if (no_body_) parser_->skip(true);
  std::size_t used = 0;
  if (put(block, used) == State::kFailed) return state_;
  if (!parser_->is_header_done() || used != size) return fail(400, "malformed head");
  buffer_.erase(0, size);
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
    if (ec) return fail(400, "malformed message: " + ec.message());
    if (step == 0) break;
  }
  return state_;
}

template <bool kRequest>
typename Http1Reader<kRequest>::State Http1Reader<kRequest>::end_of_stream() {
  if (state_ != State::kBody) return state_;
  boost::beast::error_code ec;
  parser_->put_eof(ec);
  if (ec || !parser_->is_done()) return fail(400, "the message is incomplete");
  return state_ = State::kDone;
}

template <bool kRequest>
void Http1Reader<kRequest>::next() {
  parser_.reset();
  head_ = Http1Head();
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
