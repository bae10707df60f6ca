#include "sidecar/events/bursts.h"

#include <algorithm>
#include <utility>

namespace ringside::events {

void Bursts::happened(core::HostEvent event) {
  if (!core::comes_in_bursts(event.kind)) return then_.happened(std::move(event));
  const auto now = net::Clock::now();
  // Strangers cause these, from as many addresses as they like: one at a time must not drive out what happened before.
  const bool of_strangers = event.kind == core::EventKind::kTlsHandshakeFailed;
  Key key = of_strangers ? Key{event.kind, "", ""} : Key{event.kind, event.host, event.why};
  auto found = open_.find(key);
  if (found == open_.end() && open_.size() >= kOpen) {
    key = {event.kind, "", ""};
    event.host.clear();
    event.why = "several reasons, more than are told apart at a time";
    found = open_.find(key);
  }
  if (found == open_.end()) {
    open_.emplace(std::move(key), Burst{std::move(event), now, now});
    if (open_.size() == 1) arm();
    return;
  }
  Burst& burst = found->second;
  burst.last = now;
  burst.first.count += event.count;
  if (burst.first.host != event.host) burst.first.host.clear();
  if (burst.first.actor != event.actor) burst.first.actor.clear();
  if (burst.first.by != event.by) burst.first.by.clear();
}

void Bursts::arm() {
  timer_.expires_after(times_.quiet / 2);
  timer_.async_wait(life_.bind([this](net::error_code ec) {
    if (ec) return;
    end_those_due();
    if (!open_.empty()) arm();
  }));
}

void Bursts::end_those_due() {
  const auto now = net::Clock::now();
  for (auto at = open_.begin(); at != open_.end();) {
    const Burst& burst = at->second;
    const bool due = now - burst.last >= times_.quiet || now - burst.began >= times_.longest;
    auto ended = due ? open_.extract(at++) : decltype(open_)::node_type();
    if (ended.empty()) {
      ++at;
    } else {
      record(std::move(ended.mapped()));
    }
  }
}

void Bursts::end_all() {
  timer_.cancel();
  for (auto& [key, burst] : std::exchange(open_, {})) record(std::move(burst));
}

void Bursts::record(Burst burst) {
  if (burst.first.count > 1) {
    burst.first.lasted = std::chrono::duration_cast<core::Duration>(burst.last - burst.began);
    burst.first.facts.clear();  // of the first alone
  }
  then_.happened(std::move(burst.first));
}

}  // namespace ringside::events
