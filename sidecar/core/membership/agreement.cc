#include "sidecar/core/membership/agreement.h"

#include <utility>

namespace ringside::core {
namespace {

// Another part is met again and again, until both are one or it is gone.
constexpr Duration kForgotten{600'000'000};

}  // namespace

std::optional<HostEvent> Agreement::met_split(const std::string& host, const std::string& what_follows, Instant now) {
  const bool is_old = !met_.empty() && now - std::exchange(last_met_, now) < kForgotten;
  if (is_old && met_ == host) return std::nullopt;
  if (!is_old) met_at_ = last_met_ = now;
  met_ = host;
  return HostEvent{.kind = EventKind::kSplitMet,
                   .host = host,
                   .why = "it serves, and belongs to another part of this cluster: " + what_follows,
                   .by = host};
}

std::optional<HostEvent> Agreement::look(const Look& look, Instant now) {
  if (!look.joined) return std::nullopt;
  if (!look.settled) {
    if (!disagrees_since_) disagrees_since_ = now;
    if (told_ || now - *disagrees_since_ < patience_) return std::nullopt;
    told_ = true;
    std::string hosts;
    for (const std::string& host : look.others) hosts += (hosts.empty() ? "" : " ") + host;
    return HostEvent{.kind = EventKind::kRingDisagrees,
                     .host = look.others.size() == 1 ? look.others.front() : "",
                     .why = "members have reported another ring than this host's for " +
                            in_seconds(now - *disagrees_since_) + ": " + hosts,
                     .facts = {{"hosts", hosts}}};
  }
  const std::optional<Instant> since = std::exchange(disagrees_since_, std::nullopt);
  const bool was_told = std::exchange(told_, false);
  if (!met_.empty() && look.met_is_member) {
    return HostEvent{.kind = EventKind::kSplitHealed,
                     .host = std::exchange(met_, {}),
                     .why = "it is a member, and every member reports this host's ring",
                     .lasted = now - met_at_};
  }
  if (!was_told) return std::nullopt;
  return HostEvent{
      .kind = EventKind::kRingAgrees, .why = "every member reports this host's ring", .lasted = now - *since};
}

}  // namespace ringside::core
