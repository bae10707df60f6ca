// grpc.health.v1.Health: whether the server serves, and each of its services that is named. Check answers now,
// NOT_FOUND for an unknown service; Watch answers at once (SERVICE_UNKNOWN for one that is not known yet) and at every
// change. Loop thread only.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sidecar/net/grpc/method_table.h"

namespace ringside::services {

class Health {
 public:
  void add_methods(net::MethodTable& table);

  // From now on `service` is known; empty means the whole server.
  void set_serving(const std::string& service, bool serving);
  // Ends every Watch, and takes no more.
  void stop();

 private:
  struct Watcher {
    std::shared_ptr<net::ServerCall> call;
    std::string service;
    int sent = -1;  // a ServingStatus; -1: none yet
  };

  void check(net::ServerCall& call) const;
  void watch(const std::shared_ptr<net::ServerCall>& call);
  void update(Watcher& watcher) const;
  int status_of(const std::string& service) const;  // a ServingStatus

  std::map<std::string, bool> serving_;
  std::list<std::shared_ptr<Watcher>> watchers_;
  std::vector<std::shared_ptr<net::OpenStreams>> open_;  // of each table
};

}  // namespace ringside::services
