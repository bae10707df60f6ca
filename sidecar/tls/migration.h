// How far a cluster is on its way to --peer-tls require: what each peer says that it does, and how it dials this host.
// Loop thread only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/core/peer_security.h"

namespace ringside::tls {

class Migration {
 public:
  static constexpr std::size_t kMost = 4096;  // hosts, as many as may be candidates

  // A host has called. `mode`: the word by which it says what it does; empty: it does not say.
  void heard(const std::string& host, bool under_tls, std::string_view mode);
  // Whether all of these peers are ready for the step after `mode`, and who is not: "2 of 7 peers still dial plaintext:
  // a, b". Forgets everybody else.
  std::string next_step(core::PeerTlsMode mode, const std::vector<std::string>& peers);

 private:
  struct Peer {
    bool dials_tls = false;
    std::optional<core::PeerTlsMode> mode;
  };
  std::map<std::string, Peer> peers_;
};

}  // namespace ringside::tls
