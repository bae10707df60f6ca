#include "sidecar/events/bursts.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace ringside::events {
namespace {

constexpr std::string_view kSeveral = "for several reasons, of which the first is: ";

}  // namespace

void Bursts::happened(core::HostEvent event) {
  if (!core::comes_in_bursts(event.kind)) return history_.happened(std::move(event));
  const auto now = net::Clock::now();
  // Strangers cause these, from as many addresses as they like: one at a time must not drive out what happened before.
  const bool of_strangers = event.kind == core::EventKind::kTlsHandshakeFailed;
  Key key = of_strangers ? Key{event.kind, "", ""} : Key{event.kind, event.host, event.why};
  auto found = open_.find(key);
  if (found == open_.end() && open_.size() >= kOpen) {
    key = {event.kind, "", ""};
    found = open_.find(key);
  }
  if (found == open_.end()) {
    open_.emplace(std::move(key), Burst{.last = now, .recorded = now});
    if (open_.size() == 1) arm();
    return history_.happened(std::move(event));
  }
  found->second.last = now;
  count(found->second, std::move(event));
}

void Bursts::count(Burst& burst, core::HostEvent event) const {
  burst.last_ms = history_.wall_ms();
  core::HostEvent& more = burst.more;
  if (more.count == 0) {
    burst.first_ms = burst.last_ms;
    more = std::move(event);
    return;
  }
  more.count += event.count;
  more.facts.clear();  // of one alone
  if (more.host != event.host) more.host.clear();
  if (more.actor != event.actor) more.actor.clear();
  if (more.by != event.by) more.by.clear();
  if (more.why != event.why && !more.why.starts_with(kSeveral)) more.why = std::string(kSeveral) + more.why;
}

void Bursts::arm() {
  timer_.after(times_.quiet / 2, [this] {
    record_those_due();
    if (!open_.empty()) arm();
  });
}

// One that goes on is recorded again and again, and stays open.
void Bursts::record_those_due() {
  const auto now = net::Clock::now();
  for (auto at = open_.begin(); at != open_.end();) {
    Burst& burst = at->second;
    const bool is_over = now - burst.last >= times_.quiet;
    if (is_over || now - burst.recorded >= times_.longest) {
      record(burst);
      burst.recorded = now;
    }
    at = is_over ? open_.erase(at) : std::next(at);
  }
}

void Bursts::end_all() {
  timer_.cancel();
  for (auto& [key, burst] : std::exchange(open_, {})) record(burst);
}

void Bursts::record(Burst& burst) {
  core::HostEvent more = std::exchange(burst.more, {.count = 0});
  if (more.count == 0) return;
  if (more.count > 1)
    more.lasted = std::chrono::milliseconds(std::max<std::int64_t>(0, burst.last_ms - burst.first_ms));
  history_.happened(std::move(more), burst.first_ms, burst.last_ms);
}

}  // namespace ringside::events
