#include "sidecar/core/membership/same_cluster.h"

#include <utility>

#include "sidecar/core/host_name.h"

namespace ringside::core {
namespace {

// Of a host of weight 1, which all hosts of a cluster have alike.
std::string told_points(std::uint32_t points) { return "--points " + std::to_string(points); }

}  // namespace

base::Result<void, std::string> is_of_cluster(const MembershipConfig& config, const PingAnswer& says) {
  if (says.cluster.empty() && says.generation == 0) {
    if (config.accept_legacy) return {};
    return base::Error(std::string("it does not name its cluster (--legacy-peers refuse)"));
  }
  if (says.cluster == config.cluster) return {};
  return base::Error("it is of cluster " + says.cluster);
}

base::Result<void, std::string> is_of_cluster(const MembershipConfig& config, const Sender& sender,
                                              const JoinRequest& request) {
  if (sender.cluster != config.cluster) return base::Error("this is cluster " + config.cluster);
  if (request.points == config.points) return {};
  return base::Error(config.host + " has " + told_points(config.points) + ", and " + sender.host + " has " +
                     told_points(request.points) + ": all hosts of a cluster need the same");
}

base::Result<void, std::string> is_of_cluster(const MembershipConfig& config, const NegotiateRequest& request) {
  const bool legacy = request.cluster.empty();
  const bool same_cluster = legacy ? config.accept_legacy : request.cluster == config.cluster;
  const bool same_points = request.points == 0 || request.points == config.points;
  if (same_cluster && same_points) return {};
  return base::Error("this is cluster " + config.cluster + " with " + told_points(config.points));
}

std::string why_ahead(const MembershipConfig& config, const PingAnswer& says) {
  return "the clock of " + says.host + " is more than a minute ahead of that of " + config.host;
}

Answerer who_answers(const MembershipConfig& config, const std::string& address, const PingAnswer& says,
                     bool is_clock_ahead) {
  using Kind = Answerer::Kind;
  const auto name = canonical_host(says.host);
  if (!name) return {Kind::kNameless, "", "it answers with a name that is not a host name"};
  if (auto ours = is_of_cluster(config, says); !ours) return {Kind::kStranger, *name, std::move(ours.error())};
  if (*name == config.host) return {Kind::kOwnName, *name, ""};
  if (address == config.host) return {Kind::kElsewhere, *name, ""};
  if (*name != address) return {Kind::kAlias, *name, ""};
  if (is_clock_ahead) return {Kind::kAhead, *name, why_ahead(config, says)};
  return {Kind::kAsked, *name, ""};
}

}  // namespace ringside::core
