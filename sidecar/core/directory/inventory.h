// The question "what do you hold in my new ranges?", asked of every member before anything is claimed there.
//
// Orleans' distributed grain directory recovers its ranges the same way. One question is open at a time; what is gained
// meanwhile waits for the next. Answers to another number, or of another run, do not count. Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "sidecar/core/hash_ranges.h"
#include "sidecar/core/peer_messages.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class Inventory {
 public:
  static constexpr std::size_t kMaxEnded = 65'536;

  void gain(const HashRanges& ranges) { pending_.add(ranges); }
  // Ranges that belong to another again need no answer here.
  void lose(const HashRanges& ranges);
  void clear();

  // Something is pending, and no question is open: the next one may be.
  bool may_open_next() const { return waiting_.empty() && !pending_.empty(); }
  // Opens it: `members` (host -> generation) must answer. With no members, it is closed at once.
  void open_next(const std::map<std::string, Generation>& members);

  // That run has yet to answer the open question, which has this number: what it says to another counts for nothing.
  bool awaits(const std::string& host, Generation generation, InventoryNumber number) const;
  // True: this answer is to the open question (its claims count).
  bool answered(const std::string& host, Generation generation, InventoryNumber number);
  // Told while it is asked: an answer that it gave before still lists this, and must not bring it back. Beyond
  // kMaxEnded it does, until the first call for that id finds out.
  void ended(const std::string& host, const Claim& claim);
  bool has_ended(const std::string& host, const Claim& claim) const;
  // That run is dead, or was never asked: nothing more is awaited from it.
  void gone(const std::string& host);

  bool closed() const { return pending_.empty() && waiting_.empty(); }
  bool in_doubt(Hash key) const { return pending_.contains(key) || open_.contains(key); }
  InventoryNumber number() const { return number_; }
  const HashRanges& ranges() const { return open_; }
  const std::map<std::string, Generation>& waiting() const { return waiting_; }
  void check() const;  // ends the process if a range is in doubt although all have answered

 private:
  void close_if_answered();

  InventoryNumber number_ = 0;
  HashRanges pending_, open_;
  std::map<std::string, Generation> waiting_;
  std::set<std::tuple<ActorId, Epoch, std::string>> ended_;
};

}  // namespace ringside::core
