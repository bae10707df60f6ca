#include "sidecar/discovery/discovery.h"

#include <algorithm>
#include <set>
#include <utility>

#include "sidecar/base/overloaded.h"

namespace ringside::discovery {
namespace {

constexpr std::chrono::milliseconds kInterval{5'000};
constexpr std::chrono::seconds kTellAgain{30};
constexpr std::chrono::seconds kListedLater{3};
constexpr const char* kNobody = "has no addresses";
constexpr const char* kNobodyWillNotDo =
    "has no addresses: it has to list this host or another, or --min-members 1 to be given (is the name right? A "
    "headless Kubernetes service lists pods that are not ready with publishNotReadyAddresses)";

// A proposal in the one spelling that every host has.
std::string canonical(const net::Endpoint& endpoint) {
  core::HostName name{core::canonical_ip(endpoint.host).value_or(endpoint.host), endpoint.port, true};
  return name.to_string();
}

}  // namespace

Discovery::Discovery(net::Loop& loop, const std::vector<config::JoinSource>& sources,
                     std::shared_ptr<net::Resolver> resolver, core::DiscoverySink& sink, std::function<double()> random,
                     const DiscoveryOptions& options)
    : loop_(loop),
      resolver_(std::move(resolver)),
      sink_(sink),
      random_(std::move(random)),
      nobody_will_do_(options.nobody_will_do),
      timer_(loop) {
  for (const config::JoinSource& from : sources) {
    Source& source = sources_.emplace_back();
    source.from = from;
    if (const auto* service = std::get_if<config::JoinKubernetes>(&from)) {
      source.pods = std::make_unique<KubernetesService>(loop, *service, options.kubernetes, resolver_, random_,
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
    sources_[i].answered = sources_[i].conclusive = false;
  }
  for (std::size_t i = 0; i < sources_.size(); ++i) read(i);
  // Answered from the loop, also where there is nothing to ask.
  loop_.post(life_.bind([this] { finish(); }));
}

void Discovery::read(std::size_t index) {
  Source& source = sources_[index];
  const auto done = [this, index](const net::ResolveResult& result) { resolved(index, result); };
  std::visit(base::Overloaded{
                 [&](const config::JoinStatic& listed) {
                   source.last_good.clear();
                   for (const core::HostName& host : listed.hosts) source.last_good.push_back(host.to_string());
                   source.answered = source.conclusive = true;
                 },
                 [&](const config::JoinDns& dns) {
                   net::Endpoint endpoint;
                   endpoint.host = dns.name;
                   endpoint.port = dns.port;
                   source.asking = resolver_->resolve_all(endpoint, done);
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
  if (result) {
    source.problem.clear();
    source.conclusive = true;
    source.last_good.clear();
    for (const net::Endpoint& endpoint : *result) source.last_good.push_back(canonical(endpoint));
  } else if (!result.error().not_found) {
    fail(source, result.error().why);
  } else if (!source.last_good.empty()) {
    source.conclusive = true;  // what was good before stays
    fail(source, "has no addresses any more: those that it had are kept");
  } else {
    source.conclusive = nobody_will_do_;
    fail(source, nobody_will_do_ ? kNobody : kNobodyWillNotDo);
  }
  finish();
}

// The watch is never behind for long, so that its state is an answer read anew.
void Discovery::read_pods(std::size_t index) {
  Source& source = sources_[index];
  source.last_good = source.pods->addresses();
  source.answered = source.pods->answered();
  if (!source.answered) return;  // the end of its first question ends this reading
  source.problem = source.pods->problem();
  source.conclusive = source.problem.empty() || (nobody_will_do_ && source.pods->lists_nobody());
  if (!source.problem.empty()) fail(source, source.problem);
}

void Discovery::pods_changed(std::size_t index) {
  read_pods(index);
  if (reading_) return finish();
  sink_.discovered(all());
}

// Somebody who waits to join asks again and again: the log hears of a failure when it is new, and then now and then. A
// pod that begins is not in the list yet: that is worth no word until it lasts.
void Discovery::fail(Source& source, const std::string& why) {
  const auto now = net::Clock::now();
  source.problem = why;
  if (source.wrong != why) {
    source.wrong = why;
    source.wrong_since = now;
  }
  const bool begins = source.pods && source.pods->asking_works() && now - source.wrong_since < kListedLater;
  const bool news = !begins && (source.told != why || now - source.told_at >= kTellAgain);
  if (news) {
    source.told = why;
    source.told_at = now;
  }
  sink_.discovery_failed(config::to_string(source.from), why, news);
}

core::Discovered Discovery::all() const {
  core::Discovered all;
  std::set<std::string> together;
  for (const Source& source : sources_) {
    together.insert(source.last_good.begin(), source.last_good.end());
    if (source.problem.empty()) continue;
    const std::string name = config::to_string(source.from);
    all.problems[name] = source.problem;
    if (!all.missing.empty()) all.missing += "; ";
    const auto* dns = std::get_if<config::JoinDns>(&source.from);
    const bool nobody = source.problem == kNobody || source.problem == kNobodyWillNotDo;
    all.missing += (nobody && dns != nullptr ? "dns:" + dns->name : name) + (nobody ? " " : ": ") + source.problem;
  }
  all.addresses = {together.begin(), together.end()};
  return all;
}

void Discovery::finish() {
  if (!reading_) return;
  core::Discovered found = all();
  bool answered = true;
  found.complete = true;
  for (const Source& source : sources_) {
    answered = answered && source.answered;
    found.complete = found.complete && source.conclusive;
  }
  reading_ = !answered;
  // A slow or failed source hides nothing that the others say, but nobody may conclude to be alone from the rest.
  found.complete = found.complete && answered;
  sink_.discovered(found);
  if (reading_) return;
  for (Source& source : sources_) {
    if (!source.problem.empty()) continue;
    source.told.clear();
    source.wrong.clear();
  }
  if (std::exchange(again_, false)) {
    read_again();
  } else {
    schedule();
  }
}

void Discovery::schedule() {
  timer_.after(std::chrono::duration_cast<std::chrono::milliseconds>(kInterval * (0.8 + 0.4 * random_())),
               [this] { read_again(); });
}

}  // namespace ringside::discovery
