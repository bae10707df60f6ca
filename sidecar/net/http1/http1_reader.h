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
  std::string take_body() { return std::move(parser_->get().body()); }
  std::size_t body_size() const { return parser_ ? parser_->get().body().size() : 0; }
  // The connection can be used for another message after this one.
  bool keep_alive() const;
  std::size_t buffered() const { return buffer_.size(); }
  int status() const { return status_; }
  const std::string& why() const { return why_; }

 private:
  using Parser = boost::beast::http::parser<kRequest, boost::beast::http::string_body>;
  State fail(int status, std::string why);
  State take_head();
  State put(std::string_view bytes, std::size_t& used);

  Http1Limits limits_;
  std::string buffer_;
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
