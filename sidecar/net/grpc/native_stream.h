// A call served by the method table: takes the one request message, or each of a stream of them, hands it to the
// handler, sends the answer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sidecar/net/grpc/grpc_framing.h"
#include "sidecar/net/grpc/method_table.h"
#include "sidecar/net/http2/http2_server_session.h"

namespace ringside::net {

class NativeStream final : public ServerStream, public ServerCall, public std::enable_shared_from_this<NativeStream> {
 public:
  NativeStream(const std::shared_ptr<Http2ServerSession>& session, std::int32_t id, const Method& method,
               RequestHead head, std::optional<Clock::time_point> deadline);

  const std::string& path() const override { return head_.path; }
  const Metadata& metadata() const override { return head_.metadata; }
  const std::string& authority() const override { return head_.authority; }
  const std::string& peer_address() const override { return peer_; }
  const SecurePeer* certificate() const override { return certificate_.get(); }
  std::optional<Clock::time_point> deadline() const override { return deadline_; }
  std::string take_message() override { return std::move(message_); }
  void reply(std::string message, Metadata trailers) override;
  void finish(GrpcStatus status, std::string_view message, Metadata trailers) override;
  void send(std::string message) override;
  std::size_t unsent_bytes() const override { return out_.size(); }
  void on_writable(absl::AnyInvocable<void()> callback) override { on_writable_ = std::move(callback); }
  void on_cancel(absl::AnyInvocable<void()> callback) override;
  bool cancelled() const override { return gone_; }

  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_closed(std::uint32_t error) override;
  ssize_t read_body(std::uint8_t* to, std::size_t size, std::uint32_t* flags) override;

 private:
  struct Handle;  // what the handler holds: its end without an answer is an answer
  // Reads one message's frame, or a part of it. False: the call has been refused.
  bool feed(std::string_view bytes);
  void take_messages();
  bool append(Http2ServerSession& session, std::string&& message);
  void begin_response(Http2ServerSession& session);
  void refuse(Refusal why, GrpcStatus status, std::string_view message);
  void add_status(HeaderList& headers) const;
  void release_request();
  void forget_callbacks();

  std::weak_ptr<Http2ServerSession> session_;
  std::int32_t id_;
  const Method& method_;  // the session's service holds the table for as long as anybody can get here
  RequestHead head_;
  std::string peer_;
  std::shared_ptr<const SecurePeer> certificate_;
  std::optional<Clock::time_point> deadline_;
  GrpcMessageReader reader_;
  std::string message_;
  std::size_t request_bytes_ = 0;  // held in the account
  std::string unread_;             // of a stream of requests: the handler has yet to see it
  OutBuffer out_;
  std::string status_text_;
  std::string status_message_;
  Metadata trailers_;
  absl::AnyInvocable<void()> on_writable_;
  absl::AnyInvocable<void()> on_cancel_;
  bool has_message_ = false;
  bool client_ended_ = false;
  bool dispatched_ = false;
  bool responding_ = false;  // response headers submitted
  bool finished_ = false;
  bool gone_ = false;
  bool overrun_ = false;  // more unsent than the connection may hold
  bool above_mark_ = false;
};

}  // namespace ringside::net
