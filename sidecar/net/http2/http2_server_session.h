// One accepted HTTP/2 connection: reads requests' headers and hands each stream to what is spoken over it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "sidecar/net/budget.h"
#include "sidecar/net/connection.h"
#include "sidecar/net/http2/http2_connection.h"
#include "sidecar/net/http2/http2_server.h"
#include "sidecar/net/yield_order.h"

namespace ringside::net {

class Http2ServerSession final : public Http2Connection, public Connection {
 public:
  Http2ServerSession(Loop& loop, Transport transport, std::shared_ptr<const Http2Options> options,
                     std::shared_ptr<Budget> total, std::shared_ptr<YieldOrder::Place> place, ConnectionEnd on_end);

  void start(std::string_view already_read);
  void drain() override;
  void leave() override { drain(); }
  void close_now() override { close(""); }

  // Of calls, or of what must not be held up by them.
  BudgetAccount& account(bool control) { return control ? control_ : account_; }
  const std::string& peer() const { return peer_; }
  // Whom the client's certificate shows it to be; null: plaintext.
  const std::shared_ptr<const SecurePeer>& certificate() const { return certificate_; }
  const Http2Options& options() const { return *options_; }
  std::shared_ptr<Http2ServerSession> shared() {
    return std::static_pointer_cast<Http2ServerSession>(shared_from_this());
  }
  Loop& io() { return loop(); }
  YieldOrder& yields() { return place_->order(); }
  bool is_draining() const { return draining_; }
  // A call was served: earns the client what its window updates and pings cost.
  void served() { earn(2); }

 private:
  struct Entry {
    std::unique_ptr<RequestHead> head;     // until the headers are complete
    std::size_t head_bytes = 0;            // held in the account for as long as the stream has them
    std::shared_ptr<ServerStream> stream;  // null: answered, what still arrives is dropped
  };

  void on_stream_begin(std::int32_t id) override;
  void on_header(std::int32_t id, std::string_view name, std::string_view value) override;
  void on_headers_end(std::int32_t id, bool end_stream) override;
  void on_data(std::int32_t id, std::string_view bytes) override;
  void on_data_end(std::int32_t id) override;
  void on_end_sent(std::int32_t id) override;
  void on_stream_closed(std::int32_t id, std::uint32_t error) override;
  ssize_t read_body(std::int32_t id, std::uint8_t* to, std::size_t size, std::uint32_t* flags) override;
  bool hold(std::size_t bytes) override;
  void release(std::size_t bytes) override { account_.give_back(bytes); }
  void on_pass_end() override;
  void on_end(std::string_view why, error_code ec) override;

  void welcome_known();
  void keep_place();
  void give_bytes();
  void finish_drain();
  void watch_idle();

  std::shared_ptr<const Http2Options> options_;
  std::shared_ptr<Budget> total_;
  BudgetAccount account_;
  BudgetAccount control_;
  std::string peer_;
  std::shared_ptr<const SecurePeer> certificate_;
  bool known_;
  ConnectionEnd on_end_;
  std::shared_ptr<YieldOrder::Place> place_;
  bool asked_ = false;                              // at least once
  std::optional<Clock::time_point> waiting_since_;  // as the place has it
  absl::flat_hash_map<std::int32_t, Entry> streams_;
  std::unique_ptr<Http2Service> service_;
  Timer timer_;  // idle, then drain
  Clock::time_point last_stream_{};
  bool draining_ = false;
};

}  // namespace ringside::net
