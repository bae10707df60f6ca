// A gateway in the hands of a test.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sidecar/core/ports.h"

namespace ringside::local::testing {

class FakeGateway final : public core::Gateway {
 public:
  core::CallId apply(core::Call call, Done done) override {
    calls.push_back(std::move(call));
    const core::CallId token(++last_number);
    if (on_call) {
      done(on_call(calls.back()));
    } else {
      open[token] = std::move(done);
    }
    return token;
  }
  void hang_up(core::CallId call) override { cancel(call); }
  void cancel(core::CallId call) override {
    cancelled.push_back(call);
    const auto found = open.find(call);
    if (found == open.end()) return;
    const Done done = std::move(found->second);
    open.erase(found);
    done(core::Answer::failed(core::Outcome::kUnknown, core::Reason::kCancelled));
  }
  void explain(core::ActorId id, std::function<void(core::Explained)> done) override {
    core::Explained there = explained;
    there.place = where(id);
    done(std::move(there));
  }
  core::Top top(std::size_t most) override {
    core::Top shown = top_list;
    for (core::HotList* list : {&shown.busiest, &shown.slowest, &shown.most_waited}) {
      if (list->actors.size() > most) list->actors.resize(most);
    }
    ++looks;
    return shown;
  }
  core::Placement where(core::ActorId id) const override {
    core::Placement there = place;
    there.id = id;
    return there;
  }
  core::Status status() const override { return state; }
  std::vector<core::MemberStatus> members() const override {
    const auto shown = member_list;
    if (on_members) on_members();
    return shown;
  }
  std::vector<core::ActorStatus> actors(std::size_t limit, core::ActorId after) const override {
    std::vector<core::ActorStatus> out;
    for (core::ActorId id = after.next(); id <= 5 && out.size() < limit; ++id) {
      core::ActorStatus& actor = out.emplace_back();
      actor.id = id;
      actor.epoch = core::Epoch(100 + id.value());
      actor.idle = core::Duration{3000};
    }
    return out;
  }
  const core::Ring& ring() const override { return *ring_now; }
  const core::Counters& counters() const override { return counted; }
  core::Now now() const override { return {core::Instant{core::Duration{1'000'000}}, 0}; }
  void drain(const std::string& by) override {
    said_by = by;
    state.phase = core::Phase::kDraining;
    if (on_drain) on_drain();
  }
  void uncordon(const std::string& by) override {
    said_by = by;
    state.phase = core::Phase::kJoining;
  }
  core::WatcherId when_drained(std::function<void(bool)> done) override {
    const core::WatcherId watcher(++last_number);
    drain_watchers[watcher] = std::move(done);
    return watcher;
  }
  core::WatcherId when_view_changes(std::function<void()> changed) override {
    const core::WatcherId watcher(++last_number);
    view_watchers[watcher] = std::move(changed);
    return watcher;
  }
  void forget(core::WatcherId watcher) override {
    drain_watchers.erase(watcher);
    view_watchers.erase(watcher);
  }

  void change_view() {
    for (const auto& [watcher, changed] : std::map(view_watchers)) changed();
  }
  void end_drain(core::Phase phase, bool overdue) {
    state.phase = phase;
    state.drain_overdue = overdue;
    for (const auto& [watcher, done] : std::exchange(drain_watchers, {})) done(!overdue);
  }

  std::function<core::Answer(const core::Call&)> on_call;  // empty: calls stay open
  std::function<void()> on_members;                        // after the list was taken
  std::function<void()> on_drain;
  std::string said_by;  // the last drain or uncordon
  std::vector<core::Call> calls;
  std::vector<core::CallId> cancelled;
  std::map<core::CallId, Done> open;
  std::map<core::WatcherId, std::function<void(bool)>> drain_watchers;
  std::map<core::WatcherId, std::function<void()>> view_watchers;
  core::Placement place{0, "10.0.0.7", "claim", true, 77, "active here", {}};
  core::Explained explained;
  core::Top top_list;
  int looks = 0;  // at top_list
  core::Status state;
  std::vector<core::MemberStatus> member_list;
  core::Ring::Ptr ring_now = core::Ring::make({"10.0.0.7", "10.0.0.8"}, 64);
  core::Counters counted;
  std::uint64_t last_number = 0;
};

}  // namespace ringside::local::testing
