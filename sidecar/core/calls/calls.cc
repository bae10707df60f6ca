#include "sidecar/core/calls/calls.h"

#include <algorithm>
#include <utility>

#include "sidecar/core/check.h"

namespace ringside::core {

std::optional<Answer> Calls::begin(Token token, CallPtr call) {
  const auto [entry, fresh] = calls_.try_emplace(token);
  RINGSIDE_CHECK(fresh && call != nullptr);
  PendingCall& pending = entry->second;
  pending.call = std::move(call);
  Admission::Entry admitted = admission_.admit(*pending.call);
  pending.counted = admitted.counted;
  return std::move(admitted.refusal);
}

std::optional<PendingCall> Calls::end(Token token) {
  auto ended = calls_.extract(token);
  if (ended.empty()) return std::nullopt;
  if (ended.mapped().stage == CallStage::kWaiting) waiting_.erase(token);
  admission_.release(*ended.mapped().call, ended.mapped().counted);
  return std::move(ended.mapped());
}

void Calls::enter(Token token, PendingCall& pending, CallStage stage) {
  if (pending.stage == CallStage::kWaiting) waiting_.erase(token);
  if (stage == CallStage::kWaiting) waiting_.insert(token);
  pending.stage = stage;
}

PendingCall* Calls::find(Token token) {
  const auto found = calls_.find(token);
  return found == calls_.end() ? nullptr : &found->second;
}

const PendingCall* Calls::find(Token token) const {
  const auto found = calls_.find(token);
  return found == calls_.end() ? nullptr : &found->second;
}

PendingCall& Calls::at(Token token) {
  PendingCall* pending = find(token);
  RINGSIDE_CHECK(pending != nullptr);
  return *pending;
}

const PendingCall& Calls::at(Token token) const {
  const PendingCall* pending = find(token);
  RINGSIDE_CHECK(pending != nullptr);
  return *pending;
}

std::vector<Token> Calls::in_stage(CallStage stage) const {
  std::vector<Token> tokens;
  for (const auto& [token, pending] : calls_) {
    if (pending.stage == stage) tokens.push_back(token);
  }
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

}  // namespace ringside::core
