#include "sidecar/core/explaining.h"

#include <algorithm>
#include <utility>

namespace ringside::core {
namespace {

std::string problem_of(const PeerFailure& failure) {
  if (failure.kind == PeerFailure::Kind::kUnserved) {
    return "it is of an earlier version, which explains nothing: explained as far as this host knows";
  }
  return "it did not explain itself: " + failure.detail;
}

}  // namespace

std::optional<Explaining::Done> Explaining::begin(ExplainId token, Explained own) {
  const Instant now = context_.now.mono;
  return go_on({token, std::move(own), now, now, {}});
}

std::optional<Explaining::Done> Explaining::answered(QuestionId question, const PeerAnswer& answer) {
  Open open = std::move(*open_.answered(question));
  Explained::Asked& asked = open.explained.asked.back();
  asked.took = context_.now.mono - open.asked;
  if (const auto* says = std::get_if<ExplainAnswer>(&answer)) {
    std::string host = std::move(asked.says.host);
    asked.says = *says->explanation;
    asked.says.host = std::move(host);
    asked.problem.clear();
  } else if (const auto* failure = std::get_if<PeerFailure>(&answer)) {
    const bool may_be_proven_by_now = failure->kind == PeerFailure::Kind::kRejected;
    if (may_be_proven_by_now && open.tries < kMostTries && left_of(open) > Duration(0)) {
      ask(std::move(open));
      return std::nullopt;
    }
    asked.problem = problem_of(*failure);
  } else {
    asked.problem = "its answer is not an explanation";
  }
  return go_on(std::move(open));
}

std::optional<Explaining::Done> Explaining::go_on(Open open) {
  Explained& explained = open.explained;
  const Explanation& last = explained.asked.empty() ? explained.here : explained.asked.back().says;
  if (last.activation) explained.holder = last.host;
  const std::string to = last.to;
  const Epoch epoch = last.epoch;
  const bool is_known =
      to == explained.here.host || std::any_of(explained.asked.begin(), explained.asked.end(),
                                               [&](const Explained::Asked& one) { return one.says.host == to; });
  if (last.activation || to.empty() || is_known || explained.asked.size() == kMostHosts) {
    return Done{open.token, std::move(explained)};
  }
  const auto hops = static_cast<std::uint32_t>(explained.asked.size() + 1);
  Explained::Asked& next = explained.asked.emplace_back();
  next.says.host = to;
  const HostRun* run = cluster_.run_of(to);
  if (run == nullptr) {
    next.problem = "it is not a member in the view of this host";
  } else if (run->generation == 0) {
    next.problem = "it speaks the given protocol alone, and explains nothing: explained as far as this host knows";
  } else if (cluster_.is_suspected(to)) {
    next.problem = "it is silent, and was not asked";
  } else if (left_of(open) <= Duration(0)) {
    next.problem = "it was not asked: the time for explanations, " + in_seconds(kLimit) + ", was over";
  } else if (open_.size() >= kMost) {
    next.problem = "it was not asked: " + std::to_string(kMost) + " explanations are under way already";
  } else {
    open.asked = context_.now.mono;
    open.request = {explained.place.id, epoch, hops};
    open.tries = 0;
    ask(std::move(open));
    return std::nullopt;
  }
  return Done{open.token, std::move(explained)};
}

void Explaining::ask(Open open) {
  ++open.tries;
  const auto question = context_.next<QuestionId>();
  context_.effects.push_back(AskPeer{question, open.explained.asked.back().says.host, open.request, left_of(open)});
  open_.asked(question, std::move(open));
}

}  // namespace ringside::core
