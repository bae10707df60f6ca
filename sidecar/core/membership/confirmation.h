// After this process has stood still: which members have yet to say that they still know this run of it.
//
// The others may have taken it for dead meanwhile, and started its actors elsewhere. So it serves nothing until every
// member that it had then has answered a ping sent since, or is gone.
//
// Invariants
//  1. Only hosts that were members when it began are awaited, and each is struck off once.
//  2. An answer to a ping from before counts for nothing.
// Loop thread only.
#pragma once

#include <set>
#include <string>

#include "sidecar/core/membership/member.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class Confirmation {
 public:
  // Of all those; without any there is nothing to wait for.
  void begin(std::set<std::string> members, Instant now);
  void cancel() { awaited_.clear(); }
  bool open() const { return !awaited_.empty(); }

  // True: that was the last that was awaited.
  bool answered(const std::string& host, Instant asked);
  bool gone(const std::string& host);
  // The host can no longer say what became of this run. True: it was awaited.
  bool withdraw(const std::string& host) { return awaited_.erase(host) != 0; }

  void check(const Members& members) const;  // ends the process if somebody else is awaited

 private:
  std::set<std::string> awaited_;
  Instant since_;
};

}  // namespace ringside::core
