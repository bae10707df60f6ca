// Tells events over HTTP on one listener: as a list, or each as it happens.
//
// Bounds: as many streams as it was told, in all and to one address, kMostUnsent bytes that a reader has not taken,
// then its stream ends. What happened before is sent as fast as it is read, and waits in the history meanwhile. While
// nobody follows, nothing is made into text and no timer runs. Loop thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "sidecar/base/lifetime.h"
#include "sidecar/events/event_json.h"
#include "sidecar/events/event_query.h"
#include "sidecar/events/history.h"
#include "sidecar/net/http_message.h"
#include "sidecar/net/transport.h"

namespace ringside::events {

struct EventStreamsOptions {
  std::string self;       // this host
  std::size_t most = 16;  // streams at once
  std::size_t most_of_one_address = 16;
  std::chrono::milliseconds heartbeat{15'000};
};

class EventStreams {
 public:
  static constexpr std::size_t kMostUnsent = std::size_t{64} << 10;

  // `history` outlives it.
  EventStreams(net::Loop& loop, History& history, EventStreamsOptions options);
  ~EventStreams();
  EventStreams(const EventStreams&) = delete;
  EventStreams& operator=(const EventStreams&) = delete;

  // {"events":[...],"oldest","newest","view_of"}
  nlohmann::json list(const EventQuery& query, Sight sight) const;
  // Why there is no room for a stream to that address (HttpRequest::peer), in a sentence; empty: there is.
  std::string why_full(const std::string& peer) const;
  // There is room. To HEAD it answers with the head alone.
  void follow(const EventQuery& query, Sight sight, const net::HttpRequest& request, net::HttpReply reply);
  std::size_t size() const { return streams_.size(); }

 private:
  struct Stream {
    std::unique_ptr<net::HttpStream> body;
    std::string peer;
    Sight sight = Sight::kElsewhere;
    std::uint64_t sent = 0;  // the last event that was written
    bool caught_up = false;  // with what happened before; what happens is written at once
  };
  std::uint64_t first_of(const EventQuery& query) const;  // the number before it
  std::string encoded(const Recorded& one, Sight sight) const;
  void catch_up(std::uint64_t id);
  void tell(const Recorded& news);
  void beat();
  void write(Stream& stream, std::string_view bytes) const;
  void end(std::uint64_t id);

  History& history_;
  const EventStreamsOptions options_;
  std::map<std::uint64_t, Stream> streams_;
  std::uint64_t next_id_ = 1;
  std::uint64_t watch_ = 0;
  net::Timer heartbeat_;
  base::Lifetime life_;  // last
};

}  // namespace ringside::events
