// Whether a connection comes from a member, by its address: without TLS nothing else tells. The addresses of members
// are their names, where those are addresses, and where a member of another name has been reached. Loop thread only.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "sidecar/core/ports.h"

namespace ringside::peer {

class MemberAddresses {
 public:
  // The IP at which a host was reached last; empty where that is not known.
  using ReachedAt = std::function<std::string(const std::string& host)>;

  MemberAddresses(core::Gateway& gateway, ReachedAt reached_at);
  ~MemberAddresses();
  MemberAddresses(const MemberAddresses&) = delete;
  MemberAddresses& operator=(const MemberAddresses&) = delete;

  // An IP as text. Other members only: this host does not call itself.
  bool contains(const std::string& ip);
  // A host was reached, perhaps at another address than before.
  void look_again() { known_ = false; }

 private:
  void look();

  core::Gateway& gateway_;
  ReachedAt reached_at_;
  core::WatcherId registration_;
  std::set<std::string> addresses_;
  bool known_ = false;  // addresses_ is what holds now
};

}  // namespace ringside::peer
