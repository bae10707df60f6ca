#include "sidecar/discovery/kubernetes.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "sidecar/base/overloaded.h"
#include "sidecar/base/parse.h"
#include "sidecar/core/host_name.h"

namespace ringside::discovery {
namespace {

using namespace std::chrono_literals;

constexpr int kOk = 200;
constexpr int kForbidden = 403;
constexpr int kGone = 410;
constexpr std::size_t kMaxAnswer = std::size_t{64} << 20;  // a list of a hundred thousand pods
constexpr int kMaxDoublings = 16;

}  // namespace

std::optional<net::Endpoint> kubernetes_server(const std::function<const char*(const char*)>& environment) {
  const char* host = environment("KUBERNETES_SERVICE_HOST");
  const char* port = environment("KUBERNETES_SERVICE_PORT_HTTPS");
  if (port == nullptr) port = environment("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || *host == '\0' || port == nullptr) return std::nullopt;
  net::Endpoint endpoint;
  endpoint.host = core::canonical_ip(host).value_or(host);
  endpoint.port = base::parse_whole<std::uint16_t>(port).value_or(0);
  if (endpoint.port == 0) return std::nullopt;
  return endpoint;
}

KubernetesService::KubernetesService(net::Loop& loop, config::JoinKubernetes service, KubernetesAccess access,
                                     std::shared_ptr<net::Resolver> resolver, std::function<double()> random,
                                     std::function<void()> changed)
    : loop_(loop),
      service_(std::move(service)),
      access_(std::move(access)),
      resolver_(std::move(resolver)),
      random_(std::move(random)),
      changed_(std::move(changed)),
      timer_(loop) {}

void KubernetesService::start() { ask(); }

std::string KubernetesService::problem() const {
  if (!failure_.empty()) return failure_;
  if (nobody_)
    return "the service has no endpoints: is its name right, and do its selector and these pods' labels agree? "
           "(--min-members 1 starts a cluster all the same)";
  if (!access_.self.empty() && !lists(slices_, access_.self)) {
    return "this host, " + access_.self + ", is not among the service's endpoints: does the service select its pod?";
  }
  return "";
}

// The account's files are read each time: the kubelet replaces the token every hour, and the certificates when they
// are rotated.
std::string KubernetesService::file(const char* name) const {
  std::ifstream stream(access_.account + "/" + name, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  std::string result = text.str();
  while (!result.empty() && (result.back() == '\n' || result.back() == ' ')) result.pop_back();
  return result;
}

void KubernetesService::ask() {
  asking_ = version_.empty() ? Asking::kList : Asking::kWatch;
  in_.clear();
  status_ = 0;
  const std::string token = file("token");
  const std::string name_space = service_.name_space.empty() ? file("namespace") : service_.name_space;
  if (!access_.server || token.empty() || name_space.empty()) {
    get_.reset();
    failures_ = kMaxDoublings;
    // From the loop, as every other answer.
    timer_.after(0ms, [this] {
      failed("no service account in " + access_.account + ": is automountServiceAccountToken false?");
    });
    return;
  }
  net::HttpsRequest request;
  request.endpoint = *access_.server;
  request.ca_file = access_.account + "/ca.crt";
  request.target = "/apis/discovery.k8s.io/v1/namespaces/" + name_space +
                   "/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D" + service_.service;
  request.headers.add("authorization", "Bearer " + token);
  request.headers.add("accept", "application/json");
  request.headers.add("user-agent", "ringside");
  request.head = request.silence = access_.patience;
  if (asking_ == Asking::kWatch) {
    const auto seconds =
        static_cast<std::int64_t>(static_cast<double>(access_.watch.count()) * (0.75 + 0.5 * random_()));
    request.target += "&watch=1&allowWatchBookmarks=true&resourceVersion=" + version_ +
                      "&timeoutSeconds=" + std::to_string(std::max<std::int64_t>(seconds, 1));
    request.silence += std::chrono::seconds(seconds);
  }
  net::HttpsGet::Events events;
  events.head = [this](int status) {
    status_ = status;
    if (asking_ == Asking::kWatch && status == kOk && !failure_.empty()) {
      failure_.clear();
      changed_();
    }
  };
  events.body = [this](std::string_view bytes) { body(bytes); };
  events.ended = [this](const base::Result<void, std::string>& whole) { ended(whole); };
  get_ = std::make_unique<net::HttpsGet>(loop_, resolver_, std::move(request), std::move(events));
}

void KubernetesService::body(std::string_view bytes) {
  if (in_.size() + bytes.size() > kMaxAnswer) {
    version_.clear();
    return failed("the API server's answer has no end");
  }
  in_.append(bytes);
  if (asking_ == Asking::kList || status_ != kOk) return;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = in_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = in_.substr(begin, end - begin);
    if (!line.empty() && !take_event(line)) return;
  }
  in_.erase(0, begin);
}

void KubernetesService::ended(const base::Result<void, std::string>& whole) {
  if (!whole) return failed(whole.error());
  if (status_ != kOk) {
    if (status_ == kGone) version_.clear();
    std::string text = "the API server answers " + std::to_string(status_);
    if (const std::string message = status_message(in_); !message.empty()) text += ": " + message;
    if (status_ == kForbidden) {
      text += " (the pod's service account needs get, list and watch on endpointslices.discovery.k8s.io)";
    }
    return failed(text);
  }
  if (asking_ == Asking::kList) return take_list();
  // Its time is over, or the server restarts: on from the last version. One that ends every watch at once counts as
  // failing.
  ++failures_;
  pause();
}

void KubernetesService::take_list() {
  auto list = parse_slice_list(in_);
  in_ = {};
  if (!list || list->version.empty()) return failed("the API server's answer is not a list of endpoint slices");
  slices_ = std::move(list->slices);
  version_ = std::move(list->version);
  failure_.clear();
  answered_ = true;
  ask();
  take_slices();
}

bool KubernetesService::take_event(std::string_view line) {
  auto event = parse_watch_event(line);
  if (!event) {
    version_.clear();
    failed("the API server's watch sends something that is not an event");
    return false;
  }
  return std::visit(
      base::Overloaded{
          [&](SliceChanged& changed) {
            failures_ = 0;
            slices_[changed.name] = std::move(changed.slice);
            version_ = std::move(changed.version);
            take_slices();
            return true;
          },
          [&](SliceGone& gone) {
            failures_ = 0;
            slices_.erase(gone.name);
            version_ = std::move(gone.version);
            take_slices();
            return true;
          },
          [&](Bookmark& bookmark) {
            failures_ = 0;
            version_ = std::move(bookmark.version);
            return true;
          },
          [&](WatchError& error) {
            version_.clear();
            if (error.code == kGone) {  // the ordinary end of a version: nothing that anybody has to hear of
              ++failures_;
              pause();
            } else {
              failed("the API server ended the watch: " + error.why);
            }
            return false;
          },
      },
      *event);
}

void KubernetesService::take_slices() {
  std::vector<std::string> listed;
  for (const std::string& address : pod_addresses(slices_, access_.self)) {
    listed.push_back(core::HostName{address, service_.port, true}.to_string());
  }
  std::sort(listed.begin(), listed.end());
  nobody_ = listed.empty();
  if (!nobody_) addresses_ = std::move(listed);
  changed_();
}

void KubernetesService::failed(const std::string& why) {
  failure_ = why;
  answered_ = true;
  failures_ = std::min(failures_ + 1, kMaxDoublings);
  if (failures_ > 1) version_.clear();  // of a world that may be no more, where the API's data were restored
  pause();
  changed_();
}

void KubernetesService::pause() {
  get_.reset();
  failures_ = std::min(failures_, kMaxDoublings);
  const auto pause = std::min(access_.longest_pause, access_.first_pause * (1 << std::max(0, failures_ - 1)));
  timer_.after(std::chrono::duration_cast<std::chrono::milliseconds>(pause * (0.5 + random_())), [this] { ask(); });
}

}  // namespace ringside::discovery
