// Which activations the app is to be asked to forget: in which order, how many at once, and which once more.
//
// An activation that ends is on this list from the moment when no turn of it is under way until the app has confirmed:
// it waits to be asked, or the question is under way, or it waits to be asked again. Those that a call waits for come
// first. What has not been asked yet can be taken back.
//
// Invariants
//  1. At most `most` questions are under way, and as many as have turned out to be worthwhile (concurrency_limit.h);
//     one that takes far longer than others did keeps no other from being asked.
//  2. An id is on the list once at most; a token names one question at most.
// Loop thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>

#include "sidecar/core/activations/concurrency_limit.h"
#include "sidecar/core/call.h"
#include "sidecar/core/peer_messages.h"

namespace ringside::core {

class Deactivations {
 public:
  struct Asked {
    Claim claim;
    unsigned failures = 0;  // earlier questions that did not end it
  };
  struct Failures {
    unsigned times = 0;
    std::string last;  // a sentence
  };

  explicit Deactivations(std::size_t most) : most_(most), limit_(most) {}

  void add(const Claim& claim, bool awaited);
  void hurry(ActorId id);     // a call has come that waits for it
  bool withdraw(ActorId id);  // false: it has been asked, and may be over
  bool contains(ActorId id) const { return entries_.contains(id); }
  bool not_asked_yet(ActorId id) const;
  // The next one to ask, if there is room. The caller asks, and tells under which token.
  std::optional<Claim> next(Instant now);
  void asked(const Claim& claim, DeactivationId token, Instant now);

  // What the question was about; nothing: it is not on the list any more. Then one of: over(), ask_later().
  std::optional<Asked> answered(DeactivationId token, Instant now);
  void over(ActorId id) { entries_.erase(id); }
  void ask_later(ActorId id, const std::string& failure);  // until ask_again()
  void ask_again(ActorId id);
  Failures failures(ActorId id) const;  // none: it is not on the list, or nothing was answered yet

  void clear();
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  void check() const;  // ends the process if an invariant does not hold

 private:
  enum class State { kWaits, kUnderWay, kPaused };
  struct Entry {
    Claim claim;
    State state = State::kWaits;
    bool awaited = false;
    Failures failures;
  };
  struct Question {
    ActorId id = 0;
    Instant asked;
  };
  Entry& at(ActorId id);  // one that is on the list
  void queue(Entry& entry);
  std::size_t in_the_way(Instant now) const;

  const std::size_t most_;
  ConcurrencyLimit limit_;
  Duration longest_{0};  // that an answer took, of late
  std::unordered_map<ActorId, Entry> entries_;
  std::map<DeactivationId, Question> questions_;  // in the order in which they were asked
  std::deque<ActorId> awaited_, others_;          // in order; some have left the list, or wait in the other one, since
};

}  // namespace ringside::core
