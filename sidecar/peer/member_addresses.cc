#include "sidecar/peer/member_addresses.h"

#include <utility>

#include "sidecar/core/host_name.h"

namespace ringside::peer {

MemberAddresses::MemberAddresses(core::Gateway& gateway, ReachedAt reached_at, std::chrono::milliseconds between_looks)
    : gateway_(gateway), reached_at_(std::move(reached_at)), between_looks_(between_looks) {
  registration_ = gateway_.when_view_changes([this] { look_again(); });
}

MemberAddresses::~MemberAddresses() { gateway_.forget(registration_); }

bool MemberAddresses::contains(const std::string& ip) {
  if (!known_ && (!looked_at_ || net::Clock::now() - *looked_at_ >= between_looks_)) look();
  const auto canonical = core::canonical_ip(ip);
  return canonical && addresses_.contains(*canonical);
}

void MemberAddresses::look() {
  known_ = true;
  looked_at_ = net::Clock::now();
  addresses_.clear();
  for (const core::MemberStatus& member : gateway_.members()) {
    if (!member.member || member.self) continue;
    const auto name = core::parse_host_name(member.host);
    const auto address = core::canonical_ip(name && name->is_ip ? name->address : reached_at_(member.host));
    if (address) addresses_.insert(*address);
  }
}

}  // namespace ringside::peer
