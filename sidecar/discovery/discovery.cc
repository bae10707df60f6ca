#include "sidecar/discovery/discovery.h"

#include <algorithm>
#include <set>
#include <utility>

#include <boost/asio/post.hpp>

#include "sidecar/core/overloaded.h"

namespace ringside::discovery {
namespace {

constexpr std::chrono::milliseconds kInterval{5'000};

// A proposal in the one spelling that every host has.
std::string canonical(const net::Endpoint& endpoint) {
  core::HostName name{core::canonical_ip(endpoint.host).value_or(endpoint.host), endpoint.port, true};
  return name.to_string();
}

}  // namespace

Discovery::Discovery(net::Loop& loop, const std::vector<config::JoinSource>& sources, net::Resolver& resolver,
                     core::DiscoverySink& sink, std::function<double()> random)
    : loop_(loop), resolver_(resolver), sink_(sink), random_(std::move(random)), timer_(loop) {
  for (const config::JoinSource& source : sources) sources_.push_back({source, {}, std::nullopt, false, false});
}

Discovery::~Discovery() {
  for (Source& source : sources_) {
    if (source.asking) resolver_.cancel(*source.asking);
  }
}

void Discovery::start() { read_again(); }

void Discovery::read_again() {
  if (reading_) {
    again_ = true;
    return;
  }
  reading_ = true;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    sources_[i].answered = sources_[i].failed = false;
  }
  for (std::size_t i = 0; i < sources_.size(); ++i) read(i);
  // Answered from the loop, also where there is nothing to ask.
  boost::asio::post(loop_, [this] { finish(); });
}

void Discovery::read(std::size_t index) {
  Source& source = sources_[index];
  const auto done = [this, index](const net::ResolveResult& result) { resolved(index, result); };
  std::visit(core::Overloaded{
                 [&](const config::JoinStatic& listed) {
                   source.last_good.clear();
                   for (const core::HostName& host : listed.hosts) source.last_good.push_back(host.to_string());
                   source.answered = true;
                 },
                 [&](const config::JoinDns& dns) {
                   net::Endpoint endpoint;
                   endpoint.host = dns.name;
                   endpoint.port = dns.port;
                   source.asking = resolver_.resolve(endpoint, done);
                 },
                 [&](const config::JoinSrv& srv) { source.asking = resolver_.resolve_srv(srv.name, done); },
             },
             source.from);
}

void Discovery::resolved(std::size_t index, const net::ResolveResult& result) {
  Source& source = sources_[index];
  source.asking.reset();
  source.answered = true;
  // "No such name" is an answer too: a headless service without pods has no records. What was good before stays.
  source.failed = !result.ok && !result.not_found;
  if (source.failed) sink_.discovery_failed(config::to_string(source.from) + ": " + result.error);
  if (result.ok && !result.endpoints.empty()) {
    source.last_good.clear();
    for (const net::Endpoint& endpoint : result.endpoints) source.last_good.push_back(canonical(endpoint));
  }
  finish();
}

void Discovery::finish() {
  const auto answered = [](const Source& source) { return source.answered; };
  if (!reading_ || !std::all_of(sources_.begin(), sources_.end(), answered)) return;
  reading_ = false;
  std::set<std::string> all;
  bool failed = false;
  for (const Source& source : sources_) {
    all.insert(source.last_good.begin(), source.last_good.end());
    failed = failed || source.failed;
  }
  // A reading that failed in part proposes nothing new, and must not let anybody conclude to be alone.
  if (!failed) sink_.discovered({all.begin(), all.end()});
  if (std::exchange(again_, false)) {
    read_again();
  } else {
    schedule();
  }
}

void Discovery::schedule() {
  timer_.expires_after(std::chrono::duration_cast<std::chrono::milliseconds>(kInterval * (0.8 + 0.4 * random_())));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) read_again();
  });
}

}  // namespace ringside::discovery
