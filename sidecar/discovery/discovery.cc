#include "sidecar/discovery/discovery.h"

#include <algorithm>
#include <set>
#include <utility>

#include <boost/asio/post.hpp>

#include "sidecar/core/overloaded.h"

namespace ringside::discovery {
namespace {

constexpr std::chrono::milliseconds kInterval{5'000};
constexpr std::chrono::seconds kTellAgain{30};
constexpr std::chrono::seconds kListedLater{3};

// A proposal in the one spelling that every host has.
std::string canonical(const net::Endpoint& endpoint) {
  core::HostName name{core::canonical_ip(endpoint.host).value_or(endpoint.host), endpoint.port, true};
  return name.to_string();
}

}  // namespace

Discovery::Discovery(net::Loop& loop, const std::vector<config::JoinSource>& sources,
                     std::shared_ptr<net::Resolver> resolver, core::DiscoverySink& sink, std::function<double()> random,
                     const KubernetesAccess& kubernetes)
    : loop_(loop), resolver_(std::move(resolver)), sink_(sink), random_(std::move(random)), timer_(loop) {
  for (const config::JoinSource& from : sources) {
    Source& source = sources_.emplace_back();
    source.from = from;
    if (const auto* service = std::get_if<config::JoinKubernetes>(&from)) {
      source.pods = std::make_unique<KubernetesService>(loop, *service, kubernetes, resolver_, random_,
                                                        [this, index = sources_.size() - 1] { pods_changed(index); });
    }
  }
}

Discovery::~Discovery() {
  for (Source& source : sources_) {
    if (source.asking) resolver_->cancel(*source.asking);
  }
}

void Discovery::start() {
  for (Source& source : sources_) {
    if (source.pods) source.pods->start();
  }
  read_again();
}

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
                   source.asking = resolver_->resolve(endpoint, done);
                 },
                 [&](const config::JoinSrv& srv) { source.asking = resolver_->resolve_srv(srv.name, done); },
                 [&](const config::JoinKubernetes&) { read_pods(index); },
             },
             source.from);
}

void Discovery::resolved(std::size_t index, const net::ResolveResult& result) {
  Source& source = sources_[index];
  source.asking.reset();
  source.answered = true;
  // "No such name" is an answer too: a headless service without pods has no records. What was good before stays.
  source.failed = !result.ok && !result.not_found;
  if (source.failed) fail(source, result.error);
  if (result.ok && !result.endpoints.empty()) {
    source.last_good.clear();
    for (const net::Endpoint& endpoint : result.endpoints) source.last_good.push_back(canonical(endpoint));
  }
  finish();
}

// The watch is never behind for long, so that its state is an answer read anew.
void Discovery::read_pods(std::size_t index) {
  Source& source = sources_[index];
  source.last_good = source.pods->addresses();
  source.answered = source.pods->answered();
  if (!source.answered) return;  // the end of its first question ends this reading
  const std::string problem = source.pods->problem();
  source.failed = !problem.empty();
  if (source.failed) fail(source, problem);
}

void Discovery::pods_changed(std::size_t index) {
  read_pods(index);
  if (reading_) return finish();
  sink_.discovered(all(), false);
}

// Somebody who waits to join asks again and again: the log hears of a failure when it is new, and then now and then. A
// pod that begins is not in the list yet: that is worth no word until it lasts.
void Discovery::fail(Source& source, const std::string& why) {
  const auto now = net::Clock::now();
  if (source.wrong != why) {
    source.wrong = why;
    source.wrong_since = now;
  }
  if (source.pods && source.pods->asking_works() && now - source.wrong_since < kListedLater) return;
  if (source.told == why && now - source.told_at < kTellAgain) return;
  source.told = why;
  source.told_at = now;
  sink_.discovery_failed(config::to_string(source.from), why);
}

std::vector<std::string> Discovery::all() const {
  std::set<std::string> together;
  for (const Source& source : sources_) together.insert(source.last_good.begin(), source.last_good.end());
  return {together.begin(), together.end()};
}

void Discovery::finish() {
  if (!reading_) return;
  bool answered = true;
  bool failed = false;
  for (const Source& source : sources_) {
    answered = answered && source.answered;
    failed = failed || source.failed;
  }
  reading_ = !answered;
  // A slow or failed source hides nothing that the others say, but nobody may conclude to be alone from the rest.
  sink_.discovered(all(), answered && !failed);
  if (reading_) return;
  if (!failed) {
    for (Source& source : sources_) {
      source.told.clear();
      source.wrong.clear();
    }
  }
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
