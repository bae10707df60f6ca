// What answers the HTTP requests of a listener, and within which limits, whatever version they come in; and what is
// said of an answer alike in all of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <absl/functional/any_invocable.h>

#include "sidecar/net/http_message.h"

namespace ringside::net {

struct HttpServing {
  HttpHandler handler;
  HttpErrorShaper shape_error;                      // empty: text/plain
  std::size_t max_body = std::size_t{4} << 20;      // 413
  std::chrono::milliseconds body_timeout{30'000};   // whole body; 408
  std::chrono::milliseconds write_timeout{30'000};  // a client that reads nothing of an answer; closed
};

// The answer that the server itself makes.
HttpResponse refusal(const HttpServing& serving, int status, std::string_view detail);

// Has no body, whatever the response holds.
bool is_bodiless(int status);
// What Content-Length says of it; empty: there is no such header. Of an answer to HEAD: how long the body would be, as
// far as the response says so (RFC 9110 §8.6).
std::string content_length(const HttpResponse& response, bool to_head);
// Now, as in the header Date.
std::string http_date();

// Takes the answer to one request, for as long as it waits for it.
class HttpAnswerTaker {
 public:
  virtual ~HttpAnswerTaker() = default;
  virtual void respond(HttpResponse response) = 0;
  // An answer whose body goes on; `head` has none. Null: there is nobody to answer any more.
  virtual std::unique_ptr<HttpStream> begin_stream(HttpResponse head, HttpStream::Events events) = 0;
  virtual const HttpServing& serving() const = 0;
};

// What a handler's HttpReply holds: lives as long as the handler keeps it; the connection may be long gone. Loop thread
// only.
class PendingReply final : public HttpReply::Sink {
 public:
  PendingReply(std::weak_ptr<HttpAnswerTaker> taker, bool input_ended)
      : taker_(std::move(taker)), input_ended_(input_ended) {}
  void respond(HttpResponse response) override;
  std::unique_ptr<HttpStream> stream(HttpResponse head, HttpStream::Events events) override;
  void drop() override;
  // A handler that has worked beside the loop may come too late to be told of the end when it happens.
  void on_cancel(absl::AnyInvocable<void()> callback) override;
  void on_input_end(absl::AnyInvocable<void()> callback) override { at_input_end_ = std::move(callback); }
  bool input_ended() const override { return input_ended_; }

  // Nothing more will come from the client.
  void end_input();
  // Nobody will hear the answer.
  void cancel();

 private:
  std::weak_ptr<HttpAnswerTaker> taker_;
  absl::AnyInvocable<void()> cancel_;
  absl::AnyInvocable<void()> at_input_end_;
  bool input_ended_;
  bool broken_ = false;  // before the answer
};

}  // namespace ringside::net
