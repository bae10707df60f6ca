// Whether a connection comes from a member, by its address: without TLS nothing else tells. The addresses of members
// are their names, where those are addresses, and where a member of another name has been reached. Loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "sidecar/core/ports.h"
#include "sidecar/net/transport.h"

namespace ringside::peer {

class MemberAddresses {
 public:
  // The IP at which a host was reached last; empty where that is not known.
  using ReachedAt = std::function<std::string(const std::string& host)>;

  static constexpr std::chrono::milliseconds kBetweenLooks{100};

  // between_looks: at the members. Where many come and go, who has come is known so much later at the most, and who has
  // gone as well.
  MemberAddresses(core::Gateway& gateway, ReachedAt reached_at,
                  std::chrono::milliseconds between_looks = kBetweenLooks);
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
  const std::chrono::milliseconds between_looks_;
  std::optional<net::Clock::time_point> looked_at_;
  bool known_ = false;  // addresses_ is what holds now
};

}  // namespace ringside::peer
