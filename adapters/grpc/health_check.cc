#include "adapters/grpc/health_check.h"

#include <algorithm>
#include <utility>

#include <grpc/health/v1/health.pb.h>

#include "sidecar/base/text.h"

namespace ringside::adapters {
namespace {

using grpc::health::v1::HealthCheckResponse;

constexpr const char* kPath = "/grpc.health.v1.Health/Check";

bool says(const net::CallResult& result, HealthCheckResponse::ServingStatus status) {
  HealthCheckResponse response;
  return result.status == net::GrpcStatus::kOk && response.ParseFromString(result.body) && response.status() == status;
}

// Its status SERVICE_UNKNOWN is for streams, and yet some answer with it.
bool is_unknown_service(const net::CallResult& result) {
  return (result.status == net::GrpcStatus::kNotFound && result.from_server) ||
         says(result, HealthCheckResponse::SERVICE_UNKNOWN);
}

std::string question(const std::string& service) {
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  return request.SerializeAsString();
}

std::vector<std::string> names_for(const std::string& chosen) {
  if (!chosen.empty()) return {chosen};
  return {"", "ringside.app.v1.ActorHost", "messages.ControlPlane"};
}

std::string unknown_services(const std::string& chosen) {
  std::string names;
  for (const std::string& name : names_for(chosen)) {
    if (!names.empty()) names += ", ";
    names += name.empty() ? "the whole server (an empty name)" : name;
  }
  return "its health service knows none of the services that it was asked for: " + names +
         "; --app-health-service chooses the name";
}

}  // namespace

HealthCheck::HealthCheck(net::Loop& loop, net::ChannelOptions channel, std::string service)
    : channel_(loop, std::move(channel)), service_(std::move(service)), names_(names_for(service_)) {}

void HealthCheck::ask(net::Clock::time_point deadline, HealthMonitor::Checked checked) {
  ask_next(deadline, std::move(checked), 0);
}

void HealthCheck::ask_next(net::Clock::time_point deadline, HealthMonitor::Checked checked, std::size_t unknown) {
  net::CallOptions options;
  options.deadline = deadline;
  options.connect_now = true;
  auto done = [this, deadline, checked = std::move(checked), unknown](const net::CallResult& result) mutable {
    if (is_unknown_service(result) && unknown + 1 < names_.size()) {
      std::rotate(names_.begin(), names_.begin() + 1, names_.end());
      return ask_next(deadline, std::move(checked), unknown + 1);
    }
    checked(judge(result));
  };
  channel_.unary(kPath, {}, question(names_.front()), options, std::move(done));
}

HealthResult HealthCheck::judge(const net::CallResult& result) const {
  HealthResult health;
  health.no_listener = result.no_listener;
  health.timed_out = result.status == net::GrpcStatus::kDeadlineExceeded && !result.from_server;
  health.healthy = says(result, HealthCheckResponse::SERVING) ||
                   (result.status == net::GrpcStatus::kUnimplemented && result.from_server);
  health.instance = std::string(result.headers.get("ringside-app-instance"));
  const std::string& name = names_.front();
  const std::string what = "its health check" + (name.empty() ? "" : " of the service " + name);
  health.why = is_unknown_service(result)              ? unknown_services(service_)
               : result.status == net::GrpcStatus::kOk ? what + " says NOT_SERVING"
               : health.timed_out                      ? what + " is not answered: " + result.message
                                                       : result.message;
  health.why = base::told(health.why);
  return health;
}

}  // namespace ringside::adapters
