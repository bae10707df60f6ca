// One HTTP/2 connection of a GrpcChannel, client side.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "sidecar/net/http2/http2_connection.h"

namespace ringside::net {

class ChannelSession;

// What does the work of one stream. The session holds it until the stream is closed or left.
class SessionStream {
 public:
  virtual ~SessionStream() = default;
  // The headers of its request; `timeout` holds the text of one of them until they have been submitted.
  virtual void add_headers(HeaderList& headers, std::string& timeout) const = 0;
  virtual void opened(const std::shared_ptr<ChannelSession>& session, std::int32_t stream) = 0;
  virtual ssize_t read_body(std::uint8_t* to, std::size_t size, std::uint32_t* flags) = 0;
  virtual void on_headers_sent() = 0;
  virtual void on_header(std::string_view name, std::string_view value) = 0;
  virtual void on_headers_end(bool end_stream) = 0;
  virtual void on_data(std::string_view bytes) = 0;
  virtual void on_end() = 0;
  virtual void on_going_away() = 0;
  // `going_away`: the server had said before that it takes no more.
  virtual void on_closed(std::uint32_t error, bool going_away) = 0;
  virtual void on_connection_lost(std::string_view why) = 0;
};

// What a session asks of its channel.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  // The server's SETTINGS are here: calls may start.
  virtual void on_session_ready(ChannelSession& session) = 0;
  // It has sent others since: it may allow more streams.
  virtual void on_session_settings() = 0;
  // No new calls on it (GOAWAY, or no stream id left); those under way go on.
  virtual void on_session_going_away(ChannelSession& session) = 0;
  virtual void on_session_end(ChannelSession& session, const std::string& why, error_code ec) = 0;
};

class ChannelSession final : public Http2Connection {
 public:
  ChannelSession(Loop& loop, Transport transport, std::weak_ptr<SessionOwner> owner, std::string authority);

  // False when the session can take no more streams.
  bool open(const std::shared_ptr<SessionStream>& stream);
  // Nobody is interested in that stream any more; `reset` where the stream has not ended in both directions.
  void forget(std::int32_t id, bool reset);
  void leave() override;
  // Ends at once, with a reset: what the kernel has not sent yet it drops.
  void abort(std::string_view why);
  bool going_away() const { return going_away_; }
  // How many streams the server allows at the same time, and how many more now.
  std::size_t allowed_streams();
  std::size_t room();
  bool ready() const { return ready_ && !going_away_ && !closed() && !stopping(); }
  std::shared_ptr<ChannelSession> shared() { return std::static_pointer_cast<ChannelSession>(shared_from_this()); }

 private:
  void on_header(std::int32_t id, std::string_view name, std::string_view value) override;
  void on_headers_end(std::int32_t id, bool end_stream) override;
  void on_data(std::int32_t id, std::string_view bytes) override;
  void on_data_end(std::int32_t id) override;
  void on_headers_sent(std::int32_t id) override;
  void on_stream_closed(std::int32_t id, std::uint32_t error) override;
  void on_settings() override;
  void on_goaway() override;
  ssize_t read_body(std::int32_t id, std::uint8_t* to, std::size_t size, std::uint32_t* flags) override;
  void on_end(std::string_view why, error_code ec) override;

  std::shared_ptr<SessionStream> find(std::int32_t id) const;
  void go_away();

  std::weak_ptr<SessionOwner> owner_;
  std::string authority_;
  absl::flat_hash_map<std::int32_t, std::shared_ptr<SessionStream>> streams_;
  bool ready_ = false;
  bool going_away_ = false;
};

}  // namespace ringside::net
