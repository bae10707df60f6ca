#include "sidecar/events/history.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "sidecar/base/text.h"

namespace ringside::events {

// The name of an actor is whatever its callers say: it is kept to the letter, and whoever shows it makes it readable.
void History::happened(core::HostEvent event, std::int64_t first_ms, std::int64_t last_ms) {
  for (std::string* text : {&event.host, &event.why, &event.by}) *text = base::told(*text);
  if (event.actor.size() > kLongestActor) event.actor = base::told(event.actor);
  for (auto& [name, value] : event.facts) {
    if (auto* text = std::get_if<std::string>(&value)) *text = base::told(*text);
  }
  if (kept_.size() == kKept) kept_.pop_front();
  const Recorded& news = kept_.emplace_back(Recorded{++newest_, last_ms, first_ms, std::move(event)});
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
