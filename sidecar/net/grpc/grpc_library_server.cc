#include "sidecar/net/grpc/grpc_library_server.h"

#include <array>
#include <mutex>

#include <absl/synchronization/mutex.h>
#include <fcntl.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/server_posix.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ringside::net {

namespace {

// Our HTTP/2 server refuses metadata above 16 KiB; above its own limit gRPC 1.51 may close the whole connection.
constexpr int kMaxMetadata = 64 * 1024;

}  // namespace

class GrpcLibraryServer::Impl {
 public:
  std::mutex mutex;  // connect() races shutdown(); never taken on a data path
  std::unique_ptr<grpc::Server> server;
};

GrpcLibraryServer::GrpcLibraryServer(const std::vector<grpc::Service*>& services, std::size_t sessions)
    : BridgeTarget(sessions), impl_(std::make_unique<Impl>()) {
  // Debian's absl is built with its deadlock detector, which costs more than the calls themselves.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  for (grpc::Service* service : services) builder.RegisterService(service);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadata);
  // 1.51 does not bound what a compressed message unpacks to.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
  impl_->server = builder.BuildAndStart();
}

GrpcLibraryServer::~GrpcLibraryServer() { shutdown(); }

int GrpcLibraryServer::connect() {
  const std::lock_guard lock(impl_->mutex);
  std::array<int, 2> ends{};
  if (!impl_->server || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    return -1;
  grpc::AddInsecureChannelFromFd(impl_->server.get(), ends[1]);
  return ends[0];
}

void GrpcLibraryServer::set_serving(const std::string& service, bool serving) {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->server) return;
  if (auto* health = impl_->server->GetHealthCheckService()) health->SetServingStatus(service, serving);
}

void GrpcLibraryServer::shutdown() {
  std::unique_ptr<grpc::Server> server;
  {
    const std::lock_guard lock(impl_->mutex);
    server = std::move(impl_->server);
  }
  if (server) server->Shutdown(std::chrono::system_clock::now());
}

}  // namespace ringside::net
