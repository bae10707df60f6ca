#include "sidecar/core/endings.h"

namespace ringside::core {

void Endings::add(const Claim& claim, bool awaited) {
  Entry& entry = entries_[claim.id];
  entry = {claim, State::kWaits, awaited, 0};
  queue(entry);
}

void Endings::queue(Entry& entry) {
  entry.state = State::kWaits;
  (entry.awaited ? awaited_ : others_).push_back(entry.claim.id);
}

void Endings::hurry(ActorId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.awaited) return;
  found->second.awaited = true;
  if (found->second.state == State::kWaits) awaited_.push_back(id);
}

bool Endings::withdraw(ActorId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.state == State::kUnderWay) return false;
  entries_.erase(found);
  return true;
}

std::optional<Claim> Endings::next() {
  if (questions_.size() >= most_) return std::nullopt;
  for (std::deque<ActorId>* line : {&awaited_, &others_}) {
    while (!line->empty()) {
      const auto found = entries_.find(line->front());
      line->pop_front();
      if (found != entries_.end() && found->second.state == State::kWaits) return found->second.claim;
    }
  }
  return std::nullopt;
}

void Endings::asked(const Claim& claim, Token token) {
  entries_.at(claim.id).state = State::kUnderWay;
  questions_[token] = claim.id;
}

std::optional<Endings::Asked> Endings::answered(Token token) {
  const auto question = questions_.find(token);
  if (question == questions_.end()) return std::nullopt;
  const Entry& entry = entries_.at(question->second);
  questions_.erase(question);
  return Asked{entry.claim, entry.failures};
}

void Endings::ask_later(ActorId id) {
  Entry& entry = entries_.at(id);
  entry.state = State::kPaused;
  ++entry.failures;
}

void Endings::ask_again(ActorId id) {
  const auto found = entries_.find(id);
  if (found != entries_.end() && found->second.state == State::kPaused) queue(found->second);
}

void Endings::clear() {
  entries_.clear();
  questions_.clear();
  awaited_.clear();
  others_.clear();
}

}  // namespace ringside::core
