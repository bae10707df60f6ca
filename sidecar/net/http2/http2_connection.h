// One HTTP/2 connection in either role: moves bytes between a Transport and an nghttp2 session, writes once per
// loop iteration, guards against abuse, and turns nghttp2's callbacks into virtual functions.
// Windows are not given back by themselves: the connection's is on receipt, a stream's by consume_stream().
// Those functions may submit frames, never send: nothing is written before the next loop iteration. Loop thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/container/inlined_vector.h>
#include <nghttp2/nghttp2.h>
#include <sys/types.h>

#include "sidecar/base/freed_by.h"
#include "sidecar/base/token_bucket.h"
#include "sidecar/net/http2/idle_reset_filter.h"
#include "sidecar/net/metadata.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class LoopScratch;

struct Http2Settings {
  bool server = false;
  std::uint32_t max_concurrent_streams = 4096;  // server
  std::uint32_t stream_window = 1 << 20;
  std::uint32_t connection_window = 8 << 20;
  // Of one block of headers, trailers included: the sum of name, value and 32 of each field (RFC 9113 §6.5.2).
  std::uint32_t max_header_list = 16 * 1024;
  // A server stops reading from a client that takes no answers; one that has taken none for so long is ended.
  std::chrono::milliseconds write_timeout{30'000};
  double control_burst = 20'000;
  double control_per_second = 5'000;
};

// Headers on their way into nghttp2, which copies them: what is added must live until then.
class HeaderList {
 public:
  void add(std::string_view name, std::string_view value);
  // Values that may not stand in a header are left out, so that nothing from outside can break the frame.
  void add(const Metadata& metadata);
  const nghttp2_nv* data() const { return headers_.data(); }
  std::size_t size() const { return headers_.size(); }

 private:
  absl::InlinedVector<nghttp2_nv, 16> headers_;
};

class Http2Connection : public std::enable_shared_from_this<Http2Connection> {
 public:
  virtual ~Http2Connection();
  Http2Connection(const Http2Connection&) = delete;
  Http2Connection& operator=(const Http2Connection&) = delete;

  // Sends our settings, takes what was read already, and starts reading.
  void begin(std::string_view already_read);
  // Takes nothing new; what is under way goes on, and then it ends.
  virtual void leave() = 0;
  // Ends at once without a farewell; on_end() runs before this returns.
  void close(std::string_view why, error_code ec = {});
  bool closed() const { return closed_; }
  // Handed to the kernel until now; and of that what the other end had received when it ended the connection, where
  // that is known.
  std::uint64_t bytes_written() const { return written_; }
  std::optional<std::uint64_t> bytes_received_there() const { return received_there_; }

  void submit_response(std::int32_t id, const HeaderList& headers, bool has_body);
  // An answer before the answer (1xx).
  void submit_interim(std::int32_t id, const HeaderList& headers);
  // Only from read_body().
  void submit_trailers(std::int32_t id, const HeaderList& headers);
  // The stream's id; negative: no id left, this connection is used up.
  std::int32_t submit_request(const HeaderList& headers, bool has_body, void* user);
  void reset(std::int32_t id, std::uint32_t error);
  void resume(std::int32_t id);
  void consume_stream(std::int32_t id, std::size_t bytes);

 protected:
  Http2Connection(Loop& loop, Transport transport, const Http2Settings& settings);

  virtual void on_stream_begin(std::int32_t) {}
  virtual void on_header(std::int32_t id, std::string_view name, std::string_view value) = 0;
  virtual void on_headers_end(std::int32_t id, bool end_stream) = 0;
  virtual void on_data(std::int32_t id, std::string_view bytes) = 0;
  // END_STREAM on DATA.
  virtual void on_data_end(std::int32_t id) = 0;
  virtual void on_headers_sent(std::int32_t) {}
  // END_STREAM has been sent.
  virtual void on_end_sent(std::int32_t) {}
  virtual void on_stream_closed(std::int32_t id, std::uint32_t error) = 0;
  virtual void on_goaway() {}
  virtual void on_settings() {}
  // What was read has been taken, or what can be written now has been.
  virtual void on_pass_end() {}
  // The body to send: as nghttp2_data_source_read_callback.
  virtual ssize_t read_body(std::int32_t id, std::uint8_t* to, std::size_t size, std::uint32_t* flags) = 0;
  // Bytes that this connection keeps besides: written and not taken by the kernel, read and not looked at. False: more
  // than it may.
  virtual bool hold(std::size_t) { return true; }
  virtual void release(std::size_t) {}
  // Once, when the connection is over: all streams still known are lost. `why` is empty for an orderly end.
  virtual void on_end(std::string_view why, error_code ec) = 0;

  // GOAWAY with this code, then the end.
  void terminate(std::uint32_t error, std::string_view why);
  // Pays for something that a peer made us do; ends the connection when the peer has paid too often.
  void charge(double cost, std::string_view what);
  void earn(double tokens) { guard_.give_back(tokens); }
  // The block of headers that is being read, or was read last, is beyond the limits. One that goes on to a multiple of
  // them ends the connection.
  bool block_too_large() const { return block_size_ > max_header_list_ || block_fields_ > kMaxFields; }
  void mark_dirty();
  nghttp2_session* session() { return session_.get(); }
  Transport& transport() { return transport_; }
  Loop& loop() { return loop_; }
  bool stopping() const { return stopping_; }

 private:
  static constexpr std::size_t kMaxFields = 100;
  struct Callbacks;
  void make_session(const Http2Settings& settings);
  void hear_of_certificates();
  void wait_readable();
  void on_readable();
  void count_field(std::string_view name, std::string_view value);
  bool feed(std::string_view bytes);
  bool take(std::string_view slice);
  bool receive(std::string_view bytes);
  bool answers_pile_up() const;
  void resume_reading();
  void watch_progress();
  void flush();
  bool write_pending();
  bool write_out(std::string& bytes);
  void wait_writable();
  int check() const;

  Loop& loop_;
  LoopScratch& scratch_;
  Transport transport_;
  // Frames that cost us something and ask for nothing (RFC 9113 §10.5). Useful work gives tokens back, so that a busy
  // honest peer, which sends many window updates and pings, is never taken for an attacker.
  base::TokenBucket guard_;
  std::unique_ptr<IdleResetFilter> filter_;  // server
  std::unique_ptr<nghttp2_session, base::FreedBy<nghttp2_session_del>> session_;
  const std::size_t max_header_list_;
  std::size_t block_size_ = 0;    // of the block of headers that is being read
  std::size_t block_fields_ = 0;  // likewise
  std::string pending_;           // pulled from nghttp2 and not taken by the kernel
  std::string unfed_;             // read, and not fed to nghttp2 yet: its answers would pile up
  const std::chrono::milliseconds write_timeout_;
  std::unique_ptr<Timer> progress_;  // while something waits to be taken
  std::uint64_t written_ = 0;        // bytes
  std::optional<std::uint64_t> received_there_;
  bool paused_ = false;  // reading
  std::string why_;
  std::unique_ptr<Timer> farewell_;
  bool flush_due_ = false;  // at the end of the iteration
  bool waiting_writable_ = false;
  bool stopping_ = false;
  bool closed_ = false;
};

}  // namespace ringside::net
