// The pods behind a headless service, from the Kubernetes API: a list of the service's EndpointSlices, then a watch for
// every change.
//
//   list ──▶ watch from the list's version ──▶ the server ends it after some minutes: watch from the last version
//    ▲          │ 410, or an answer that is none
//    └──────────┘ after a pause that grows, with jitter, while things fail
//
// A server that is slow, down or wrong changes nothing: the last good answer stands. Loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/config/settings.h"
#include "sidecar/discovery/endpoint_slices.h"
#include "sidecar/net/http1/https_get.h"
#include "sidecar/net/resolver.h"

namespace ringside::discovery {

// How the API is reached from within a pod.
struct KubernetesAccess {
  std::optional<net::Endpoint> server;                                    // nullopt: this is not a pod
  std::string account = "/var/run/secrets/kubernetes.io/serviceaccount";  // holds token, ca.crt and namespace
  std::string self;  // this host's IP, where it has to be listed before it may bootstrap a cluster
  std::chrono::milliseconds first_pause{200};  // after a failure; it doubles, up to `longest_pause`
  std::chrono::milliseconds longest_pause{30'000};
  std::chrono::milliseconds patience{10'000};  // with an answer that has begun
  std::chrono::seconds watch{300};             // after which the server is asked to end a watch
};

// From KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT(_HTTPS).
std::optional<net::Endpoint> kubernetes_server(const std::function<const char*(const char*)>& environment);

class KubernetesService {
 public:
  // `changed`: addresses() or problem() say something else. Never called within start().
  KubernetesService(net::Loop& loop, config::JoinKubernetes service, KubernetesAccess access,
                    std::shared_ptr<net::Resolver> resolver, std::function<double()> random,
                    std::function<void()> changed);

  void start();

  // Whether the first question has been answered, or failed.
  bool answered() const { return answered_; }
  // Canonical hosts, sorted. Of a service that names nobody any more: what it named last.
  const std::vector<std::string>& addresses() const { return addresses_; }
  // Why nobody may conclude anything from the addresses; empty: they are what the cluster knows. A host is alone only
  // in a list that names it: whoever is named earlier is in every list of whoever is named later, so that of two hosts
  // that begin together one knows of the other, however late the API is.
  std::string problem() const;
  bool lists_nobody() const { return failure_.empty() && nobody_; }
  // The API answers; what problem() says, if anything, is about the answer.
  bool asking_works() const { return answered_ && failure_.empty(); }

 private:
  enum class Asking : std::uint8_t { kList, kWatch };

  void ask();
  void body(std::string_view bytes);
  void ended(const base::Result<void, std::string>& whole);
  void take_list();
  bool take_event(std::string_view line);  // false: the watch is over
  void take_slices();
  void failed(const std::string& why);
  void pause();
  std::string file(const char* name) const;

  net::Loop& loop_;
  config::JoinKubernetes service_;
  KubernetesAccess access_;
  std::shared_ptr<net::Resolver> resolver_;
  std::function<double()> random_;
  std::function<void()> changed_;
  net::Timer timer_;
  std::unique_ptr<net::HttpsGet> get_;
  Asking asking_ = Asking::kList;
  int status_ = 0;  // of the answer under way
  std::string in_;
  std::map<std::string, Slice> slices_;
  std::string version_;  // empty: to be listed
  std::vector<std::string> addresses_;
  std::string failure_;  // of the last question; empty: it was answered
  bool answered_ = false;
  bool nobody_ = true;
  int failures_ = 0;  // in a row
};

}  // namespace ringside::discovery
