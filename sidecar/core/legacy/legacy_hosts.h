// What hosts of the given protocol need that no other host does (--legacy-peers, --peer-apply own): they know no
// generations, tell nobody what they hold, and keep a ring of their own.
//
//   news              what such a host is to be asked and told at the next tick, until it has answered
//   bounces           calls that it sent here and that by our ring belong to another legacy host (bounces.h)
//   grants            ids that it takes for this host's, and that their ring owner has to grant (ownership_grants.h)
//   unverified claims what is said in its name from elsewhere, which it has to bear out itself (unverified_claims.h)
//
// Invariants: those of its parts. Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "sidecar/core/cluster_view.h"
#include "sidecar/core/config.h"
#include "sidecar/core/context.h"
#include "sidecar/core/legacy/bounces.h"
#include "sidecar/core/legacy/ownership_grants.h"
#include "sidecar/core/legacy/unverified_claims.h"
#include "sidecar/core/local_claims.h"
#include "sidecar/core/open_questions.h"
#include "sidecar/core/peer_messages.h"

namespace ringside::core {

class LegacyHosts {
 public:
  LegacyHosts(const NodeConfig& config, Context& context, const ClusterView& cluster, const LocalClaims& here);

  // ---- news ----
  struct News {
    bool ask_ids = false;       // what it holds
    std::set<ActorId> doubted;  // it is to be asked whether it still holds these
    std::vector<Claim> claims;  // of this host
  };
  void ask_ids(const std::string& host, const std::set<ActorId>& doubted = {});
  void doubt(const std::string& host, ActorId id) { news_[host].doubted.insert(id); }
  void tell(const std::string& host, const std::vector<Claim>& claims);
  // It is to be told all claims of this host that the ring gives to it, and what it holds is asked.
  void introduce(const std::string& host);
  std::map<std::string, News> take_news();  // of hosts that are still members, and legacy ones

  // ---- bounces ----
  enum class Bounce : std::uint8_t { kFirst, kAnother, kTooMany };  // too many: a disagreement about the ring
  Bounce begin_bounce(ActorId id);
  void end_bounce(ActorId id) { bounces_.end(id); }
  bool has_refused(ActorId id) const { return bounces_.disputed(id, context_.now.mono); }

  // ---- grants ----
  const OwnershipGrants& grants() const { return grants_; }
  void ask_for(const Claim& claim);  // its ring owner; not asked yet
  std::optional<Epoch> use_grant(ActorId id) { return grants_.use(id); }
  // Whoever wanted it has gone: the ring owner will find that nobody holds it.
  void drop_unused_grants() { grants_.drop_unused(); }

  // ---- unverified claims ----
  void ask_back(const std::string& host, UnverifiedClaims::Said said);
  void ask_back_further(const std::string& host);  // after Verified: for what was said meanwhile

  // ---- what came of a question ----
  struct Granted {
    bool reroute = false;  // what waits for it may go on
    std::optional<Claim> elsewhere;
    std::string holder;  // of that
  };
  struct Verified {
    struct Claims {
      ReplyId token;  // to whoever said it
      bool expiry = false;
      std::vector<Claim> claims;  // empty: it is refused, with this
      AckAnswer refusal;
    };
    HostRun host;
    std::vector<Claims> said;  // in the order in which they came
  };
  struct SliceTaken {};  // of a list that goes on: nothing follows yet
  using Heard = std::variant<Granted, Verified, SliceTaken>;
  std::optional<Heard> answered(QuestionId token, const PeerAnswer& answer);  // nothing: not a question of this part

  std::size_t unfinished() const;
  void check() const { unverified_.check(); }  // ends the process if an invariant does not hold

 private:
  struct Question {
    std::string host;
    std::optional<Claim> grant;  // nothing: it is asked back
  };
  void list_claims();
  void ask_for_ids(const std::string& host);
  Granted grant_answered(const Claim& claim, const PeerAnswer& answer);
  Verified asked_back(const std::string& host, const PeerAnswer& answer);

  const NodeConfig& config_;
  Context& context_;
  const ClusterView& cluster_;
  const LocalClaims& here_;
  std::map<std::string, News> news_;
  std::map<std::string, ActorId> untold_;  // what is above that id
  LegacyBounces bounces_;
  OwnershipGrants grants_;
  UnverifiedClaims unverified_;
  OpenQuestions<Question> questions_;
};

}  // namespace ringside::core
