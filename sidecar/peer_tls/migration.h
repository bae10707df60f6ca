// How far a cluster is on its way to --peer-tls require: what each peer says that it does, and how it dials this host.
// Loop thread only.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/core/peer_security.h"

namespace ringside::peer_tls {

class Migration {
 public:
  static constexpr std::size_t kMost = 4096;  // callers, as many as there may be hosts

  // Somebody has called this host. `host`: the name that it gives; empty: none, as hosts of the given protocol do,
  // which are known by their addresses. `mode`: the word by which it says what its --peer-tls is; empty: it does not
  // say. False: there are too many, and it is not kept.
  bool heard(const std::string& host, const std::string& ip, bool under_tls, std::string_view mode);
  // Whoever is none of these is not heard of any more.
  void keep_only(const std::vector<std::string>& peers);
  // Whether all of these peers are ready for the step after `mode`, and who is not: "2 of 7 peers still dial plaintext:
  // a, b". Empty: there is no step. `plaintext`: how many connections in plaintext others have to this host now.
  std::string next_step(core::PeerTlsMode mode, const std::vector<std::string>& peers, std::size_t plaintext = 0) const;

 private:
  struct Caller {
    bool dials_tls = false;
    std::optional<core::PeerTlsMode> mode;
  };
  const Caller* find(const std::string& peer) const;

  std::map<std::string, Caller> callers_;  // by name, and by address where they give none
};

}  // namespace ringside::peer_tls
