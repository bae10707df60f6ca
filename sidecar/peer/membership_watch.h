// ringside.peer.v1.Membership/Watch: the whole view first, then again at every change. For hosts, and for clients that
// route by themselves. A watcher that does not read gets the newest view when it does, never a queue of old ones.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "sidecar/core/ports.h"
#include "sidecar/net/grpc/method_table.h"

namespace ringside::peer {

class MembershipWatch {
 public:
  explicit MembershipWatch(core::Gateway& gateway);
  ~MembershipWatch();

  void add_methods(net::MethodTable& table);
  void stop();  // ends every stream, and takes no more

 private:
  struct Watcher {
    std::shared_ptr<net::ServerCall> call;
    std::uint64_t sent = 0;  // version
  };

  void serve(const std::shared_ptr<net::ServerCall>& call);
  void update(Watcher& watcher);
  const std::string& view();

  core::Gateway& gateway_;
  core::WatcherId registration_;
  std::uint64_t version_ = 1;
  std::string view_;  // serialized once for all who watch; empty: to be made anew
  std::list<std::shared_ptr<Watcher>> watchers_;
  std::vector<std::shared_ptr<net::OpenStreams>> open_;  // of each table
};

}  // namespace ringside::peer
