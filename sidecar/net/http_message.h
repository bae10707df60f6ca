// HTTP requests and responses, whatever the version, and how a handler answers one.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <absl/functional/any_invocable.h>

#include "sidecar/base/result.h"
#include "sidecar/net/metadata.h"

namespace ringside::net {

struct HttpRequest {
  std::string method;
  std::string target;  // as sent: path and query, undecoded
  Metadata headers;    // original order, names in lower case; without the framing headers where we send
  std::string body;    // dechunked
  std::string peer;    // server side: the client's IP as text, "unix" on Unix sockets
};

struct HttpResponse {
  int status = 200;
  // Connection, Transfer-Encoding and the length of a body are the connection's own business; of an answer to HEAD,
  // which has no body, Content-Length is taken from here.
  Metadata headers;
  std::string body;
};

// The body of an answer that goes on: written piece by piece until it ends or the client has gone. Dropping it ends it.
// Loop thread only.
class HttpStream {
 public:
  struct Events {
    std::function<void()> drained;  // all of it has been sent, after some of it could not
    // Once, and never from inside of one of its methods: the client has gone, or ended its sending half, or this
    // process is about to end. What is written then goes nowhere.
    absl::AnyInvocable<void()> ended;
  };
  virtual ~HttpStream() = default;
  virtual void write(std::string_view bytes) = 0;
  virtual std::size_t unsent() const = 0;  // bytes that the connection has not taken yet
  // What is unsent is given up, for a client that does not read: the connection is closed, over HTTP/2 the stream
  // reset.
  virtual void give_up() = 0;
};

// Answers one request, once, now or later, on the loop thread. Dropped without an answer, the server answers
// 500.
class HttpReply {
 public:
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void respond(HttpResponse response) = 0;
    virtual std::unique_ptr<HttpStream> stream(HttpResponse head, HttpStream::Events events) = 0;
    virtual void drop() = 0;
    virtual void on_cancel(absl::AnyInvocable<void()> callback) = 0;
    virtual void on_input_end(absl::AnyInvocable<void()> callback) = 0;
    virtual bool input_ended() const = 0;
  };

  explicit HttpReply(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
  HttpReply(HttpReply&&) noexcept = default;
  HttpReply& operator=(HttpReply&& other) noexcept {
    std::swap(sink_, other.sink_);
    return *this;
  }
  ~HttpReply() {
    if (sink_) sink_->drop();
  }

  // A second answer is ignored.
  void operator()(HttpResponse response) {
    if (const auto sink = std::exchange(sink_, nullptr)) sink->respond(std::move(response));
  }
  // Answers with a body that goes on; `head` has none. Null: there is nobody to answer any more.
  std::unique_ptr<HttpStream> stream(HttpResponse head, HttpStream::Events events) {
    const auto sink = std::exchange(sink_, nullptr);
    return sink ? sink->stream(std::move(head), std::move(events)) : nullptr;
  }
  // Called once when the connection breaks before the answer, and at once where it has broken already: nobody will hear
  // the answer.
  void on_cancel(absl::AnyInvocable<void()> callback) {
    if (sink_) sink_->on_cancel(std::move(callback));
  }
  // Called once when nothing more will come from the client, be it that the connection broke or that the client has
  // ended its sending half; which may still wait for the answer. For answers that can be given early.
  void on_input_end(absl::AnyInvocable<void()> callback) {
    if (sink_) sink_->on_input_end(std::move(callback));
  }
  bool input_ended() const { return sink_ && sink_->input_ended(); }

 private:
  std::shared_ptr<Sink> sink_;
};

using HttpHandler = std::function<void(HttpRequest, HttpReply)>;
// Shapes an answer that the server itself makes (400, 408, 413, 429, 431, 500, 503): status and a sentence in,
// the answer out.
using HttpErrorShaper = std::function<HttpResponse(int status, std::string_view detail)>;

// A path, or the "*" of OPTIONS.
bool is_path(std::string_view target, std::string_view method);
// What no request may have, whatever the version, since two programs could read it differently. The error says what.
base::Result<void, std::string> check_target(std::string_view target);
base::Result<void, std::string> check_host(std::string_view host);
// Quoted for a person: what a request says may be long, and its bytes need not be text.
std::string in_quotes(std::string_view text);

}  // namespace ringside::net
