// The streams of one kind that are open at the same time, such as those of watchers: how many there may be, and the end
// of all of them. Loop thread only.
#pragma once

#include <cstddef>

#include <absl/container/flat_hash_map.h>

namespace ringside::net {

class ServerCall;

class OpenStreams {
 public:
  OpenStreams(std::size_t of_connection, std::size_t in_all) : of_connection_(of_connection), in_all_(in_all) {}

  // Whether another one may be opened on this connection: an address that names it, and is not looked at.
  bool has_room(const void* connection) const;
  // Each is taken off when it is over.
  void add(const void* connection, ServerCall& call);
  void remove(ServerCall& call);

  // Ends each with UNAVAILABLE, as those that are opened later.
  void stop();
  bool stopped() const { return stopped_; }

 private:
  std::size_t of_connection_;
  std::size_t in_all_;
  absl::flat_hash_map<ServerCall*, const void*> calls_;
  absl::flat_hash_map<const void*, std::size_t> on_connection_;
  bool stopped_ = false;
};

}  // namespace ringside::net
