#include "tests/sim/oracle.h"

#include <algorithm>

namespace ringside::sim {
namespace {

std::string named(core::ActorId id) { return "actor " + to_string(id); }
std::string batch_named(std::uint64_t batch) { return "batch " + std::to_string(batch); }

}  // namespace

void Oracle::fail(const std::string& what, std::int64_t now, core::ActorId about) {
  if (broken_.empty()) about_ = about;
  broken_.push_back("at " + std::to_string(now) + " us: " + what);
}

void Oracle::exclusivity_void(std::int64_t now) { void_since_ = last_disturbed_ = now; }

void Oracle::disturbed(std::int64_t now) { last_disturbed_ = now; }

void Oracle::nobody_remembers() {
  for (auto& [id, actor] : actors_) actor.last_epoch = actor.before_last = 0;
}

bool Oracle::exclusive(std::int64_t now) const { return void_since_ == 0 || now > last_disturbed_ + kHealed; }

// At a legacy host there are no epochs, and nobody knows what another such host holds.
bool Oracle::promised(core::ActorId id, core::Epoch epoch) const { return !mixed_ || (epoch != 0 && promised_(id)); }

// ---- what applications see ------------------------------------------------------------------------------------------

void Oracle::activated(const std::string& host, core::ActorId id, core::Epoch epoch, std::int64_t now) {
  Actor& actor = actors_[id];
  if (exclusive(now) && promised(id, epoch)) {
    for (const Live& other : actor.live) {
      if (other.epoch == 0) continue;  // at a legacy host
      fail(named(id) + " lives at " + other.host + " (epoch " + to_string(other.epoch) + ") and at " + host +
               " (epoch " + to_string(epoch) + ")",
           now, id);
    }
    if (epoch <= actor.last_epoch && epoch != 0 && !epochs_void_) {
      fail(named(id) + " is activated with epoch " + to_string(epoch) + ", not above " + to_string(actor.last_epoch),
           now, id);
    }
  }
  actor.before_last = actor.last_epoch;
  actor.last_epoch = std::max(actor.last_epoch, epoch);
  actor.live.push_back({host, epoch});
}

void Oracle::ended(const std::string& host, core::ActorId id, core::Epoch epoch, bool handed_over) {
  Actor& actor = actors_[id];
  std::erase_if(actor.live, [&](const Live& one) { return one.host == host && one.epoch == epoch; });
  if (handed_over) actor.handed_over[epoch] = true;
}

// A batch that was handed over before may be so again only where its outcome could not be known. Two sides of a cut may
// give the same epoch.
void Oracle::judge_repeat(const Batch& batch, const std::string& host, core::Epoch epoch, std::int64_t now) {
  const Call& what = batch.what;
  if (!what.keyed && !what.repeatable) {
    return fail(batch_named(what.batch) + " was handed over twice", now, what.id);
  }
  if (!what.keyed) return;
  const Actor& actor = actors_[what.id];
  for (const Delivery& before : batch.deliveries) {
    if (!before.final) continue;
    if (before.epoch == epoch && before.host == host) {
      fail(batch_named(what.batch) + " was handed over twice to one activation, in spite of its key", now, what.id);
    } else if (before.epoch == actor.before_last && actor.handed_over.contains(before.epoch) &&
               last_disturbed_ < before.at && exclusive(now)) {
      fail(batch_named(what.batch) + " was handed over again after a drain, in spite of its key", now, what.id);
    }
  }
}

void Oracle::turn_began(const std::string& host, std::uint64_t number, core::ActorId id, core::Epoch epoch,
                        std::int64_t now) {
  Batch& batch = batches_[number];
  if (epoch != 0 && now > batch.what.deadline)
    fail(batch_named(number) + " was handed over after its deadline", now, id);
  if (!batch.deliveries.empty()) judge_repeat(batch, host, epoch, now);
  const bool again = !batch.deliveries.empty();
  batch.deliveries.push_back({host, epoch, now, false});
  for (Live& live : actors_[id].live) {
    if (live.host != host || live.epoch != epoch) continue;
    if (live.turn != 0) fail(named(id) + " has two turns at once", now, id);
    live.turn = static_cast<std::int64_t>(number);
  }
  std::uint64_t& last = last_delivered_[{batch.what.caller, id}];
  if (batch.what.caller < 0) return;  // nobody waits for its answer, so it has no order
  if (exclusive(now) && !mixed_ && !batch.given_up && !again && number < last) {
    fail(batch_named(number) + " was handed over after " + std::to_string(last) + " of the same caller", now, id);
  }
  last = std::max(last, number);
}

void Oracle::turn_ended(const std::string& host, std::uint64_t number, core::ActorId id, core::Epoch epoch,
                        bool final) {
  Batch& batch = batches_[number];
  for (Delivery& delivery : batch.deliveries) {
    if (delivery.host == host && delivery.epoch == epoch && final) delivery.final = true;
  }
  for (Live& live : actors_[id].live) {
    if (live.host == host && live.epoch == epoch && live.turn == static_cast<std::int64_t>(number)) live.turn = 0;
  }
}

// What the app sends back loses its place: those behind it go first.
void Oracle::sent_back(std::uint64_t number) { batches_[number].given_up = true; }

// ---- what callers see -----------------------------------------------------------------------------------------------

void Oracle::sent(std::uint64_t call, const Call& what) {
  calls_[call].batch = what.batch;
  Batch& batch = batches_[what.batch];
  batch.what = what;
  batch.given_up = false;
}

void Oracle::answered(std::uint64_t call, const core::Answer& answer, std::int64_t now) {
  Outcome& entry = calls_[call];
  Batch& batch = batches_[entry.batch];
  const std::string name =
      batch_named(entry.batch) + ", answered " + std::string(core::to_string(answer.outcome)) + ",";
  if (entry.answered) fail(name + " was answered before", now, batch.what.id);
  entry.answered = true;
  entry.outcome = answer.outcome;
  if (answer.outcome == core::Outcome::kUnknown) batch.given_up = true;
  if (answer.outcome != core::Outcome::kApplied) return;
  ++applied_;
  const bool once = !batch.what.keyed && !batch.what.repeatable;
  if (batch.deliveries.empty() || (once && batch.deliveries.size() != 1)) {
    fail(name + " was handed over " + std::to_string(batch.deliveries.size()) + " times", now, batch.what.id);
  }
}

// ---- at the end -----------------------------------------------------------------------------------------------------

void Oracle::check_rest(std::int64_t now) {
  std::map<std::uint64_t, bool> surely_not;  // batch: every call of it was surely not delivered
  for (const auto& [number, call] : calls_) {
    const core::ActorId id = batches_[call.batch].what.id;
    if (!call.answered) fail(batch_named(call.batch) + " was never answered", now, id);
    const bool not_delivered = core::surely_not_delivered(call.outcome);
    const auto [entry, fresh] = surely_not.emplace(call.batch, not_delivered);
    entry->second = entry->second && not_delivered;
  }
  for (const auto& [number, not_delivered] : surely_not) {
    const Batch& batch = batches_[number];
    if (not_delivered && !batch.deliveries.empty()) {
      fail(batch_named(number) + " was handed over although every answer said that it surely was not", now,
           batch.what.id);
    }
  }
  for (const auto& [id, actor] : actors_) {
    if (actor.live.size() <= 1) continue;
    fail(named(id) + " still lives " + std::to_string(actor.live.size()) + " times", now, id);
  }
}

std::size_t Oracle::lives(core::ActorId id) const {
  const auto found = actors_.find(id);
  return found == actors_.end() ? 0 : found->second.live.size();
}

void Oracle::swept(const std::string& at, core::ActorId id, const core::Answer& answer, std::int64_t now) {
  if (answer.outcome != core::Outcome::kApplied) {
    return fail(
        "in the calm, " + named(id) + " called at " + at + " is " + std::string(core::to_string(answer.outcome)), now,
        id);
  }
  const auto& live = actors_[id].live;
  if (live.size() != 1) {
    return fail("in the calm, " + named(id) + " lives " + std::to_string(live.size()) + " times", now, id);
  }
  if (mixed_) return;  // a legacy host may still hear that it was not the first
  const auto [holder, fresh] = holder_.emplace(id, live.front().host);
  if (holder->second != live.front().host) {
    fail("in the calm, " + named(id) + " called at " + at + " ends at " + live.front().host + ", not at " +
             holder->second,
         now, id);
  }
}

}  // namespace ringside::sim
