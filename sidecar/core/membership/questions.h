// The questions that this host has put to others and that have not been answered yet.
//
// Invariants
//  1. An id stands for one question, which is taken once: a second answer finds nothing.
//  2. Whoever carries out an AskPeer answers it, or says that it failed, within its time-out: that bounds the table.
// Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "sidecar/core/call.h"
#include "sidecar/core/types.h"

namespace ringside::core {

struct Question {
  enum class About : std::uint8_t { kPing, kCandidate, kBackProbe, kJoin, kNegotiate, kLeave, kProbe };
  About about = About::kPing;
  std::string host;  // that it is about
  Instant sent;
  Generation as = 0;    // this host's generation when it asked
  std::string of = {};  // whom, if that is not the host in question
};

class Questions {
 public:
  // The id has not been used before.
  void add(QuestionId token, Question question);
  // Nothing: no such question is open.
  std::optional<Question> take(QuestionId token);
  std::size_t size() const { return open_.size(); }

 private:
  std::map<QuestionId, Question> open_;
};

}  // namespace ringside::core
