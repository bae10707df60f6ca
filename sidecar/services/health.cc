#include "sidecar/services/health.h"

#include <optional>
#include <utility>

#include <grpc/health/v1/health.pb.h>

namespace ringside::services {
namespace {

namespace v1 = grpc::health::v1;

constexpr std::size_t kMaxRequest = 1024;  // the name of a service
// Clients watch once for each connection and service; a proxy in front of many clients shares its connections.
constexpr std::size_t kMaxOfConnection = 100;
constexpr std::size_t kMaxWatchers = 1000;
constexpr std::size_t kBehind = 64 * 1024;  // unsent bytes; on_writable comes when it has caught up

// Nothing where the request is malformed; the call has been answered then.
std::optional<std::string> read_service(net::ServerCall& call) {
  v1::HealthCheckRequest request;
  if (request.ParseFromString(call.take_message())) return std::move(*request.mutable_service());
  call.finish(net::GrpcStatus::kInvalidArgument, "not a serialized " + request.GetTypeName());
  return std::nullopt;
}

std::string answer(int status) {
  v1::HealthCheckResponse response;
  response.set_status(static_cast<v1::HealthCheckResponse::ServingStatus>(status));
  return response.SerializeAsString();
}

}  // namespace

void Health::add_methods(net::MethodTable& table) {
  net::Method check_method;
  check_method.handler = [this](const std::shared_ptr<net::ServerCall>& call) { check(*call); };
  check_method.max_message = kMaxRequest;
  table.add("/grpc.health.v1.Health/Check", std::move(check_method));
  net::Method watch_method;
  watch_method.handler = [this](const std::shared_ptr<net::ServerCall>& call) { watch(call); };
  watch_method.max_message = kMaxRequest;
  watch_method.open_streams = open_.emplace_back(std::make_shared<net::OpenStreams>(kMaxOfConnection, kMaxWatchers));
  table.add("/grpc.health.v1.Health/Watch", std::move(watch_method));
}

void Health::set_serving(const std::string& service, bool serving) {
  serving_[service] = serving;
  for (const auto& watcher : watchers_) update(*watcher);
}

void Health::stop() {
  for (const auto& open : open_) open->stop();
  watchers_.clear();
}

int Health::status_of(const std::string& service) const {
  const auto found = serving_.find(service);
  if (found == serving_.end()) return v1::HealthCheckResponse::SERVICE_UNKNOWN;
  return found->second ? v1::HealthCheckResponse::SERVING : v1::HealthCheckResponse::NOT_SERVING;
}

void Health::check(net::ServerCall& call) const {
  const auto service = read_service(call);
  if (!service) return;
  const int status = status_of(*service);
  if (status == v1::HealthCheckResponse::SERVICE_UNKNOWN) {
    return call.finish(net::GrpcStatus::kNotFound, "no service of this name tells its health here");
  }
  call.reply(answer(status));
}

void Health::watch(const std::shared_ptr<net::ServerCall>& call) {
  auto service = read_service(*call);
  if (!service) return;
  const auto watcher = std::make_shared<Watcher>(Watcher{call, std::move(*service)});
  watchers_.push_back(watcher);
  call->on_cancel(
      [this, gone = watcher.get()] { watchers_.remove_if([gone](const auto& one) { return one.get() == gone; }); });
  call->on_writable([this, weak = std::weak_ptr<Watcher>(watcher)] {
    if (const auto alive = weak.lock()) update(*alive);
  });
  update(*watcher);
}

// Whoever does not read learns what holds when it does, and not what has held meanwhile.
void Health::update(Watcher& watcher) const {
  const int now = status_of(watcher.service);
  if (watcher.sent == now || watcher.call->unsent_bytes() > kBehind) return;
  watcher.sent = now;
  watcher.call->send(answer(now));
}

}  // namespace ringside::services
