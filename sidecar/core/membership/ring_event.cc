#include "sidecar/core/membership/ring_event.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringside::core {
namespace {

double share_of(const Ring& ring, const std::string& host) {
  const auto found = std::lower_bound(ring.hosts().begin(), ring.hosts().end(), host);
  if (found == ring.hosts().end() || *found != host) return 0;
  return ring.shares()[static_cast<std::size_t>(found - ring.hosts().begin())];
}

// Those of one ring that are not on the other, and of those on both the ones whose points differ.
struct Change {
  std::vector<std::string> come, gone, reweighted;
};
Change compare(const Ring& before, const Ring& after) {
  Change change;
  auto old_host = before.hosts().begin();
  for (std::size_t i = 0; i < after.hosts().size(); ++i) {
    const std::string& host = after.hosts()[i];
    while (old_host != before.hosts().end() && *old_host < host) change.gone.push_back(*old_host++);
    if (old_host == before.hosts().end() || *old_host != host) {
      change.come.push_back(host);
      continue;
    }
    const auto index = static_cast<std::size_t>(old_host++ - before.hosts().begin());
    if (before.points()[index] != after.points()[i]) change.reweighted.push_back(host);
  }
  change.gone.insert(change.gone.end(), old_host, before.hosts().end());
  return change;
}

void tell(std::string& text, const std::vector<std::string>& hosts, const char* what) {
  constexpr std::size_t kNamed = 8;
  if (hosts.empty()) return;
  if (!text.empty()) text += ", ";
  for (std::size_t i = 0; i < std::min(kNamed, hosts.size()); ++i) text += hosts[i] + " ";
  if (hosts.size() > kNamed) text += "and " + std::to_string(hosts.size() - kNamed) + " more ";
  text += what;
}

// "33.1 %"
std::string percent(double share) {
  const auto tenths = static_cast<std::uint64_t>(std::llround(share * 1000));
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %";
}

}  // namespace

HostEvent ring_event(const Ring& before, const Ring& after, const std::string& self) {
  const Change change = compare(before, after);
  HostEvent event{.kind = EventKind::kRingChanged};
  if (change.come.size() + change.gone.size() + change.reweighted.size() == 1) {
    event.host = !change.come.empty() ? change.come[0] : !change.gone.empty() ? change.gone[0] : change.reweighted[0];
  }
  tell(event.why, change.come, "came onto it");
  tell(event.why, change.gone, "left it");
  tell(event.why, change.reweighted, "came back with another weight");
  const double moved = Ring::moved(before, after);
  const double share_before = share_of(before, self);
  const double share = share_of(after, self);
  event.why += ": " + percent(moved) + " of it moved, and this host's share was " + percent(share_before) + " and is " +
               percent(share);
  event.facts = {{"moved", moved},
                 {"own_share_before", share_before},
                 {"own_share", share},
                 {"hosts", std::uint64_t{after.hosts().size()}}};
  return event;
}

}  // namespace ringside::core
