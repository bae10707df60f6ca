// A host that speaks the given protocol and nothing more, as somebody else might have written it: no phases, no
// generations, no inventory, no hop count. It keeps the same ring (docs/ring.md), or one with other points.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sidecar/core/call.h"
#include "sidecar/core/membership/ring.h"
#include "sidecar/core/peer_messages.h"
#include "tests/sim/options.h"

namespace ringside::sim {

// What it needs of the world.
class LegacyWorld {
 public:
  virtual ~LegacyWorld() = default;
  virtual std::int64_t now() const = 0;
  virtual void after(std::int64_t delay, std::function<void()> what) = 0;
  virtual void legacy_asks(const std::string& from, const std::string& to, core::PeerRequest request,
                           std::function<void(core::PeerAnswer)> done) = 0;
  virtual void legacy_forwards(const std::string& from, const std::string& to, core::CallPtr call,
                               std::function<void(core::Answer)> done) = 0;
  virtual void legacy_turn(const std::string& at, core::CallPtr call, std::function<void(core::Answer)> done) = 0;
  virtual void legacy_ended(const std::string& at, core::ActorId id) = 0;
};

class LegacyHost {
 public:
  LegacyHost(LegacyWorld& world, std::string name, const std::vector<std::string>& others,
             std::uint32_t points = kPointsPerHost);

  // Repeats itself for as long as `alive` says so.
  void start(std::function<bool()> alive);
  core::PeerAnswer answer(const core::PeerRequest& request);
  void apply(const core::CallPtr& call, std::function<void(core::Answer)> done);
  void say_goodbye();
  void abandon();  // it has ended: whoever waits for it hears so

 private:
  struct Waiting {
    core::CallPtr call;
    std::function<void(core::Answer)> done;
  };
  struct Actor {
    std::int64_t last_used = 0;
    bool busy = false;
    std::vector<Waiting> queue;
  };

  void tick();
  void ping(const std::string& host);
  void learn(const std::string& host);
  void remove(const std::string& host);
  void claimed(core::ActorId id);
  void run_next(core::ActorId id);
  void expire();
  core::AckAnswer acknowledge(const core::OwnershipRequest& request);

  LegacyWorld& world_;
  std::string name_;
  std::vector<std::string> seeds_;
  std::function<bool()> alive_;
  std::map<std::string, int> members_;  // host: pings missed
  std::set<std::string> negotiated_;
  core::Ring::Ptr ring_;
  std::map<core::ActorId, Actor> actors_;
  std::map<core::ActorId, std::string> held_by_;
};

}  // namespace ringside::sim
