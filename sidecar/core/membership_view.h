// The membership, as far as the other parts may see it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "sidecar/core/cluster_view.h"
#include "sidecar/core/membership/membership.h"

namespace ringside::core {

class MembershipView final : public ClusterView {
 public:
  explicit MembershipView(const Membership& membership) : membership_(membership) {}

  const HostRun& self() const override { return membership_.self(); }
  Phase phase() const override { return membership_.phase(); }
  bool confirming() const override { return membership_.confirming(); }
  const HostRun* member(const std::string& host) const override {
    const Member* member = membership_.find(host);
    return member == nullptr ? nullptr : &member->run;
  }
  std::vector<HostRun> members() const override {
    std::vector<HostRun> runs;
    for (const auto& [host, member] : membership_.members()) runs.push_back(member.run);
    return runs;
  }
  Standing standing_of(const Sender& sender) const override { return membership_.standing_of(sender); }
  bool leave_seen_by(const std::string& host) const override { return membership_.leave_seen_by(host); }
  const std::string* owner(ActorId id) const override { return membership_.ring()->owner(id); }
  Successors successors(ActorId id) const override { return membership_.successors(id); }
  bool is_successor(ActorId id) const override { return membership_.is_successor(id); }

 private:
  const Membership& membership_;
};

}  // namespace ringside::core
