// What of this host anybody may see who reaches the admin port: all but names that somebody has given, and where nobody
// has answered (MemberStatus::only_named), of which to tell anything would be to tell what listens at addresses that
// others have named. Loop thread only.
#pragma once

#include <string>
#include <vector>

#include "sidecar/core/ports.h"

namespace ringside::admin {

class PublicView final : public core::HostReader {
 public:
  explicit PublicView(const core::HostReader& whole) : whole_(whole) {}

  core::Placement where(core::ActorId id) const override { return whole_.where(id); }
  core::Status status() const override { return whole_.status(); }
  std::vector<core::MemberStatus> members() const override {
    std::vector<core::MemberStatus> members = whole_.members();
    std::erase_if(members, [](const core::MemberStatus& member) { return member.only_named; });
    return members;
  }
  std::vector<core::ActorStatus> actors(std::size_t limit, core::ActorId after) const override {
    return whole_.actors(limit, after);
  }
  const core::Ring& ring() const override { return whole_.ring(); }
  const core::Counters& counters() const override { return whole_.counters(); }
  core::Now now() const override { return whole_.now(); }

 private:
  const core::HostReader& whole_;
};

}  // namespace ringside::admin
