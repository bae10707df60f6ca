#include "sidecar/core/membership/ring_event.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace ringside::core {
namespace {

// The hosts of one ring that are not on the other, and what they own of it. Nothing else moves: that is what makes the
// hashing consistent.
struct Change {
  std::vector<std::string> hosts;
  double share = 0;
  double of_self = 0;
};
Change beyond(const Ring& ring, const Ring& other, const std::string& self) {
  Change change;
  const std::vector<double> shares = ring.shares();
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const std::string& host = ring.hosts()[i];
    if (host == self) change.of_self = shares[i];
    if (other.contains(host)) continue;
    change.hosts.push_back(host);
    change.share += shares[i];
  }
  return change;
}

std::string list(const std::vector<std::string>& hosts) {
  std::string text;
  for (const std::string& host : hosts) text += (text.empty() ? "" : " ") + host;
  return text;
}

// "33.1 %"
std::string percent(double share) {
  const auto tenths = static_cast<std::uint64_t>(std::llround(share * 1000));
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %";
}

}  // namespace

HostEvent ring_event(const Ring& before, const Ring& after, const std::string& self) {
  const Change gone = beyond(before, after, self);
  const Change come = beyond(after, before, self);
  HostEvent event{.kind = EventKind::kRingChanged};
  if (gone.hosts.size() + come.hosts.size() == 1) event.host = gone.hosts.empty() ? come.hosts[0] : gone.hosts[0];
  if (!come.hosts.empty()) event.why = list(come.hosts) + " came onto it";
  if (!gone.hosts.empty()) event.why += (event.why.empty() ? "" : ", ") + list(gone.hosts) + " left it";
  event.why += ": " + percent(gone.share + come.share) + " of it moved, and this host's share was " +
               percent(gone.of_self) + " and is " + percent(come.of_self);
  event.facts = {{"moved", gone.share + come.share},
                 {"own_share_before", gone.of_self},
                 {"own_share", come.of_self},
                 {"hosts", std::uint64_t{after.hosts().size()}}};
  return event;
}

}  // namespace ringside::core
