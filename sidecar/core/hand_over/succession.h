// What activations leave behind when they have ended here: the answers that their successors must know
// (hand_over.h), and the news that they have ended at all (unannounced_ends.h). Here is who is told, and when again.
//
// Example: actor 7 ends in a drain, with an answer under an idempotency key. hand_over({7, 42}); each successor is told
// until it has taken the answer; then the claim is over, and announce({7, 42}) tells the ring owner that nobody holds
// it any more.
//
// Invariants
//  1. A claim is over once: it is returned by tell_successors() once, and not kept here from then on.
//  2. One timer is under way at most: the next moment at which more may be said.
// Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sidecar/core/cluster_view.h"
#include "sidecar/core/config.h"
#include "sidecar/core/context.h"
#include "sidecar/core/hand_over/hand_over.h"
#include "sidecar/core/hand_over/unannounced_ends.h"
#include "sidecar/core/open_questions.h"
#include "sidecar/core/peer_messages.h"
#include "sidecar/core/timers.h"

namespace ringside::core {

class Succession {
 public:
  Succession(const NodeConfig& config, Context& context, Timers& timers, const ClusterView& cluster);

  // ---- what has ended ----
  void hand_over(const Claim& claim);  // with answers that are kept until tell_successors() says that it is over
  void announce(const Claim& claim);   // it is over
  void look_again();                   // who succeeds whom may have changed
  void lose_all();                     // the answers are lost with the app

  // ---- what is said, as far as it is due ----
  struct HandedOver {
    std::vector<Claim> claims;  // every successor knows
    // Of these, what nobody knows who serves: whoever gains the id asks this host. A joiner may be passed over by the
    // next one, which joins here and has never met it.
    std::vector<Ended> kept;
  };
  bool is_due() const { return hand_over_.is_due(context_.now.mono); }
  [[nodiscard]] HandedOver tell_successors(const std::function<Ended(const Claim&)>& ended);
  void tell_ends();
  void due() { due_ = kNoTimer; }
  // True: it was the answer to a question of this part.
  bool answered(QuestionId token, const PeerAnswer& answer);

  bool contains(ActorId id) const { return hand_over_.contains(id); }  // it is being handed over
  std::size_t under_way() const { return hand_over_.size(); }
  std::size_t unfinished() const { return hand_over_.size() + ends_.size() + questions_.size(); }
  bool awaits_timer() const { return due_ != kNoTimer; }
  void check() const;  // ends the process if an invariant does not hold

 private:
  enum class About : std::uint8_t { kEnd, kHandOver };
  struct Question {
    About about = About::kEnd;
    std::string host;
    std::vector<Claim> claims;
  };

  std::vector<HandOver::Successor> successors_of(ActorId id) const;
  void ask(const std::string& host, About about, std::vector<Claim> claims, EndedRequest request);
  void look_again_at(Instant when);

  const NodeConfig& config_;
  Context& context_;
  Timers& timers_;
  const ClusterView& cluster_;
  HandOver hand_over_;
  UnannouncedEnds ends_;
  OpenQuestions<Question> questions_;
  TimerHandle due_ = kNoTimer;
};

}  // namespace ringside::core
