// The members, and the names that are not members (yet), as they come and go; and what changes with them: the ring,
// whom this host watches, which runs are declared dead, how far the members' clocks may be, what it has asked them.
//
// It knows no protocol: why a host is admitted or removed is decided by whoever calls (joining.h, liveness.h,
// requests.h). To the parts outside of the membership it is a ClusterView.
//
// Example: liveness finds b silent and calls remove("b", "silent", Gone::kSilent). The ring is one without b then, what
// b may have issued has been passed by this host's clock, whatever only b vouched for is looked at afresh, and the
// events RingChanged, RunEnded and Changed wait to be taken.
//
// Invariants
//  1. Within one generation a host never comes back onto the ring, unless it has yet to join: until it asks the others
//     for what they hold, nothing can have been decided by its being there or not.
//  2. It calls nobody: whatever a method changes is in place when it returns, and what follows for the rest of the node
//     is among the events (view_event.h) that the caller takes then.
// Loop thread only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sidecar/core/cluster_view.h"
#include "sidecar/core/context.h"
#include "sidecar/core/membership/agreement.h"
#include "sidecar/core/membership/candidates.h"
#include "sidecar/core/membership/confirmation.h"
#include "sidecar/core/membership/departed.h"
#include "sidecar/core/membership/epoch_clock.h"
#include "sidecar/core/membership/failure_detector.h"
#include "sidecar/core/membership/member.h"
#include "sidecar/core/membership/member_clocks.h"
#include "sidecar/core/membership/question.h"
#include "sidecar/core/membership/ring.h"
#include "sidecar/core/membership/view.h"
#include "sidecar/core/membership/view_event.h"
#include "sidecar/core/membership/watch_circle.h"
#include "sidecar/core/membership_config.h"
#include "sidecar/core/open_questions.h"

namespace ringside::core {

class Roster final : public ClusterView {
 public:
  static constexpr std::size_t kWitnesses = 3;    // asked at once about one host
  static constexpr char kClosed[] = "closed";     // why a member is gone that has said so itself
  static constexpr Duration kCompare{5'000'000};  // between two exchanges of names with one member (anti-entropy)

  Roster(MembershipConfig config, Context& context, EpochClock& clock);

  // ---- this host ----
  const HostRun& self() const override { return view_.self(); }
  Phase phase() const override { return view_.phase(); }
  bool joined() const override { return joined_; }
  bool confirming() const override { return confirmation_.open(); }
  // It has claimed nothing, asked nobody for what they hold, and does not count that host among those that have taken
  // it in: if that host has taken it for dead, it may take it in again in the same generation.
  bool asks_to_join(const std::string& host) const;
  bool leave_seen_by(const std::string& host) const override;
  bool leave_seen_by_all() const;
  // Of hosts heard of late, this one included.
  bool has_quorum() const { return detector_.has_quorum(members(), context_.now.mono); }

  // ---- the others ----
  const Members& members() const { return view_.members(); }
  const std::vector<const Member*>& row() const { return view_.row(); }
  const Member* find(const std::string& host) const { return view_.find(host); }  // nullptr: it is not a member
  const HostRun* run_of(const std::string& host) const override;
  std::vector<HostRun> runs() const override;
  bool is_suspected(const std::string& host) const override;
  std::uint64_t actors_of(const std::string& host) const override;
  // Why a host that says that may not be a member beside those that are: one has a weight, and the other one knows of
  // none, and would compute another ring. Empty: it may.
  std::string why_another_ring(const PingAnswer& says) const;
  Standing standing_of(const Sender& sender) const override;
  Generation newest_known(const std::string& host) const;  // declared dead or living
  const Candidates& candidates() const { return candidates_; }
  std::vector<std::string> names() const;  // of all whom others are to know as well, this host included
  Fingerprint names_digest() const;        // of them
  // What became of a host, and when ("10.0.0.7 refused connections 1.2 s ago"); empty: nothing that this host knows of.
  std::string fate_of(const std::string& host) const;

  // ---- owners ----
  const Ring::Ptr& ring() const { return view_.ring(); }
  const std::string* owner(ActorId id) const override { return ring()->owner(id); }
  Successors successors(ActorId id) const override { return view_.successors(id); }
  bool is_successor(ActorId id) const override { return view_.is_successor(id); }
  bool settled() const;  // every member on the ring reports the ring that this host has

  // ---- what has followed, in order ----
  // Changes of the ring stand first: what this host gains by them it has to know before it decides anything by the new
  // ring.
  [[nodiscard]] std::vector<ViewEvent> take_events();
  template <typename Event>
  void happened(Event event) {
    events_.emplace_back(std::move(event));
  }
  void must_rejoin(const std::string& why);
  void buried_by(const std::string& host);  // that host says that this run is dead
  void confirmed();

  // ---- steps ----
  void begin_run(Generation generation);
  void set_phase(Phase phase);
  void set_joined();
  // That is what it says in answer to a question of that moment.
  void admit(const std::string& host, const PingAnswer& says, Instant asked);
  void remove(const std::string& host, const std::string& why, Gone how);
  void observe(Member& member, const PingAnswer& says);  // what each of its answers says of it
  void enters(Member& member, Phase phase);              // it has said so itself
  void learn(const std::string& name, Candidates::Source source,
             Candidates::OldFinding old = Candidates::OldFinding::kStands);
  // A host that ends in order is restarted as a rule: it is looked for at once, and not only when discovery is read
  // next.
  void look_for(const std::string& host, Candidate::State state, Duration how_long, std::string problem = {});
  void ask_for_names_anew();  // each member answers another Join with its members

  // ---- questions ----
  void ask(Question::About about, const std::string& host, PeerRequest request, Duration timeout);
  // Some of them, by chance: whether they hear a host that is out of reach here.
  void ask_about(const std::string& host, std::vector<std::string> witnesses, std::size_t how_many);
  std::optional<Question> answered(QuestionId token) { return questions_.answered(token); }
  // How often one that is not watched is asked what others are asked in every `interval`: spread, so that a host is not
  // asked by all others at once.
  Duration spaced_out(Duration interval);
  // The same for a ping of one that is not watched: one that has the ring that this host has is asked more rarely yet.
  Duration until_next_ping(const Member& member);

  // ---- what joining, liveness and requests work on ----
  const MembershipConfig& config() const { return config_; }
  Member* find(const std::string& host) { return view_.find(host); }
  Member& at(const std::string& host) { return view_.at(host); }
  template <typename Visit>
  void each_member(const Visit& visit) {
    view_.each(visit);
  }
  Candidates& candidates() { return candidates_; }
  MemberClocks& clocks() { return clocks_; }
  Confirmation& confirmation() { return confirmation_; }
  // What is told of them to whoever asks later.
  void met_split(const std::string& host, const std::string& what_follows);
  void watch_agreement();
  void end_suspicion(Member& member, const std::string& why, const std::string& by);
  Duration age_of_run() const { return now() - run_began_; }
  const FailureDetector& detector() const { return detector_; }
  const WatchCircle& circle() const { return circle_; }

  // Ends the process if an invariant of a part does not hold, or events have been left behind. (The view is looked at
  // whenever it has changed, and at each tick.)
  void check() const;
  void check_view() const { view_.check(); }

 private:
  void choose_whom_to_watch();
  void ring_changed(const Ring::Ptr& before);  // nullptr: it is still the same
  void tell_ring();
  Instant now() const { return context_.now.mono; }

  const MembershipConfig config_;
  Context& context_;
  View view_;
  MemberClocks clocks_;
  FailureDetector detector_;
  WatchCircle circle_;  // this host, and the members that are not legacy hosts
  Candidates candidates_;
  NamesDigest known_;  // this host and its members
  Departed departed_;
  Confirmation confirmation_;
  OpenQuestions<Question> questions_;
  std::vector<ViewEvent> events_;
  Agreement agreement_;
  Instant run_began_;
  bool joined_ = false;
  Ring::Ptr told_ring_;  // that people have been told of; nullptr: this process has not joined yet
};

}  // namespace ringside::core
