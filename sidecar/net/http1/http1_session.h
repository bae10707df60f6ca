// One accepted HTTP/1.1 connection: one request at a time, in order; what is pipelined waits unread or, up to a
// bound, undecoded.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <absl/functional/any_invocable.h>

#include "sidecar/net/budget.h"
#include "sidecar/net/connection.h"
#include "sidecar/net/http1/http1_reader.h"
#include "sidecar/net/http1/http1_server.h"
#include "sidecar/net/transport.h"
#include "sidecar/net/yield_order.h"

namespace ringside::net {

class Http1Session final : public Connection,
                           public HttpAnswerTaker,
                           public std::enable_shared_from_this<Http1Session> {
 public:
  Http1Session(Loop& loop, Transport transport, std::shared_ptr<const Http1Options> options,
               std::shared_ptr<Budget> total, std::shared_ptr<YieldOrder::Place> place, ConnectionEnd on_end);

  void start(std::string_view already_read);
  void drain() override;
  void close_now() override { close(""); }

 private:
  class Stream;
  // kQueued: what has come waits in the RequestQueue.
  enum class Phase { kReading, kHandling, kWriting, kStreaming, kQueued, kLingering, kClosed };

  void wait_readable();
  void on_readable();
  void on_input_end(bool broken);
  void process();
  void await_more();
  bool take(std::size_t bytes);
  bool count();
  bool count_request();
  void give_bytes();
  void dispatch();
  void respond(HttpResponse response) override;
  std::unique_ptr<HttpStream> begin_stream(HttpResponse head, HttpStream::Events events) override;
  const HttpServing& serving() const override { return *options_; }
  void write_stream(std::string_view bytes);
  void end_stream();  // nothing more will be written
  void tell_stream_ended();
  bool sends_answer() const { return phase_ == Phase::kWriting || phase_ == Phase::kStreaming; }
  void fail(int status, std::string_view detail);
  void write(std::string bytes);
  void flush();
  bool flush(const std::string& bytes, std::size_t before);
  void wait_writable();
  void written();
  void await_queue(void (Http1Session::*next)());
  void linger();
  void close(std::string_view incident);
  void arm(std::chrono::milliseconds after);
  void disarm();
  void on_timeout();

  Loop& loop_;
  Transport transport_;
  std::shared_ptr<const Http1Options> options_;
  BudgetAccount account_;
  std::shared_ptr<YieldOrder::Place> place_;
  ConnectionEnd on_end_;
  std::string peer_;
  Http1Reader<true> reader_;
  Phase phase_ = Phase::kReading;
  std::weak_ptr<PendingReply> reply_;
  std::size_t handled_ = 0;  // bytes of the request that is being handled
  std::string out_;
  std::string out_body_;  // behind it, where copying would cost
  std::size_t sent_ = 0;  // of both
  HttpStream::Events stream_;
  bool stream_ended_ = false;
  Timer timer_;
  unsigned arming_ = 0;  // a queued expiry cannot be recalled: it names the arming it belongs to
  Http1Reader<true>::State timed_state_ = Http1Reader<true>::State::kDone;
  std::size_t lingered_ = 0;
  bool head_request_ = false;
  bool answered_ = false;  // at least once
  bool keep_alive_ = true;
  bool waiting_readable_ = false;
  bool waiting_writable_ = false;
  bool continue_sent_ = false;
  bool input_ended_ = false;
  bool draining_ = false;
};

}  // namespace ringside::net
