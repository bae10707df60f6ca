// Which activations the app is to be asked to forget: in which order, how many at once, and which once more.
//
// An activation that ends is on this list from the moment when no turn of it is under way until the app has confirmed:
// it waits to be asked, or the question is under way, or it waits to be asked again. Those that a call waits for come
// first. What has not been asked yet can be taken back.
//
// Invariants
//  1. At most `most` questions are under way.
//  2. An id is on the list once at most; a token names one question at most.
// Loop thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <unordered_map>

#include "sidecar/core/call.h"
#include "sidecar/core/peer_messages.h"

namespace ringside::core {

class Endings {
 public:
  struct Asked {
    Claim claim;
    unsigned failures = 0;  // earlier questions that did not end it
  };

  explicit Endings(std::size_t most) : most_(most) {}

  void add(const Claim& claim, bool awaited);
  void hurry(ActorId id);     // a call has come that waits for it
  bool withdraw(ActorId id);  // false: it has been asked, and may be over
  // The next one to ask, if there is room. The caller asks, and tells under which token.
  std::optional<Claim> next();
  void asked(const Claim& claim, Token token);

  // What the question was about; nothing: it is not on the list any more. Then one of: over(), ask_later().
  std::optional<Asked> answered(Token token);
  void over(ActorId id) { entries_.erase(id); }
  void ask_later(ActorId id);  // until ask_again()
  void ask_again(ActorId id);

  void clear();
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

 private:
  enum class State { kWaits, kUnderWay, kPaused };
  struct Entry {
    Claim claim;
    State state = State::kWaits;
    bool awaited = false;
    unsigned failures = 0;
  };
  void queue(Entry& entry);

  const std::size_t most_;
  std::unordered_map<ActorId, Entry> entries_;
  std::unordered_map<Token, ActorId> questions_;
  std::deque<ActorId> awaited_, others_;  // in order; some have left the list, or wait in the other one, since
};

}  // namespace ringside::core
