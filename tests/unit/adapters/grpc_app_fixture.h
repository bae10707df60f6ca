// The gRPC adapter before real servers of gRPC's own library, in each form of the contract.
#pragma once

#include <map>
#include <mutex>
#include <thread>

#include <grpc/health/v1/health.grpc.pb.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <messages/control_plane.grpc.pb.h>
#include <ringside/app/v1/app.grpc.pb.h>

#include "adapters/grpc/grpc_adapter.h"
#include "tests/unit/adapters/adapter_fixture.h"
#include "tests/unit/net/reserved_port.h"

namespace ringside::adapters::testing {

using core::Outcome;
using core::Reason;

using Stream = grpc::ServerReaderWriter<app::v1::ResultFrame, app::v1::TurnFrame>;

// What the app does with one frame: the answer, or the stream's end.
using Behaviour = std::function<std::optional<grpc::Status>(const app::v1::TurnFrame&, Stream&)>;

inline app::v1::ResultFrame applied(const app::v1::TurnFrame& in) {
  app::v1::ResultFrame out;
  for (const app::v1::Turn& turn : in.turns()) {
    app::v1::TurnResult* result = out.add_results();
    result->set_seq(turn.seq());
    result->set_outcome(app::v1::OUTCOME_APPLIED);
    result->add_replies()->CopyFrom(turn.messages(0));
  }
  for (const app::v1::Deactivate& one : in.deactivations()) out.add_deactivated()->set_seq(one.seq());
  return out;
}

inline std::optional<grpc::Status> obey(const app::v1::TurnFrame& in, Stream& stream) {
  stream.Write(applied(in));
  return std::nullopt;
}

class StreamApp final : public app::v1::ActorHost::Service {
 public:
  grpc::Status ApplyStream(grpc::ServerContext*, Stream* stream) override {
    ++streams;
    if (ends_at_once) return grpc::Status::OK;
    app::v1::TurnFrame frame;
    while (stream->Read(&frame)) {
      Behaviour now;
      {
        const std::lock_guard lock(mutex_);
        now = behaviour_;
      }
      if (const auto end = now(frame, *stream)) return *end;
    }
    ++ended;
    return grpc::Status::OK;
  }
  void behave(Behaviour next) {
    const std::lock_guard lock(mutex_);
    behaviour_ = std::move(next);
  }
  std::atomic<int> streams = 0;
  std::atomic<bool> ends_at_once = false;
  std::atomic<int> ended = 0;  // by us, in order or otherwise

 private:
  std::mutex mutex_;
  Behaviour behaviour_ = obey;
};

// What a turn carries besides, as the app is told it.
class Told {
 public:
  void note(const grpc::ServerContext& context) {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, value] : context.client_metadata()) {
      said_[std::string(name.data(), name.size())] = std::string(value.data(), value.size());
    }
    endless_ = context.deadline() == std::chrono::system_clock::time_point::max();
  }
  std::string operator[](const std::string& name) {
    const std::lock_guard lock(mutex_);
    return said_[name];
  }
  bool endless() {
    const std::lock_guard lock(mutex_);
    return endless_;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> said_;
  bool endless_ = false;
};

class UnaryApp final : public app::v1::ActorHost::Service {
 public:
  grpc::Status Apply(grpc::ServerContext* context, const app::v1::Turn* turn, app::v1::TurnResult* result) override {
    told.note(*context);
    ++turns;
    while (hold) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (turn->id() == 5) return {grpc::StatusCode::FAILED_PRECONDITION, "no"};
    if (turn->id() == 6) return {grpc::StatusCode::INTERNAL, "oh"};
    if (turn->id() == 8) result->add_replies()->set_value(std::string(10'000, 'x'));
    result->set_outcome(turn->id() == 7 ? app::v1::OUTCOME_NOT_DELIVERED : app::v1::OUTCOME_APPLIED);
    epoch = turn->epoch();
    if (ends) context->AddTrailingMetadata("ringside-deactivate", "true");
    return grpc::Status::OK;
  }
  grpc::Status Deactivate(grpc::ServerContext*, const app::v1::Deactivate* request, app::v1::Deactivated*) override {
    if (failures-- > 0) return {refusal, "not now"};
    deactivated += request->ids_size();
    return grpc::Status::OK;
  }
  Told told;
  std::atomic<int> turns = 0;
  std::atomic<bool> hold = false;
  std::atomic<int> failures = 0;
  std::atomic<grpc::StatusCode> refusal = grpc::StatusCode::INTERNAL;
  std::atomic<bool> ends = false;
  std::atomic<std::uint64_t> epoch = 0;
  std::atomic<int> deactivated = 0;
};

class ControlPlaneApp final : public messages::ControlPlane::Service {
 public:
  grpc::Status Apply(grpc::ServerContext* context, const messages::ApplyRequest* request,
                     messages::ApplyResult* result) override {
    told.note(*context);
    result->set_accepted(request->id() != 5);
    return grpc::Status::OK;
  }
  Told told;
};

// grpc.health.v1, which knows services by their names alone.
class NamedHealth final : public grpc::health::v1::Health::Service {
 public:
  grpc::Status Check(grpc::ServerContext*, const grpc::health::v1::HealthCheckRequest* request,
                     grpc::health::v1::HealthCheckResponse* response) override {
    ++asked;
    if (request->service() != known) return {grpc::StatusCode::NOT_FOUND, "unknown service"};
    response->set_status(serving ? grpc::health::v1::HealthCheckResponse::SERVING
                                 : grpc::health::v1::HealthCheckResponse::NOT_SERVING);
    return grpc::Status::OK;
  }
  std::string known;
  std::atomic<bool> serving = true;
  std::atomic<int> asked = 0;  // by any name
};

class GrpcApp : public AdapterTest {
 protected:
  ~GrpcApp() override { stop(); }
  void serve_with_health(grpc::Service& service) {
    with_health = true;
    serve(service);
  }
  void serve(grpc::Service& service) {
    grpc::ServerBuilder builder;
    if (with_health) builder.RegisterService(&named);
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    for (const auto& [name, value] : arguments) builder.AddChannelArgument(name, value);
    server = builder.BuildAndStart();
    ASSERT_NE(server, nullptr);
    if (adapter) return;
    auto options = quick<AdapterOptions>({"127.0.0.1", port, ""});
    options.health_service = health_service;
    if (with_health) options.down_after = std::chrono::milliseconds(200);
    adapter = std::make_unique<GrpcAdapter>(loop, options, reports, log);
    adapter->start();
    ASSERT_TRUE(run_until([this] { return reports.ups == 1; })) << "no health service: healthy while it answers";
  }
  void stop() {
    if (server) server->Shutdown(std::chrono::system_clock::now());
    server.reset();
  }
  void expect_next_turn_applied(std::uint64_t number) {
    adapter->start_turn(turn(number));
    const core::Answer& answer = answer_of(number);
    EXPECT_EQ(answer.outcome, Outcome::kApplied) << answer.detail;
  }

  std::map<std::string, int> arguments;  // of gRPC's server
  StreamApp streams;
  UnaryApp unary;
  ControlPlaneApp given;
  NamedHealth named;
  std::string health_service;
  bool with_health = false;
  const std::uint16_t port = net::testing::reserved_port();
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<GrpcAdapter> adapter;
};

}  // namespace ringside::adapters::testing
