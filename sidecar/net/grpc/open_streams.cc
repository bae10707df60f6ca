#include "sidecar/net/grpc/open_streams.h"

#include <vector>

#include "sidecar/net/grpc/method_table.h"

namespace ringside::net {

bool OpenStreams::has_room(const void* connection) const {
  if (calls_.size() >= in_all_) return false;
  const auto found = on_connection_.find(connection);
  return found == on_connection_.end() || found->second < of_connection_;
}

void OpenStreams::add(const void* connection, ServerCall& call) {
  if (calls_.emplace(&call, connection).second) ++on_connection_[connection];
}

void OpenStreams::remove(ServerCall& call) {
  const auto found = calls_.find(&call);
  if (found == calls_.end()) return;
  const auto connection = on_connection_.find(found->second);
  if (--connection->second == 0) on_connection_.erase(connection);
  calls_.erase(found);
}

void OpenStreams::stop() {
  stopped_ = true;
  for (const auto& [call, connection] : calls_) call->finish(GrpcStatus::kUnavailable, kClosing);
}

}  // namespace ringside::net
