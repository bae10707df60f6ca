#include "sidecar/core/membership/membership.h"

#include <utility>

namespace ringside::core {
namespace {

constexpr Duration kBetweenReviews{500'000};

}  // namespace

Membership::Membership(MembershipConfig config, Context& context, EpochClock& clock)
    : context_(context),
      clock_(clock),
      roster_(std::move(config), context, clock),
      joining_(roster_, context, clock),
      liveness_(roster_, context),
      requests_(roster_, joining_, liveness_, context, clock) {}

void Membership::check() const {
  roster_.check();
  joining_.check();
  requests_.check();
}

// ---- this host ------------------------------------------------------------------------------------------------------

void Membership::start(Generation generation, Phase phase) {
  joining_.begin_run(generation);
  roster_.begin_run(generation);
  roster_.set_phase(phase);
}

void Membership::set_phase(Phase phase) { roster_.set_phase(phase); }

void Membership::close() {
  closing_ = true;
  say_goodbye(false);
  roster_.happened(view_event::Changed{});  // what waits for somebody else will not be told of anybody any more
}

void Membership::say_goodbye(bool only_to_legacy_hosts) {
  for (const auto& [host, member] : roster_.members()) {
    if (only_to_legacy_hosts && !member.legacy()) continue;
    context_.effects.push_back(AskPeer{context_.next<QuestionId>(), host, ClosingRequest{roster_.self().host},
                                       roster_.config().ping_interval});
  }
}

void Membership::suspect_self(Duration lag) { liveness_.suspect_self(lag); }

void Membership::was_late(Duration lag) {
  liveness_.was_late(lag);
  roster_.candidates().excuse_for(lag, context_.now.mono);
}

// ---- from time to time ----------------------------------------------------------------------------------------------

std::vector<std::string> Membership::begin_tick() {
  std::vector<std::string> due;
  if (closing_) return due;
  if (!roster_.joined() && roster_.members().empty()) clock_.follow_at_once(context_.now);
  if (context_.now.mono >= next_review_) review();
  for (const Member* member : roster_.row()) {
    if (liveness_.is_due(*member) || joining_.is_due(*member)) due.push_back(member->run.host);
  }
  return due;
}

void Membership::tick_member(const std::string& host) {
  Member* member = roster_.find(host);
  if (closing_ || member == nullptr) return;
  liveness_.ping_if_due(*member);
  joining_.tick_member(*member);
  liveness_.judge(*member);
}

void Membership::end_tick() {
  if (closing_) return;
  requests_.send_late_refusals();
  joining_.end_tick();
}

// What takes a look at every member and is in no hurry: most of what an idle tick costs is to fetch them from memory.
void Membership::review() {
  next_review_ = context_.now.mono + kBetweenReviews;
  roster_.clocks().judge(roster_.members(), context_.now);
  roster_.watch_agreement();
  roster_.check_view();
}

// ---- what is heard --------------------------------------------------------------------------------------------------

void Membership::discovered(const std::vector<std::string>& addresses, bool complete, const std::string& missing) {
  joining_.discovered(addresses, complete, missing);
}

void Membership::answered(QuestionId token, const PeerAnswer& answer) {
  if (closing_) return;
  const std::optional<Question> closed = roster_.answered(token);
  if (!closed) return;
  const Question& asked = *closed;
  const auto* failure = std::get_if<PeerFailure>(&answer);
  const auto* says = std::get_if<PingAnswer>(&answer);
  switch (asked.about) {
    case Question::About::kPing:
      if (says != nullptr && liveness_.pinged(asked, *says) == Liveness::Pinged::kIsToBeAskedToJoin) {
        joining_.ask_to_join(asked.host);
      }
      if (failure != nullptr) liveness_.ping_failed(asked, *failure);
      break;
    case Question::About::kCandidate:
      if (says != nullptr) joining_.candidate_answered(asked, *says);
      if (failure != nullptr) joining_.candidate_failed(asked.host, *failure);
      break;
    case Question::About::kBackProbe:
      requests_.back_probed(asked.host, asked.sent, answer);
      break;
    case Question::About::kJoin:
    case Question::About::kNegotiate:
      joining_.answered(asked, answer);
      break;
    case Question::About::kLeave:
      if (const auto* leave = std::get_if<LeaveAnswer>(&answer)) joining_.leave_answered(asked, *leave);
      break;
    case Question::About::kProbe:
      if (const auto* probe = std::get_if<ProbeAnswer>(&answer)) {
        if (!probe->heard && probe->generation == 0) joining_.held_no_more(asked.host, asked.of);
        liveness_.probed(asked, *probe);
      }
      break;
  }
}

void Membership::connection_lost(const std::string& host) { liveness_.connection_lost(host); }

void Membership::about_to_end(const std::string& host) { liveness_.about_to_end(host); }

void Membership::introduce(const std::string& host) { joining_.introduce(host); }

// A joiner asks everybody once it is ready: who has proven that it is that host is believed that it is, and else it is
// looked at. A host under this one's name is a twin.
void Membership::pinged_by(const Sender& sender) {
  Member* member = roster_.find(sender.host);
  if (member == nullptr || member->phase != Phase::kJoining) return joining_.hear_twin(sender);
  if (!sender.proven || sender.phase == Phase::kUnspecified) return liveness_.connection_lost(sender.host);
  const bool is_that_run = member->run.generation == sender.generation;
  if (is_that_run && sender.phase == Phase::kReady) roster_.enters(*member, Phase::kReady);
}

// ---- what others ask ------------------------------------------------------------------------------------------------

void Membership::negotiate(ReplyId token, const Sender& sender, const std::string& source_ip,
                           const NegotiateRequest& request) {
  requests_.negotiate(token, sender, source_ip, request);
}

void Membership::join(ReplyId token, const Sender& sender, const std::string& source_ip, const JoinRequest& request) {
  requests_.join(token, sender, source_ip, request);
}

void Membership::leave(ReplyId token, const Sender& sender) { requests_.leave(token, sender); }

void Membership::closing(ReplyId token, const std::string& host, const std::string& source_ip) {
  requests_.closing(token, host, source_ip);
}

void Membership::probe(ReplyId token, const Sender& sender, const ProbeRequest& request) {
  requests_.probe(token, sender, request);
}

}  // namespace ringside::core
