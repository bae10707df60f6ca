// Who holds which id, as far as it is known here and may matter: what others hold in this host's ranges (inventory.h,
// displaced_activations.h), who has answered for the rest (hints.h), and what becomes of ids that two hosts hold.
//
// It asks and tells other hosts by itself, and reads who is active here (LocalClaims). An activation that is to end
// because another host was first is returned as Yielded: its end is the node's matter.
//
// Example: this host gains a range in which actor 7 is active on B. The inventory asks everybody, B answers that it
// holds 7 under epoch 42, and displaced().find(7) names B. C answers that it holds 7 under epoch 40: 7 is contested,
// and C is told in B's name, until it has ended its own.
//
// Invariants
//  1. A displaced activation has an id that the ring gives to this host.
//  2. A range that this host has gained is in doubt until every member of that moment has answered, or is gone.
//  3. Of two holders that are known of one id, the one with the greater epoch stays.
// Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sidecar/core/cluster_view.h"
#include "sidecar/core/config.h"
#include "sidecar/core/context.h"
#include "sidecar/core/directory/displaced_activations.h"
#include "sidecar/core/directory/hints.h"
#include "sidecar/core/directory/inventory.h"
#include "sidecar/core/local_claims.h"
#include "sidecar/core/open_questions.h"
#include "sidecar/core/peer_messages.h"

namespace ringside::core {

class Directory {
 public:
  Directory(const NodeConfig& config, Context& context, const ClusterView& cluster, const LocalClaims& here);

  // ---- who holds an id ----
  const Inventory& inventory() const { return inventory_; }
  const DisplacedActivations& displaced() const { return displaced_; }
  const Hints& hints() const { return hints_; }

  // ---- the view changes ----
  void begin_run();  // nothing is known any more
  void gain(const HashRanges& ranges);
  void lose(const HashRanges& lost);
  void drop_run(const HostRun& run) { displaced_.drop_run(run); }  // it holds nothing any more
  void run_ended(const HostRun& run);
  // What has been dropped of a large table is cleared away by and by: some of it at each call, while that is due.
  bool is_sweep_due() const { return displaced_.is_sweep_due(); }
  void sweep() { displaced_.sweep(); }

  // ---- what this host asks and tells, as far as it is due ----
  bool ask_inventory();                                                     // true: a new question is open
  void ask_ids(const std::string& host, const std::set<ActorId>& doubted);  // of a legacy host, beside any inventory
  bool awaits_ids(const std::string& host);                           // that is what it was asked, and more may come
  void announce(const std::string& host, std::vector<Claim> claims);  // claims of this host
  // An activation here ends, since that host was first.
  struct Yielded {
    ActorId id = 0;
    std::string to;
  };
  // Two holders met, after a cut: what ends here, and what is told to the others once that has been ordered.
  struct Contested {
    std::vector<Yielded> yielded;
    std::map<std::string, std::vector<Claim>> mine;                             // by host
    std::map<std::pair<std::string, std::string>, OwnershipRequest> of_others;  // by loser and winner
  };
  bool is_contest_due() const { return !contested_.empty() && context_.now.mono >= next_contest_; }
  Contested resolve_contested();
  void tell(Contested&& contested);

  // ---- what came of a question ----
  // A list comes in slices. What each of them names is kept at once; a range is in doubt until the last has come.
  struct InventoryHeard {
    bool declared_dead = false;    // the member has taken this run for dead
    bool unheard = false;          // a legacy host is to be asked again
    bool refused = false;          // nobody takes a connection there
    bool news = false;             // what waits may go on: the whole list has come
    std::vector<Claim> displaced;  // that are kept from now on
    std::vector<Ended> inherited;  // what ended activations had answered, of ids that are not active here
  };
  struct AnnouncementHeard {
    std::vector<Claim> unheard;  // a legacy host is to be told again
    std::vector<Yielded> yielded;
  };
  struct Heard {
    std::string host;
    std::variant<InventoryHeard, AnnouncementHeard> what;
  };
  // Nothing: not a question of this part, or the rest of a list that counts no more.
  std::optional<Heard> answered(QuestionId token, const PeerAnswer& answer);

  // ---- what others ask and tell ----
  InventoryAnswer inventory_for(const Sender& sender, const InventoryRequest& request) const;
  // Whether it counts what is said of a host's claims, or of their end.
  struct Judgement {
    enum class Counts : std::uint8_t {
      kYes,
      kOnceAMember,    // heard for now; the host has to be met
      kIfItSaysSoToo,  // the host itself is to be asked
      kNo,             // for this reason
    } counts = Counts::kYes;
    std::string why_not;
  };
  Judgement judge(const Sender& sender, const OwnershipRequest& request, const std::string& source_ip);
  Judgement judge(const LegacyExpiryRequest& request, const std::string& source_ip) const;
  struct ClaimsHeard {
    AckAnswer ack;
    std::vector<Yielded> yielded;
  };
  ClaimsHeard hear_claims(const HostRun& holder, const std::vector<Claim>& claims, bool remember);
  // That host asks for ids of this one's range, which keep nobody else.
  AckAnswer grant(const HostRun& to, const std::vector<Claim>& claims);
  void hear_expiries(const std::string& host, const std::vector<ActorId>& ids);
  struct EndsHeard {
    ReplyStatus status = ReplyStatus::kOk;
    std::vector<Ended> inherited;
  };
  EndsHeard hear_ends(const std::string& host, const std::vector<Ended>& ended);

  // ---- what calls tell ----
  void is_not_at(ActorId id, const std::string& host, Epoch epoch);
  void was_answered_by(ActorId id, const std::string& host);
  void hint(ActorId id, const std::string& host) { hints_.put(id, host); }

  std::size_t unfinished() const { return questions_.size() + contested_.size(); }
  void check() const;  // ends the process if an invariant does not hold

 private:
  struct Question {
    enum class About : std::uint8_t { kInventory, kIds, kAnnouncement } about = About::kInventory;
    std::string host;
    Generation generation = 0;
    InventoryNumber inventory = 0;
    std::vector<Claim> claims;  // announced
    std::set<ActorId> doubted;  // not named so far
    bool begun = false;         // a slice has come
    bool over = false;          // nothing that may follow counts
  };

  void ask(Question about, PeerRequest request);
  bool keep(ActorId id, const HostRun& holder, Epoch epoch);  // false: there is no room
  std::optional<Yielded> yield(ActorId id, const std::string& owner, Epoch epoch);
  InventoryHeard inventory_answered(Question& asked, const PeerAnswer& answer);
  std::optional<std::vector<Claim>> take_claims(const HostRun& holder, const std::vector<Claim>& claims);
  AnnouncementHeard announcement_answered(const Question& asked, const PeerAnswer& answer);
  void accepted(const Question& asked);
  std::vector<Yielded> rejected(const Question& asked, const AckAnswer& ack);
  struct Objection {
    std::optional<Rejected> rejected;
    std::optional<Yielded> yielded;  // an activation here, to that claim
  };
  Objection hear_claim(const HostRun& holder, const Claim& claim, bool remember);

  const NodeConfig& config_;
  Context& context_;
  const ClusterView& cluster_;
  const LocalClaims& here_;
  Inventory inventory_;
  DisplacedActivations displaced_;
  Hints hints_;
  std::set<ActorId> contested_;  // ids of this host's range that had two holders when last looked at
  OpenQuestions<Question> questions_;
  GainNumber gains_ = 0;  // how often ranges have become this host's
  Instant next_inventory_;
  Instant ask_all_again_;
  unsigned inventory_repeats_ = 0;
  Instant next_contest_;
};

}  // namespace ringside::core
