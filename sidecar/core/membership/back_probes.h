// Requests that are answered once the host that they are about has been pinged (docs/decisions/0002).
//
// A message about a host only makes this host look: whoever sent it waits until the subject itself has answered, or has
// failed to. One ping serves all that wait for the same host.
//
// Invariants
//  1. A host is in the table as long as one back-probe of it is under way, and at least one request waits for it.
//  2. Every request that was taken in is given back exactly once, in the order in which they came.
//  3. At most kMost hosts, and kMost requests about each: what is refused is answered by the caller at once.
// Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sidecar/core/call.h"
#include "sidecar/core/types.h"

namespace ringside::core {

struct WaitingRequest {
  enum class For : std::uint8_t { kJoin, kLeave, kClosing };
  For what = For::kJoin;
  ReplyId token;                // for the answer to the request
  Generation generation = 0;    // of the host in question, as the request knows it
  bool from_elsewhere = false;  // whoever asks may not be that host
  Fingerprint names = 0;        // of a joiner
  Instant since{};              // when it came
};

class BackProbes {
 public:
  static constexpr std::size_t kMost = 256;
  static constexpr std::size_t kMostFromElsewhere = 32;  // more of them must not keep hosts from joining

  enum class Added : std::uint8_t {
    kFirst,   // the host is to be pinged
    kWaits,   // a ping is under way
    kNoRoom,  // not taken in
  };
  Added add(const std::string& host, const WaitingRequest& request);
  // The ping of that host has been answered, or has failed: whoever waited for it.
  std::vector<WaitingRequest> take(const std::string& host);
  void check() const;  // ends the process if invariant 1 or 3 does not hold

 private:
  std::map<std::string, std::vector<WaitingRequest>> waiting_;
};

}  // namespace ringside::core
