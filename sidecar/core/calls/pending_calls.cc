#include "sidecar/core/calls/pending_calls.h"

#include <algorithm>
#include <utility>

#include "sidecar/base/check.h"

namespace ringside::core {

base::Result<void, Answer> PendingCalls::begin(CallId token, CallPtr call) {
  const auto [entry, fresh] = calls_.try_emplace(token);
  RINGSIDE_CHECK(fresh && call != nullptr);
  PendingCall& pending = entry->second;
  pending.call = std::move(call);
  Admission::Entry admitted = admission_.admit(*pending.call);
  pending.counted = admitted.counted;
  return std::move(admitted.may_go_on);
}

PendingCalls::Ended PendingCalls::end(CallId token) {
  Ended ended(calls_.extract(token));
  if (!ended) return ended;
  if (ended->stage == CallStage::kWaiting) waiting_.erase(token);
  admission_.release(*ended->call, ended->counted);
  return ended;
}

void PendingCalls::enter(CallId token, PendingCall& pending, CallStage stage) {
  if (pending.stage == CallStage::kWaiting) waiting_.erase(token);
  if (stage == CallStage::kWaiting) waiting_.insert(token);
  pending.stage = stage;
}

void PendingCalls::check() const {
  std::size_t bytes = 0, waiting = 0;
  for (const auto& [token, pending] : calls_) {
    bytes += pending.call->weight();
    if (pending.stage == CallStage::kWaiting) ++waiting;
    RINGSIDE_CHECK((pending.stage == CallStage::kWaiting) == waiting_.contains(token));
  }
  RINGSIDE_CHECK(waiting == waiting_.size());
  RINGSIDE_CHECK(bytes == admission_.bytes());
}

std::vector<CallId> PendingCalls::in_stage(CallStage stage) const {
  std::vector<CallId> tokens;
  for (const auto& [token, pending] : calls_) {
    if (pending.stage == stage) tokens.push_back(token);
  }
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

}  // namespace ringside::core
