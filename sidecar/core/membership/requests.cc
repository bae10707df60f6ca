#include "sidecar/core/membership/requests.h"

#include <algorithm>
#include <utility>

#include "sidecar/core/membership/same_cluster.h"

namespace ringside::core {
namespace {

constexpr int kBackProbePings = 2;               // a back-probe waits for this many --ping-intervals
constexpr std::size_t kMostLateRefusals = 1024;  // beyond which whoever may be anybody is not looked back at
constexpr Duration kRestartTime{60'000'000};     // how long one that has ended in order is looked for

// Said to the host that has the name.
std::string out_of_reach_under(const std::string& name, const std::string& detail = {}) {
  return "it does not reach this host under the name " + name + (detail.empty() ? "" : " (" + detail + ")") +
         ": is --host right?";
}

}  // namespace

Requests::Requests(Roster& roster, Joining& joining, Liveness& liveness, Context& context, EpochClock& clock)
    : roster_(roster),
      joining_(joining),
      liveness_(liveness),
      context_(context),
      clock_(clock),
      config_(roster.config()) {}

void Requests::take_in(ReplyId token, Fingerprint names) {
  JoinAnswer answer = join_answer(ReplyStatus::kOk);
  answer.names_agree = names != 0 && names == roster_.names_digest();
  if (!answer.names_agree) answer.names = roster_.names();
  context_.effects.push_back(AnswerPeer{token, std::move(answer)});
}

void Requests::refuse_join(ReplyId token, ReplyStatus status, const std::string& detail, Generation declared_dead) {
  JoinAnswer answer = join_answer(status);
  answer.detail = detail;
  answer.declared_dead = declared_dead;
  context_.effects.push_back(AnswerPeer{token, std::move(answer)});
}

JoinAnswer Requests::join_answer(ReplyStatus status) const {
  JoinAnswer answer;
  answer.status = status;
  answer.generation = roster_.self().generation;
  answer.phase = roster_.phase();
  answer.routes_only = !config_.has_app;
  answer.points = config_.own_points();
  answer.clock = clock_.reading_in_full();
  answer.furthest = roster_.clocks().furthest(roster_.members(), now());
  return answer;
}

void Requests::join(ReplyId token, const Sender& sender, const std::string& source_ip, const JoinRequest& request) {
  if (const auto ours = is_of_cluster(config_, sender, request); !ours) {
    return refuse_join(token, ReplyStatus::kMismatch, ours.error());
  }
  if (sender.host == roster_.self().host)
    return refuse_join(token, ReplyStatus::kUnverified, "that is this host's own name");
  switch (roster_.standing_of(sender)) {
    case Standing::kInView:
      return take_in(token, request.names);
    case Standing::kDeclaredDead:
      if (sender.generation != roster_.newest_known(sender.host)) {
        return refuse_join(token, ReplyStatus::kDeclaredDead, "", roster_.newest_known(sender.host));
      }
      [[fallthrough]];  // it may be one that was too busy with its own start to answer: it is looked at
    default:
      if (const auto name = parse_host_name(sender.host);
          sender.from_elsewhere && !(name && may_be_dialled(*name, source_ip))) {
        return refuse_join(token, ReplyStatus::kUnverified, "no host of this cluster has a name like " + sender.host);
      }
      joining_.heard_from(sender.host);
      if (joining_.closure().is_held_up_by(sender.host)) {
        return refuse_join(token, ReplyStatus::kUnverified, out_of_reach_under(sender.host));
      }
      if (joining_.closure().held_up()) {
        joining_.is_held_up();
        refuse_join(token, ReplyStatus::kHeldUp, "it cannot join: " + joining_.waiting_for());
        return roster_.learn(sender.host, Candidates::Source::kHost, Candidates::OldFinding::kIsVoid);
      }
      const WaitingRequest joins{WaitingRequest::For::kJoin, token, sender.generation, sender.from_elsewhere,
                                 request.names};
      if (const Candidate* met = roster_.candidates().find(sender.host); met != nullptr && has_just_met(*met, sender)) {
        PingAnswer says = *met->said;  // which is forgotten once it is a member
        says.unix_time = 0;            // it was that late then
        return resolve_back_probe(sender.host, joins, &says, met->said_to, nullptr);
      }
      back_probe(sender.host, joins);
  }
}

// Where many start together each has asked the others before they ask it: what it has heard in answer to its own
// question is as good as what it would hear now.
bool Requests::has_just_met(const Candidate& candidate, const Sender& sender) const {
  return candidate.state == Candidate::State::kJoining && candidate.said &&
         candidate.said->generation == sender.generation && candidate.said->phase == Phase::kJoining &&
         now() - candidate.said_to <= config_.dead_after && roster_.standing_of(sender) == Standing::kUnknown;
}

void Requests::leave(ReplyId token, const Sender& sender) {
  if (roster_.standing_of(sender) != Standing::kInView) {
    context_.effects.push_back(AnswerPeer{token, LeaveAnswer{ReplyStatus::kDeclaredDead}});
    return;
  }
  back_probe(sender.host, {WaitingRequest::For::kLeave, token, sender.generation, sender.from_elsewhere});
}

void Requests::closing(ReplyId token, const std::string& host, const std::string& source_ip) {
  const auto refuse = [&](std::string why) {
    context_.effects.push_back(AnswerPeer{token, AckAnswer{false, std::move(why), {}}});
  };
  if (host == roster_.self().host) return refuse("that is this host, and it is not closing");
  const Member* member = roster_.find(host);
  if (member == nullptr) return refuse("not a member here");
  const auto name = parse_host_name(host);
  if (member->legacy() && name && name->address == source_ip) {
    roster_.remove(host, Roster::kClosed, Gone::kInOrder);
    Candidate& candidate = roster_.candidates().get(host);
    candidate.state = Candidate::State::kClosed;
    candidate.legacy = true;
    candidate.next_try = now() + 2 * config_.dead_after;
    candidate.keep_until = now() + 4 * config_.dead_after;
    context_.effects.push_back(AnswerPeer{token, AckAnswer{true, "", {}}});
    return;
  }
  back_probe(host, {WaitingRequest::For::kClosing, token, member->run.generation});
}

void Requests::probe(ReplyId token, const Sender& sender, const ProbeRequest& request) {
  ProbeAnswer answer;
  liveness_.connection_lost(request.host);  // whoever asks does not hear it: it may refuse connections by now
  if (Member* member = roster_.find(request.host)) {
    if (!sender.from_elsewhere && roster_.standing_of(sender) == Standing::kInView)
      roster_.detector().missed_elsewhere(*member, now());
    answer.age = std::max(Duration(0), now() - member->last_answer);
    answer.heard = answer.age < config_.dead_after / 2;
    answer.generation = member->run.generation;
  }
  context_.effects.push_back(AnswerPeer{token, answer});
}

// A legacy host does not say who it is: its address does.
bool Requests::is_member_at(const Sender& sender, const std::string& source_ip) const {
  if (!sender.host.empty()) return !sender.from_elsewhere && roster_.standing_of(sender) == Standing::kInView;
  return std::any_of(roster_.members().begin(), roster_.members().end(), [&](const auto& entry) {
    const auto name = parse_host_name(entry.first);
    return entry.second.legacy() && name && name->is_ip && name->address == source_ip;
  });
}

// A stranger's names lead where this host's own cluster lives, or the stranger itself, or nowhere: nobody makes this
// host knock at other doors.
bool Requests::may_be_dialled(const HostName& name, const std::string& source_ip) const {
  const AddressKind kind = kind_of(name);
  const auto lives_there = [&](const std::string& host) {
    const auto known = parse_host_name(host);
    return known && kind_of(*known) == kind;
  };
  return lives_there(source_ip) || lives_there(roster_.self().host) ||
         std::any_of(roster_.members().begin(), roster_.members().end(),
                     [&](const auto& entry) { return lives_there(entry.first); });
}

void Requests::negotiate(ReplyId token, const Sender& sender, const std::string& source_ip,
                         const NegotiateRequest& request) {
  if (auto ours = is_of_cluster(config_, request); !ours) {
    context_.effects.push_back(AnswerPeer{token, PeerFailure{PeerFailure::Kind::kMismatch, std::move(ours.error())}});
    return;
  }
  if (std::string why = request.cluster.empty() ? roster_.why_another_ring({}) : ""; !why.empty()) {
    context_.effects.push_back(AnswerPeer{token, PeerFailure{PeerFailure::Kind::kMismatch, std::move(why)}});
    return;
  }
  const bool from_member = is_member_at(sender, source_ip);
  const auto hear_of = [&](const std::string& text) {
    const auto name = parse_host_name(text);
    if (!name) return;
    const bool names_itself = name->is_ip && name->address == source_ip;
    if (from_member || names_itself) {
      roster_.learn(name->to_string(), Candidates::Source::kHost, Candidates::OldFinding::kIsVoid);
    } else if (may_be_dialled(*name, source_ip)) {
      roster_.learn(name->to_string(), Candidates::Source::kStranger, Candidates::OldFinding::kIsVoid);
    }
  };
  if (!from_member) hear_of(sender.host);  // before there is no room for it
  for (const std::string& text : request.hosts) hear_of(text);
  NegotiateAnswer answer;
  answer.cluster = config_.cluster;
  answer.points = config_.points;
  // A legacy host takes every name here for an owner of actors.
  if (request.cluster.empty()) {
    answer.hosts = roster_.ring()->hosts();
  } else {
    answer.hosts = roster_.names();
  }
  context_.effects.push_back(AnswerPeer{token, std::move(answer)});
  joining_.tick_candidates();
}

// ---- back-probes ----------------------------------------------------------------------------------------------------

// One ping answers all that want to know the same.
void Requests::back_probe(const std::string& host, WaitingRequest request) {
  request.since = now();
  if (request.from_elsewhere && late_refusals_.size() >= kMostLateRefusals) {
    return resolve_back_probe(host, request, nullptr, {}, nullptr);
  }
  switch (back_probes_.add(host, request)) {
    case BackProbes::Added::kFirst:
      // A host that starts among many may take its time to answer; nobody else is waited for as long.
      return roster_.ask(Question::About::kBackProbe, host, PingRequest{},
                         request.from_elsewhere ? kBackProbePings * config_.ping_interval : 2 * config_.dead_after);
    case BackProbes::Added::kWaits:
      return;
    case BackProbes::Added::kNoRoom:
      return resolve_back_probe(host, request, nullptr, {}, nullptr);
  }
}

void Requests::back_probed(const std::string& host, Instant asked, const PeerAnswer& answer) {
  const auto* failure = std::get_if<PeerFailure>(&answer);
  const auto* says = std::get_if<PingAnswer>(&answer);
  const std::vector<WaitingRequest> waited = back_probes_.take(host);
  if (waited.empty()) return;
  const auto name = says != nullptr ? canonical_host(says->host) : std::nullopt;
  const PingAnswer* own_word = name && *name == host ? says : nullptr;  // somebody else answers there: no answer
  if (own_word != nullptr) {
    if (Member* member = roster_.find(host)) {
      if (member->run.generation == own_word->generation) {
        member->last_answer = now();
        roster_.observe(*member, *own_word);
      } else if (own_word->generation > member->run.generation) {
        roster_.remove(host, "restarted", Gone::kReplaced);
      }
    }
  }
  for (const WaitingRequest& request : waited) {
    if (request.from_elsewhere && own_word == nullptr) {
      late_refusals_.emplace_back(host, request);
    } else {
      resolve_back_probe(host, request, own_word, asked, failure);
    }
  }
}

// Whoever may not be the host that it names hears nothing of what came of looking there, nor how soon that was known:
// else it could have this host try addresses for it.
void Requests::send_late_refusals() {
  std::vector<std::pair<std::string, WaitingRequest>> due;
  std::erase_if(late_refusals_, [&](auto& refusal) {
    if (now() < refusal.second.since + kBackProbePings * config_.ping_interval) return false;
    due.push_back(std::move(refusal));
    return true;
  });
  for (const auto& [host, request] : due) resolve_back_probe(host, request, nullptr, {}, nullptr);
}

void Requests::resolve_back_probe(const std::string& host, const WaitingRequest& request, const PingAnswer* says,
                                  Instant asked, const PeerFailure* failure) {
  const bool no_process = failure != nullptr && failure->kind == PeerFailure::Kind::kReset;
  switch (request.what) {
    case WaitingRequest::For::kJoin:
      if (says == nullptr && failure != nullptr && failure->kind == PeerFailure::Kind::kLost) {
        return refuse_join(request.token, ReplyStatus::kNoAnswer, host + " has not answered in time");
      }
      if (says == nullptr || says->generation != request.generation) {
        return refuse_join(request.token, ReplyStatus::kUnverified,
                           out_of_reach_under(host, failure != nullptr ? failure->detail : ""));
      }
      if (const auto may = joining_.may_be_member(*says); !may) {
        return refuse_join(request.token, ReplyStatus::kMismatch, may.error());
      }
      // Its next run may have been heard of while this one was looked at.
      if (roster_.standing_of({host, request.generation, config_.cluster, 0}) == Standing::kDeclaredDead &&
          (!says->asks_to_join || request.generation != roster_.newest_known(host))) {
        return refuse_join(request.token, ReplyStatus::kDeclaredDead, "", roster_.newest_known(host));
      }
      roster_.admit(host, *says, asked);
      return take_in(request.token, request.names);
    case WaitingRequest::For::kLeave: {
      const Member* member = roster_.find(host);
      const bool seen = member == nullptr || member->run.generation != request.generation || !member->on_ring();
      context_.effects.push_back(
          AnswerPeer{request.token, LeaveAnswer{seen ? ReplyStatus::kOk : ReplyStatus::kUnverified}});
      return;
    }
    case WaitingRequest::For::kClosing: {
      const Member* member = roster_.find(host);
      const bool same = member != nullptr && member->run.generation == request.generation;
      const bool leaving = same && (no_process || (says != nullptr && says->phase == Phase::kDrained));
      if (leaving) {
        roster_.remove(host, Roster::kClosed, no_process ? Gone::kRefusing : Gone::kInOrder);
        roster_.look_for(host, Candidate::State::kNobodyListens, kRestartTime, "it has ended in order");
      }
      const bool gone = !same || leaving;
      context_.effects.push_back(
          AnswerPeer{request.token, AckAnswer{gone, gone ? "" : "that host answers, and is not closing", {}}});
      return;
    }
  }
}

}  // namespace ringside::core
