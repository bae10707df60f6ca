// Where other hosts may be: the union of all --join sources, read again and again.
//
// A source that fails, or that suddenly names nobody, keeps its last good answer: a resolver that stops answering or
// lies changes nothing in a running cluster. Only an answer read anew counts for a host that would be alone. Loop
// thread only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "sidecar/config/settings.h"
#include "sidecar/core/ports.h"
#include "sidecar/net/resolver.h"

namespace ringside::discovery {

class Discovery final : public core::DiscoveryPort {
 public:
  // `random`: in [0, 1), for the jitter. `resolver` and `sink` outlive this.
  Discovery(net::Loop& loop, const std::vector<config::JoinSource>& sources, net::Resolver& resolver,
            core::DiscoverySink& sink, std::function<double()> random);
  ~Discovery() override;

  void start();
  void read_again() override;

 private:
  struct Source {
    config::JoinSource from;
    std::vector<std::string> last_good;
    std::optional<net::Resolver::QueryId> asking;
    bool answered = false;  // in this reading
    bool failed = false;
  };

  void read(std::size_t index);
  void resolved(std::size_t index, const net::ResolveResult& result);
  void finish();
  void schedule();

  net::Loop& loop_;
  net::Resolver& resolver_;
  core::DiscoverySink& sink_;
  std::function<double()> random_;
  boost::asio::steady_timer timer_;
  std::vector<Source> sources_;
  bool reading_ = false;
  bool again_ = false;  // asked for while a reading was under way: that one began too early to count
};

}  // namespace ringside::discovery
