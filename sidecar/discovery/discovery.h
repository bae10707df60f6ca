// Where other hosts may be: the union of all --join sources, read again and again.
//
// A source that fails, or that suddenly names nobody, keeps its last good answer: a resolver that stops answering or
// lies changes nothing in a running cluster. Only an answer read anew counts for a host that would be alone, and one
// that has never named anybody is not an answer: its name may be misspelt, and the cluster elsewhere. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sidecar/base/lifetime.h"
#include "sidecar/config/settings.h"
#include "sidecar/core/ports.h"
#include "sidecar/discovery/kubernetes.h"
#include "sidecar/net/resolver.h"

namespace ringside::discovery {

struct DiscoveryOptions {
  KubernetesAccess kubernetes;  // for sources that need it
  bool nobody_will_do = false;  // a source that names nobody is an answer: --min-members was given
};

class Discovery final : public core::DiscoveryPort {
 public:
  // `random`: in [0, 1), for the jitter. `sink` outlives this.
  Discovery(net::Loop& loop, const std::vector<config::JoinSource>& sources, std::shared_ptr<net::Resolver> resolver,
            core::DiscoverySink& sink, std::function<double()> random, const DiscoveryOptions& options = {});
  ~Discovery() override;

  void start();
  void read_again() override;

 private:
  struct Source {
    config::JoinSource from;
    std::vector<std::string> last_good;
    std::unique_ptr<KubernetesService> pods;  // it reads by itself, and says when something has changed
    std::optional<net::Resolver::QueryId> asking;
    bool answered = false;    // in this reading
    bool conclusive = false;  // and nobody is there whom it does not name
    std::string problem;      // empty: it names somebody
    std::string wrong;        // what it was that failed, and since when
    net::Clock::time_point wrong_since{};
    std::string told;  // the failure that the log has
    net::Clock::time_point told_at{};
  };

  void read(std::size_t index);
  void resolved(std::size_t index, const net::ResolveResult& result);
  void read_pods(std::size_t index);
  void pods_changed(std::size_t index);
  void fail(Source& source, const std::string& why);
  core::Discovered all() const;
  void finish();  // an answer has come: proposes what is known, and ends the reading where it was the last
  void schedule();

  net::Loop& loop_;
  std::shared_ptr<net::Resolver> resolver_;
  core::DiscoverySink& sink_;
  std::function<double()> random_;
  const bool nobody_will_do_;
  net::Timer timer_;
  std::vector<Source> sources_;
  bool reading_ = false;
  bool again_ = false;   // asked for while a reading was under way: that one began too early to count
  base::Lifetime life_;  // last
};

}  // namespace ringside::discovery
