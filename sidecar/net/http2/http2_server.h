// How a listener serves HTTP/2, whatever is spoken over it: limits, and what does the work of each stream.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "sidecar/net/budget.h"
#include "sidecar/net/metadata.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class Http2ServerSession;

// The headers of one request.
struct RequestHead {
  std::string method;
  std::string scheme;
  std::string authority;
  std::string path;
  Metadata metadata;
  // Beyond the limits of a block of headers, or of the bytes that may be held: the rest is missing.
  bool too_large = false;
  bool no_room = false;
  bool whole = false;  // nothing follows them
  Clock::time_point arrived{};
};

// What does the work of one stream. The session holds it until the stream is closed.
class ServerStream {
 public:
  virtual ~ServerStream() = default;
  virtual void on_data(std::string_view bytes) = 0;
  virtual void on_end() = 0;
  // The stream is over: `error` is NO_ERROR after a whole answer.
  virtual void on_closed(std::uint32_t error) = 0;
  virtual ssize_t read_body(std::uint8_t* to, std::size_t size, std::uint32_t* flags) = 0;
  // The connection takes no more requests: what would go on for ever is to come to its end.
  virtual void on_drain() {}
  // The whole answer has been sent before the request was whole. True: the client is to be told to stop, by a reset.
  virtual bool on_answered_early() { return true; }
};

// What is spoken over one connection: gRPC, say. Each session has one of its own, which it outlives.
class Http2Service {
 public:
  virtual ~Http2Service() = default;
  // A request's headers are complete. Null: it has been answered already, and what still arrives is dropped.
  virtual std::shared_ptr<ServerStream> open(const std::shared_ptr<Http2ServerSession>& session, std::int32_t id,
                                             RequestHead head) = 0;
  // What was read has been taken, or what can be written now has been: a moment to look at what is left.
  virtual void on_pass_end(Http2ServerSession&) {}
  // Since when the one that has done so for longest has kept bytes waiting for its client; nothing: none does.
  virtual std::optional<Clock::time_point> longest_waiting() { return std::nullopt; }
  // That one gives them back.
  virtual void give_bytes() {}
};

struct Http2Options {
  // Makes what is spoken over one connection.
  std::function<std::unique_ptr<Http2Service>()> service;
  // Of one block of headers: the sum of name, value and 32 of each field; there may be 100. Of more, the service hears
  // that it is too much, and of four times as much the connection ends.
  std::size_t max_header_list = 16 * 1024;
  std::uint32_t max_concurrent_streams = 4096;
  // Whose connections, by their address, may do what stands here. Others are strangers, with fewer streams and bytes of
  // their own, until this says otherwise of them: it is asked anew with each of their requests. Null: there are none.
  std::function<bool(const std::string& address)> is_known;
  std::uint32_t stranger_streams = 100;
  std::shared_ptr<AddressBudgets> strangers;  // for all bytes of theirs; null: as those of others
  std::uint32_t stream_window = 1 << 20;
  std::uint32_t connection_window = 8 << 20;
  // Bytes of requests (headers counted as above) and of unread answers held for one connection, and for all that share
  // `total`.
  std::size_t connection_budget = std::size_t{64} << 20;
  std::shared_ptr<Budget> total;  // null: 256 MiB for this listener
  // Likewise for headers, and for the messages of methods that others must not hold up; null: `total`.
  std::shared_ptr<Budget> control;
  // Token bucket over what costs us but asks for nothing: resets, pings, settings, empty data, priority,
  // window updates. Honest peers with short deadlines reset by the thousand, so it is generous.
  double control_burst = 20'000;
  double control_per_second = 5'000;
  std::chrono::milliseconds write_timeout{30'000};  // a client that reads nothing of what waits for it; closed
  std::chrono::milliseconds idle_timeout{0};        // without a stream; 0: never, which peers' channels want
  bool idle_gives_way = false;                      // where connections are short, one without a stream makes room
};

}  // namespace ringside::net
