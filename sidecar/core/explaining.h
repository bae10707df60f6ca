// Explanations that are being put together: what this host says of an actor, then the host to which it would send a
// call, and so on, until one says that the actor is active there. As many are asked as a call has hops.
//
// Example: this host says "the ring names b", b says "c holds it", c says "active here".
//
// Each host is asked as if a call had been forwarded to it, so that it applies the rules that such a call would meet.
// All of them together have kLimit; who does not answer, or cannot (a legacy host, one of an earlier version), is named
// with the reason, and what the others have said stands.
//
// Invariants
//  1. What begins ends once: by begin() or by answered().
//  2. At most kMost are open; one more is what this host knows by itself.
// It changes nothing of what it explains. Loop thread only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "sidecar/core/cluster_view.h"
#include "sidecar/core/context.h"
#include "sidecar/core/explanation.h"
#include "sidecar/core/open_questions.h"
#include "sidecar/core/peer_messages.h"

namespace ringside::core {

class Explaining {
 public:
  static constexpr Duration kLimit{1'000'000};
  static constexpr std::size_t kMost = 64;
  static constexpr std::size_t kMostHosts = 3;
  // Of one host: where this one has yet to prove that it is who it says (peer/speakers.h), it is refused at first, and
  // asked for its proof meanwhile.
  static constexpr unsigned kMostTries = 5;

  Explaining(Context& context, const ClusterView& cluster) : context_(context), cluster_(cluster) {}

  struct Done {
    ExplainId token;
    Explained explained;  // without its changes
  };
  // `own`: of this host alone. Nothing: somebody has been asked.
  std::optional<Done> begin(ExplainId token, Explained own);
  bool awaits(QuestionId question) { return open_.find(question) != nullptr; }
  std::optional<Done> answered(QuestionId question, const PeerAnswer& answer);  // awaits(question)
  std::size_t unfinished() const { return open_.size(); }

 private:
  struct Open {
    ExplainId token;
    Explained explained;
    Instant began;
    Instant asked;           // the host that was asked last
    ExplainRequest request;  // of it
    unsigned tries = 0;
  };
  std::optional<Done> go_on(Open open);
  void ask(Open open);
  Duration left_of(const Open& open) const { return kLimit - (context_.now.mono - open.began); }

  Context& context_;
  const ClusterView& cluster_;
  OpenQuestions<Open> open_;
};

}  // namespace ringside::core
