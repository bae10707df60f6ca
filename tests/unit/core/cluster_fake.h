// A cluster as a test wants it, for the parts that read one.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sidecar/core/cluster_view.h"
#include "sidecar/core/effects.h"

namespace ringside::core {

class ClusterFake final : public ClusterView {
 public:
  HostRun here{"here", 1};
  Phase its_phase = Phase::kReady;
  bool has_joined = true;
  bool is_confirming = false;
  std::map<std::string, HostRun> others;
  std::map<ActorId, std::string> owners;  // of the ids that another host owns; the rest are this host's
  bool nobody_owns = false;               // no host is on the ring
  std::map<ActorId, std::set<std::string>> next_owners;
  bool all_are_joiners = false;  // of the next owners
  std::set<std::string> saw_leave;
  std::set<std::string> suspected;
  Standing standing = Standing::kInView;
  static constexpr std::uint64_t kMany = 1'000'000;
  std::map<std::string, std::uint64_t> actors;  // kMany where nothing is said

  void add(const std::string& host, Generation generation) { others[host] = {host, generation}; }

  const HostRun& self() const override { return here; }
  Phase phase() const override { return its_phase; }
  bool confirming() const override { return is_confirming; }
  bool joined() const override { return has_joined; }
  bool is_suspected(const std::string& host) const override { return suspected.contains(host); }
  std::uint64_t actors_of(const std::string& host) const override {
    const auto found = actors.find(host);
    return found == actors.end() ? kMany : found->second;
  }
  const HostRun* run_of(const std::string& host) const override {
    const auto found = others.find(host);
    return found == others.end() ? nullptr : &found->second;
  }
  std::vector<HostRun> runs() const override {
    std::vector<HostRun> runs;
    for (const auto& [host, run] : others) runs.push_back(run);
    return runs;
  }
  Standing standing_of(const Sender&) const override { return standing; }
  bool leave_seen_by(const std::string& host) const override { return saw_leave.contains(host); }
  const std::string* owner(ActorId id) const override {
    if (nobody_owns) return nullptr;
    const auto found = owners.find(id);
    return found == owners.end() ? &here.host : &found->second;
  }
  Successors successors(ActorId id) const override {
    const auto found = next_owners.find(id);
    return found == next_owners.end() ? Successors() : Successors{found->second, !all_are_joiners};
  }
  bool is_successor(ActorId id) const override { return owns(id); }
};

// The questions among the effects, which are taken.
inline std::vector<AskPeer> questions_in(Effects& effects) {
  std::vector<AskPeer> questions;
  for (Effect& effect : effects) {
    if (auto* question = std::get_if<AskPeer>(&effect)) questions.push_back(std::move(*question));
  }
  effects.clear();
  return questions;
}

}  // namespace ringside::core
