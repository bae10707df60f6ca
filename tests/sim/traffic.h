// Counts what hosts send one another. Nobody may ever send in a loop, and a change must cost no more than its share.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sidecar/core/peer_messages.h"

namespace ringside::sim {

class Traffic {
 public:
  explicit Traffic(std::size_t hosts) : hosts_(hosts), this_second_(hosts), most_(hosts) {}

  void question(std::size_t from, const core::PeerRequest& request, std::int64_t now);
  void forward() { ++forwards_; }
  void change() { ++changes_; }  // a host came or went
  void moved(std::size_t ids) { moved_ += ids; }

  std::uint64_t pings() const { return pings_; }
  std::uint64_t questions() const { return questions_; }  // all but pings
  std::uint64_t forwards() const { return forwards_; }
  std::uint64_t changes() const { return changes_; }

  // The formulas of docs/guarantees.md. Empty: they hold. Where nothing gets lost, changes have their own bound.
  std::string broken(bool nothing_lost) const;

 private:
  struct Second {
    std::int64_t second = 0;
    std::uint64_t sent = 0;
  };

  std::size_t hosts_;
  std::vector<Second> this_second_;
  std::vector<std::uint64_t> most_;  // questions of one host in one second
  std::uint64_t pings_ = 0;
  std::uint64_t questions_ = 0;
  std::uint64_t expiries_ = 0;
  std::uint64_t forwards_ = 0;
  std::uint64_t changes_ = 0;
  std::uint64_t moved_ = 0;
};

}  // namespace ringside::sim
