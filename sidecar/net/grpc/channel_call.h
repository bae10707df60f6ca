// One call of a GrpcChannel from start to result: unary (message and `done`) or streaming (handlers).
// The channel finds its session; this class speaks gRPC on one stream of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <absl/functional/any_invocable.h>

#include "sidecar/net/grpc/grpc_call.h"
#include "sidecar/net/grpc/grpc_framing.h"
#include "sidecar/net/http2/http2_client_session.h"

namespace ringside::net {

// What a call asks of its channel.
class CallOwner {
 public:
  virtual ~CallOwner() = default;
  // The call has its result: take it off every list, then hand the result over.
  virtual void on_call_over(ChannelCallId id, CallResult result) = 0;
  // Bytes of this call left the channel's account.
  virtual void on_bytes_gone(std::size_t bytes) = 0;
  virtual Loop& loop() = 0;
};

class ChannelCall final : public SessionStream, public std::enable_shared_from_this<ChannelCall> {
 public:
  ChannelCall(std::weak_ptr<CallOwner> owner, ChannelCallId id, std::string path, Metadata metadata,
              CallOptions options);

  void set_unary(std::string message, CallDone done);
  void set_streaming(StreamHandlers handlers);

  ChannelCallId id() const { return id_; }
  const CallOptions& options() const { return options_; }
  bool over() const { return over_; }
  // What it holds in the channel's account.
  std::size_t held_bytes() const { return unary_ ? message_.size() : out_.size(); }
  std::size_t unsent_bytes() const { return out_.size(); }
  void send(std::string_view message);
  void half_close();

  void opened(const std::shared_ptr<Http2ClientSession>& session, std::int32_t stream) override;
  void add_headers(HeaderList& headers, std::string& timeout) const override;
  ssize_t read_body(std::uint8_t* to, std::size_t size, std::uint32_t* flags) override;
  void on_headers_sent() override { headers_sent_ = true; }
  void on_header(std::string_view name, std::string_view value) override;
  void on_headers_end(bool end_stream) override;
  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_going_away() override;
  void on_closed(std::uint32_t error, bool going_away) override;
  void on_connection_lost(const ConnectionLoss& loss) override;

  bool begun() const { return headers_sent_; }
  // When there is something to decide about it: its deadline, or its latest beginning.
  std::optional<Clock::time_point> due() const {
    if (options_.deadline) return *options_.deadline + options_.grace;
    return answer_due_ ? answer_due_ : options_.begin_by;
  }
  // It has its stream.
  void start_clock() {
    if (options_.answer_within) answer_due_ = Clock::now() + *options_.answer_within;
  }
  bool answer_is_due() const { return options_.deadline.has_value() || answer_due_.has_value(); }
  // Whether the server may have processed it.
  Delivery delivery() const;
  // Ends it from our side with this result.
  void fail(CallResult result);
  // Ends it without a result; no handler runs any more.
  void drop();
  // The result reaches its owner; the channel calls this when the call is on no list any more.
  void deliver(CallResult result);
  // Once, where surely nothing was processed because that connection was going away: it may start anew.
  bool take_retry();

 private:
  void finish(GrpcStatus status, std::string_view message, bool from_server);
  void take_message(std::string message);
  void pass_over(std::string_view beginning, std::optional<std::size_t> length);
  void leave_stream();
  void release_handlers();

  std::weak_ptr<CallOwner> owner_;
  ChannelCallId id_;
  std::string path_;
  Metadata metadata_;
  CallOptions options_;
  std::optional<Clock::time_point> answer_due_;
  bool unary_ = false;
  std::string message_;   // unary: kept until answered, for a retry
  std::size_t sent_ = 0;  // unary: of prefix and message
  OutBuffer out_;         // streaming
  CallDone done_;
  StreamHandlers handlers_;

  std::weak_ptr<Http2ClientSession> session_;
  std::int32_t stream_ = 0;
  GrpcMessageReader reader_;
  CallResult result_;
  int http_status_ = 0;
  std::string grpc_status_;
  std::size_t header_bytes_ = 0;
  bool headers_seen_ = false;
  bool has_message_ = false;
  bool headers_sent_ = false;
  bool all_sent_ = false;
  bool half_closed_ = false;
  bool remote_ended_ = false;
  bool above_mark_ = false;
  bool retried_ = false;
  bool retry_wanted_ = false;
  bool over_ = false;
};

}  // namespace ringside::net
