#include "tests/sim/oracle.h"

#include <algorithm>

namespace ringside::sim {

void Oracle::fail(const std::string& what, std::int64_t now) {
  broken_.push_back("at " + std::to_string(now) + " us: " + what);
}

void Oracle::activated(const std::string& host, core::ActorId id, core::Epoch epoch, std::int64_t now) {
  auto& live = live_[id];
  if (exclusive_ && !live.empty()) {
    fail("actor " + std::to_string(id) + " is activated on " + host + " while it lives on " + live.front().host, now);
  }
  if (exclusive_ && epoch <= last_epoch_[id]) {
    fail("actor " + std::to_string(id) + " is activated with epoch " + std::to_string(epoch) + ", not above " +
             std::to_string(last_epoch_[id]),
         now);
  }
  last_epoch_[id] = std::max(last_epoch_[id], epoch);
  live.push_back({host, epoch});
}

void Oracle::ended(const std::string& host, core::ActorId id, core::Epoch epoch, std::int64_t) {
  std::erase_if(live_[id], [&](const Live& one) { return one.host == host && one.epoch == epoch; });
}

void Oracle::delivered(std::uint64_t batch) {
  Batch& entry = batches_[batch];
  if (++entry.deliveries > 1) fail("batch " + std::to_string(batch) + " was handed over twice", 0);
  std::uint64_t& last = last_delivered_[{entry.caller, entry.id}];
  // What its caller has given up as unknown may still happen, also late.
  const bool given_up = entry.answered && entry.outcome == core::Outcome::kUnknown;
  if (exclusive_ && !given_up && batch < last) {
    fail("batch " + std::to_string(batch) + " was handed over after " + std::to_string(last) + " of the same caller",
         0);
  }
  last = std::max(last, batch);
}

void Oracle::sent(std::uint64_t batch, int caller, core::ActorId id) { batches_[batch] = {caller, id, 0, false, {}}; }

void Oracle::answered(std::uint64_t batch, const core::Answer& answer, std::int64_t now) {
  Batch& entry = batches_[batch];
  const std::string name =
      "batch " + std::to_string(batch) + ", answered " + std::string(core::to_string(answer.outcome)) + ",";
  if (entry.answered) fail(name + " was answered before", now);
  entry.answered = true;
  entry.outcome = answer.outcome;
  if (answer.outcome == core::Outcome::kApplied) {
    ++applied_;
    if (entry.deliveries != 1) fail(name + " was handed over " + std::to_string(entry.deliveries) + " times", now);
  }
}

void Oracle::check_rest(std::int64_t now) {
  for (const auto& [number, batch] : batches_) {
    if (!batch.answered) fail("batch " + std::to_string(number) + " was never answered", now);
    const bool never = batch.outcome == core::Outcome::kNotDelivered || batch.outcome == core::Outcome::kOverloaded ||
                       batch.outcome == core::Outcome::kExpired || batch.outcome == core::Outcome::kInvalid;
    if (never && batch.deliveries != 0) {
      fail("batch " + std::to_string(number) + " was handed over although it was answered " +
               std::string(core::to_string(batch.outcome)),
           now);
    }
  }
  for (const auto& [id, live] : live_) {
    if (live.size() > 1)
      fail("actor " + std::to_string(id) + " still lives " + std::to_string(live.size()) + " times", now);
  }
}

}  // namespace ringside::sim
