#include "sidecar/peer/membership_watch.h"

#include <utility>

#include <ringside/peer/v1/peer.pb.h>

#include "sidecar/peer/codec.h"

namespace ringside::peer {
namespace {

constexpr std::size_t kMaxOfConnection = 100;
constexpr std::size_t kMaxWatchers = 1000;  // on each listener: those on one leave room on the other
constexpr std::size_t kBehind = 64 * 1024;  // unsent bytes; on_writable comes when it has caught up

}  // namespace

MembershipWatch::MembershipWatch(core::Gateway& gateway) : gateway_(gateway) {
  registration_ = gateway_.when_view_changes([this] {
    ++version_;
    view_.clear();
    for (const auto& watcher : watchers_) update(*watcher);
  });
}

MembershipWatch::~MembershipWatch() { gateway_.forget(registration_); }

void MembershipWatch::add_methods(net::MethodTable& table) {
  net::Method method;
  method.for_callers = true;
  method.handler = [this](const std::shared_ptr<net::ServerCall>& call) { serve(call); };
  method.open_streams = open_.emplace_back(std::make_shared<net::OpenStreams>(kMaxOfConnection, kMaxWatchers));
  table.add(std::string(kWatchPath), std::move(method));
}

void MembershipWatch::stop() {
  for (const auto& open : open_) open->stop();
  watchers_.clear();
}

void MembershipWatch::serve(const std::shared_ptr<net::ServerCall>& call) {
  const auto watcher = std::make_shared<Watcher>(Watcher{call, 0});
  watchers_.push_back(watcher);
  call->on_cancel(
      [this, gone = watcher.get()] { watchers_.remove_if([gone](const auto& one) { return one.get() == gone; }); });
  call->on_writable([this, weak = std::weak_ptr<Watcher>(watcher)] {
    if (const auto alive = weak.lock()) update(*alive);
  });
  update(*watcher);
}

void MembershipWatch::update(Watcher& watcher) {
  if (watcher.sent == version_ || watcher.call->unsent_bytes() > kBehind) return;
  watcher.sent = version_;
  watcher.call->send(view());
}

const std::string& MembershipWatch::view() {
  if (!view_.empty()) return view_;
  v1::MemberView view;
  view.set_version(version_);
  view.set_ring(gateway_.ring().fingerprint().value());
  view.set_points(gateway_.ring().points_per_host());
  for (const core::MemberStatus& member : gateway_.members()) {
    if (!member.member) continue;
    v1::Member* added = view.add_members();
    added->set_host(member.host);
    added->set_generation(member.generation.value());
    added->set_phase(static_cast<messages::Phase>(member.phase));
    added->set_on_ring(member.on_ring);
    added->set_points(member.points);
  }
  view_ = view.SerializeAsString();
  return view_;
}

}  // namespace ringside::peer
