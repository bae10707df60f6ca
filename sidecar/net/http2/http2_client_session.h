// One HTTP/2 connection to a server.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "sidecar/net/http2/http2_connection.h"

namespace ringside::net {

class Http2ClientSession;

struct ConnectionLoss {
  std::string why;  // empty: an orderly end
  // The server ended it, and had received so many bytes; nothing where that is not known.
  std::optional<std::uint64_t> received;
};

// What does the work of one stream. The session holds it until the stream is closed or left.
class SessionStream {
 public:
  virtual ~SessionStream() = default;
  // The headers of its request, but for scheme and authority; `timeout` holds the text of one of them until they have
  // been submitted.
  virtual void add_headers(HeaderList& headers, std::string& timeout) const = 0;
  virtual bool has_body() const { return true; }
  virtual void opened(const std::shared_ptr<Http2ClientSession>& session, std::int32_t stream) = 0;
  virtual ssize_t read_body(std::uint8_t* to, std::size_t size, std::uint32_t* flags) = 0;
  virtual void on_headers_sent() = 0;
  virtual void on_header(std::string_view name, std::string_view value) = 0;
  virtual void on_headers_end(bool end_stream) = 0;
  virtual void on_data(std::string_view bytes) = 0;
  // It gives its window back by consume_stream(), as it has room; otherwise that is done as bytes come.
  virtual bool has_own_window() const { return false; }
  virtual void on_end() = 0;
  virtual void on_going_away() = 0;
  // `going_away`: the server had said before that it takes no more.
  virtual void on_closed(std::uint32_t error, bool going_away) = 0;
  virtual void on_connection_lost(const ConnectionLoss& loss) = 0;
};

// What a session asks of whoever made it.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  // The server's SETTINGS are here: calls may start.
  virtual void on_session_ready(Http2ClientSession& session) = 0;
  // It has sent others since: it may allow more streams.
  virtual void on_session_settings() = 0;
  // No new calls on it (GOAWAY, or no stream id left); those under way go on.
  virtual void on_session_going_away(Http2ClientSession& session) = 0;
  virtual void on_session_end(Http2ClientSession& session, const std::string& why, error_code ec) = 0;
};

class Http2ClientSession final : public Http2Connection {
 public:
  Http2ClientSession(Loop& loop, Transport transport, std::weak_ptr<SessionOwner> owner, std::string authority,
                     const Http2Settings& settings);

  // Ends it where the server's SETTINGS have not come within that time.
  void start(std::chrono::milliseconds settings_within);
  // False when the session can take no more streams.
  bool open(const std::shared_ptr<SessionStream>& stream);
  // Nobody is interested in that stream any more; `reset` where the stream has not ended in both directions.
  void forget(std::int32_t id, bool reset);
  // An answer has begun to come, or one that had has ended. While there is one, what is read is acknowledged at once: a
  // server that writes it in two pieces may wait for that (Nagle).
  void answer_begun() { ++begun_; }
  void answer_over() { --begun_; }
  void leave() override;
  // Ends at once, with a reset: what the kernel has not sent yet it drops.
  void abort(std::string_view why);
  bool going_away() const { return going_away_; }
  // How many streams the server allows at the same time, and how many more now.
  std::size_t allowed_streams();
  std::size_t room();
  bool ready() const { return ready_ && !going_away_ && !closed() && !stopping(); }
  std::shared_ptr<Http2ClientSession> shared() {
    return std::static_pointer_cast<Http2ClientSession>(shared_from_this());
  }

 private:
  void on_header(std::int32_t id, std::string_view name, std::string_view value) override;
  void on_headers_end(std::int32_t id, bool end_stream) override;
  void on_data(std::int32_t id, std::string_view bytes) override;
  void on_data_end(std::int32_t id) override;
  void on_headers_sent(std::int32_t id) override;
  void on_stream_closed(std::int32_t id, std::uint32_t error) override;
  void on_settings() override;
  void on_goaway() override;
  void on_pass_end() override;
  ssize_t read_body(std::int32_t id, std::uint8_t* to, std::size_t size, std::uint32_t* flags) override;
  void on_end(std::string_view why, error_code ec) override;

  std::shared_ptr<SessionStream> find(std::int32_t id) const;
  void go_away();

  std::weak_ptr<SessionOwner> owner_;
  std::string authority_;
  absl::flat_hash_map<std::int32_t, std::shared_ptr<SessionStream>> streams_;
  Timer settings_due_;
  std::size_t begun_ = 0;
  bool ready_ = false;
  bool going_away_ = false;
};

}  // namespace ringside::net
