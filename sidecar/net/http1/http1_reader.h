// Cuts a stream of bytes into HTTP/1 messages: the strict gate reads each head, Beast reads it again and decodes
// the body. Bytes beyond the message wait for the next one.
//
// Of responses, small servers' habits are taken: bare line feeds in the head (RFC 9112 §2.2) and a status line that
// ends behind its number. What can become no message is told at once, never waited for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "sidecar/net/budget.h"
#include "sidecar/net/http1/http1_gate.h"

namespace ringside::net {

struct Http1Limits {
  std::size_t max_header = 16 * 1024;
  std::size_t max_body = std::size_t{4} << 20;
};

template <bool kRequest>
class Http1Reader {
 public:
  enum class State {
    kStart,   // not a byte of the message yet
    kHead,    // within the head
    kBody,    // the head is complete
    kDone,    // take it, then next()
    kFailed,  // status() and why(); the connection cannot be used any more
  };

  explicit Http1Reader(Http1Limits limits) : limits_(limits) {}

  // Adds bytes; advance() then looks at them.
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  State advance();
  // The other end closed: a body that goes on until then is complete now.
  State end_of_stream();
  // Begins the next message with the bytes left over.
  void next();
  // Responses to HEAD have no body, whatever their headers say. Before the head arrives.
  void expect_no_body() { no_body_ = true; }

  State state() const { return state_; }
  Http1Head& head() { return head_; }
  const Http1Head& head() const { return head_; }
  // After that, nothing but the head is left of the message.
  std::string take_body();
  // Gives up what has come: the connection cannot be used any more.
  void discard();
  std::size_t body_size() const { return parser_ ? parser_->get().body().size() : 0; }
  // The connection can be used for another message after this one.
  bool keep_alive() const;
  std::size_t buffered() const { return buffer_.size(); }
  // Bytes of memory of the message that is coming in, or has come and was not taken.
  std::size_t message_size() const;
  // The same with what waits behind it.
  std::size_t held() const { return message_size() + held_by(buffer_); }
  int status() const { return status_; }
  const std::string& why() const { return why_; }

 private:
  using Parser = boost::beast::http::parser<kRequest, boost::beast::http::string_body>;
  State fail(int status, std::string why);
  State take_head();
  State put(std::string_view bytes, std::size_t& used);

  State skip_empty_lines();
  void consume(std::size_t bytes);

  Http1Limits limits_;
  std::string buffer_;
  std::size_t empty_lines_ = 0;  // before the request line
  std::size_t head_size_ = 0;
  std::optional<Parser> parser_;
  Http1Head head_;
  State state_ = State::kStart;
  int status_ = 0;
  std::string why_;
  bool no_body_ = false;
};

extern template class Http1Reader<true>;
extern template class Http1Reader<false>;

}  // namespace ringside::net
