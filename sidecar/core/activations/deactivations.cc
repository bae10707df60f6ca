#include "sidecar/core/activations/deactivations.h"

#include <algorithm>

#include "sidecar/base/check.h"

namespace ringside::core {
namespace {

constexpr Duration kPatience{2'000'000};
constexpr Duration kAtOnce{5'000};  // what was asked closer to one another may be met in any order

}  // namespace

void Deactivations::add(const Claim& claim, bool awaited) {
  Entry& entry = entries_[claim.id];
  entry = {claim, State::kWaits, awaited, {}};
  queue(entry);
}

Deactivations::Entry& Deactivations::at(ActorId id) {
  const auto found = entries_.find(id);
  RINGSIDE_CHECK(found != entries_.end());
  return found->second;
}

void Deactivations::queue(Entry& entry) {
  entry.state = State::kWaits;
  (entry.awaited ? awaited_ : others_).push_back(entry.claim.id);
}

void Deactivations::hurry(ActorId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.awaited) return;
  found->second.awaited = true;
  if (found->second.state == State::kWaits) awaited_.push_back(id);
}

bool Deactivations::withdraw(ActorId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.state == State::kUnderWay) return false;
  entries_.erase(found);
  return true;
}

bool Deactivations::not_asked_yet(ActorId id) const {
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second.state == State::kWaits && found->second.failures.times == 0;
}

std::optional<Claim> Deactivations::next(Instant now) {
  if (questions_.size() >= most_ || in_the_way(now) >= limit_.limit()) {
    limit_.full(now);
    return std::nullopt;
  }
  for (std::deque<ActorId>* queue : {&awaited_, &others_}) {
    while (!queue->empty()) {
      const auto found = entries_.find(queue->front());
      queue->pop_front();
      if (found != entries_.end() && found->second.state == State::kWaits) return found->second.claim;
    }
  }
  limit_.idle();
  return std::nullopt;
}

// Those that may still be answered soon.
std::size_t Deactivations::in_the_way(Instant now) const {
  const Duration patience = std::max(kPatience, 4 * longest_);
  std::size_t stuck = 0;
  for (const auto& [token, question] : questions_) {
    if (now - question.asked <= patience) break;
    ++stuck;
  }
  return questions_.size() - stuck;
}

void Deactivations::asked(const Claim& claim, DeactivationId token, Instant now) {
  at(claim.id).state = State::kUnderWay;
  questions_[token] = {claim.id, now};
}

std::optional<Deactivations::Asked> Deactivations::answered(DeactivationId token, Instant now) {
  const auto question = questions_.find(token);
  if (question == questions_.end()) return std::nullopt;
  const Entry& entry = at(question->second.id);
  longest_ = std::max(now - question->second.asked, longest_ * 7 / 8);
  const Instant asked = question->second.asked;
  questions_.erase(question);
  const bool overtook = !questions_.empty() && questions_.begin()->second.asked + kAtOnce < asked;
  limit_.answered(now, in_the_way(now), overtook);
  return Asked{entry.claim, entry.failures.times};
}

void Deactivations::ask_later(ActorId id, const std::string& failure) {
  Entry& entry = at(id);
  entry.state = State::kPaused;
  ++entry.failures.times;
  entry.failures.last = failure;
}

Deactivations::Failures Deactivations::failures(ActorId id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? Failures() : found->second.failures;
}

void Deactivations::ask_again(ActorId id) {
  const auto found = entries_.find(id);
  if (found != entries_.end() && found->second.state == State::kPaused) queue(found->second);
}

void Deactivations::check() const {
  RINGSIDE_CHECK(questions_.size() <= most_);
  std::size_t under_way = 0;
  for (const auto& [id, entry] : entries_) {
    RINGSIDE_CHECK(entry.claim.id == id);
    if (entry.state == State::kUnderWay) ++under_way;
  }
  RINGSIDE_CHECK(under_way == questions_.size());
  for (const auto& [token, question] : questions_) {
    const auto asked = entries_.find(question.id);
    RINGSIDE_CHECK(asked != entries_.end() && asked->second.state == State::kUnderWay);
  }
}

void Deactivations::clear() {
  entries_.clear();
  questions_.clear();
  awaited_.clear();
  others_.clear();
}

}  // namespace ringside::core
