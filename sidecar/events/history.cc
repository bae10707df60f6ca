#include "sidecar/events/history.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "sidecar/base/text.h"

namespace ringside::events {

void History::happened(core::HostEvent event) {
  for (std::string* text : {&event.host, &event.actor, &event.why, &event.by}) *text = base::told(*text);
  for (auto& [name, value] : event.facts) {
    if (auto* text = std::get_if<std::string>(&value)) *text = base::told(*text);
  }
  if (kept_.size() == kKept) kept_.pop_front();
  const Recorded& news = kept_.emplace_back(Recorded{++newest_, wall_(), std::move(event)});
  const auto watchers = watchers_;
  for (const auto& [watch, watcher] : watchers) {
    if (watchers_.contains(watch)) watcher(news);
  }
}

const Recorded* History::after(std::uint64_t number) const {
  if (number >= newest_) return nullptr;
  const std::uint64_t skipped = number < oldest() ? 0 : number - oldest() + 1;
  return &kept_[static_cast<std::size_t>(skipped)];
}

// The wall clock may have been set back meanwhile, so they need not be in its order.
std::uint64_t History::before_last(std::int64_t milliseconds) const {
  const std::int64_t from = wall_() - milliseconds;
  const auto first =
      std::find_if(kept_.begin(), kept_.end(), [from](const Recorded& one) { return one.wall_ms >= from; });
  return first == kept_.end() ? newest_ : first->number - 1;
}

std::uint64_t History::watch(Watcher watcher) {
  watchers_[next_watch_] = std::move(watcher);
  return next_watch_++;
}

}  // namespace ringside::events
