// The gRPC adapter against real servers of gRPC's own library, in each form of the contract.
#include "adapters/grpc/grpc_adapter.h"

#include <map>
#include <mutex>
#include <thread>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <messages/control_plane.grpc.pb.h>
#include <ringside/app/v1/app.grpc.pb.h>

#include "tests/unit/adapters/adapter_fixture.h"

namespace ringside::adapters {
namespace {

using core::Outcome;
using core::Reason;
using testing::turn;

using Stream = grpc::ServerReaderWriter<app::v1::ResultFrame, app::v1::TurnFrame>;

// What the app does with one frame: the answer, or the stream's end.
using Behaviour = std::function<std::optional<grpc::Status>(const app::v1::TurnFrame&, Stream&)>;

app::v1::ResultFrame applied(const app::v1::TurnFrame& in) {
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

std::optional<grpc::Status> obey(const app::v1::TurnFrame& in, Stream& stream) {
  stream.Write(applied(in));
  return std::nullopt;
}

class StreamApp final : public app::v1::ActorHost::Service {
 public:
  grpc::Status ApplyStream(grpc::ServerContext*, Stream* stream) override {
    ++streams;
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
    result->set_outcome(turn->id() == 7 ? app::v1::OUTCOME_NOT_DELIVERED : app::v1::OUTCOME_APPLIED);
    epoch = turn->epoch();
    return grpc::Status::OK;
  }
  grpc::Status Deactivate(grpc::ServerContext*, const app::v1::Deactivate* request, app::v1::Deactivated*) override {
    if (failures-- > 0) return {grpc::StatusCode::INTERNAL, "not now"};
    deactivated += request->ids_size();
    return grpc::Status::OK;
  }
  Told told;
  std::atomic<int> turns = 0;
  std::atomic<bool> hold = false;
  std::atomic<int> failures = 0;
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

// ApplyStream in raw bytes.
class GarbageApp final : public app::v1::ActorHost::WithRawCallbackMethod_ApplyStream<app::v1::ActorHost::Service> {
 public:
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ApplyStream(grpc::CallbackServerContext*) override {
    class Reactor final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
     public:
      Reactor() { StartRead(&in_); }
      void OnReadDone(bool ok) override {
        if (!ok) return Finish(grpc::Status::OK);
        const grpc::Slice slice("\xff\xff\xff garbage");
        out_ = grpc::ByteBuffer(&slice, 1);
        StartWrite(&out_);
      }
      void OnWriteDone(bool) override {
        in_.Clear();
        StartRead(&in_);
      }
      void OnDone() override { delete this; }

     private:
      grpc::ByteBuffer in_, out_;
    };
    return new Reactor();
  }
};

class GrpcApp : public testing::AdapterTest {
 protected:
  ~GrpcApp() override { stop(); }
  void serve(grpc::Service& service) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service);
    for (const auto& [name, value] : arguments) builder.AddChannelArgument(name, value);
    server = builder.BuildAndStart();
    ASSERT_NE(server, nullptr);
    if (adapter) return;
    adapter = std::make_unique<GrpcAdapter>(
        loop, quick<AdapterOptions>({"127.0.0.1", static_cast<std::uint16_t>(port), ""}), reports, log);
    adapter->start();
    ASSERT_TRUE(run_until([this] { return reports.ups == 1; })) << "no health service: healthy while it answers";
  }
  void stop() {
    if (server) server->Shutdown(std::chrono::system_clock::now());
    server.reset();
  }
  void expect_next_turn_applied(core::Token token) {
    adapter->start_turn(turn(token));
    const core::Answer& answer = answer_of(token);
    EXPECT_EQ(answer.outcome, Outcome::kApplied) << answer.detail;
  }

  std::map<std::string, int> arguments;  // of gRPC's server
  StreamApp streams;
  UnaryApp unary;
  ControlPlaneApp given;
  GarbageApp garbage;
  int port = 0;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<GrpcAdapter> adapter;
};

TEST_F(GrpcApp, TurnsAndDeactivationsGoOverOneStream) {
  serve(streams);
  for (core::Token token = 1; token <= 100; ++token) adapter->start_turn(turn(token, token));
  adapter->deactivate(ending(500, 1));
  ASSERT_TRUE(run_until([this] { return reports.ended.size() == 100 && reports.done.size() == 1; }));
  for (const auto& [token, answer] : reports.ended) {
    EXPECT_EQ(answer.outcome, Outcome::kApplied);
    messages::ApplyResult result;
    ASSERT_TRUE(result.ParseFromString(answer.result));
    EXPECT_TRUE(result.accepted());
    EXPECT_EQ(result.replies_size(), 1);
  }
  EXPECT_EQ(streams.streams, 1);
}

TEST_F(GrpcApp, EachOutcomeOfATurnIsKept) {
  streams.behave([](const app::v1::TurnFrame& in, Stream& stream) {
    app::v1::ResultFrame out = applied(in);
    for (int i = 0; i < in.turns_size(); ++i) {
      out.mutable_results(i)->set_outcome(static_cast<app::v1::Outcome>(in.turns(i).id() - 1));
      out.mutable_results(i)->set_reason("because");
    }
    stream.Write(out);
    return std::optional<grpc::Status>();
  });
  serve(streams);
  for (core::Token token = 1; token <= 4; ++token) adapter->start_turn(turn(token, token));
  EXPECT_EQ(answer_of(1).outcome, Outcome::kUnknown);
  EXPECT_EQ(answer_of(2).outcome, Outcome::kApplied);
  EXPECT_EQ(answer_of(3).outcome, Outcome::kRefused);
  EXPECT_EQ(answer_of(3).detail, "because");
  EXPECT_EQ(answer_of(4).outcome, Outcome::kNotDelivered);
}

TEST_F(GrpcApp, AResultForNoTurnEndsTheActivations) {
  streams.behave([](const app::v1::TurnFrame& in, Stream& stream) {
    app::v1::ResultFrame out = applied(in);
    out.mutable_results(0)->set_seq(999);
    stream.Write(out);
    return std::optional<grpc::Status>();
  });
  serve(streams);
  adapter->start_turn(turn(1));
  EXPECT_EQ(answer_of(1).outcome, Outcome::kUnknown);
  ASSERT_TRUE(run_until([this] { return reports.restarts == 1; }));
  streams.behave(obey);
  expect_next_turn_applied(2);
}

TEST_F(GrpcApp, AGarbageFrameEndsTheActivations) {
  serve(garbage);
  adapter->start_turn(turn(1));
  EXPECT_EQ(answer_of(1).outcome, Outcome::kUnknown);
  ASSERT_TRUE(run_until([this] { return reports.restarts == 1; }));
}

TEST_F(GrpcApp, ALostStreamEndsTheActivations) {
  streams.behave([](const app::v1::TurnFrame&, Stream&) {
    return std::optional(grpc::Status(grpc::StatusCode::INTERNAL, "died"));
  });
  serve(streams);
  adapter->start_turn(turn(1));
  EXPECT_EQ(answer_of(1).outcome, Outcome::kUnknown);
  EXPECT_EQ(answer_of(1).reason, Reason::kAppLost);
  ASSERT_TRUE(run_until([this] { return reports.restarts == 1; }));
  streams.behave(obey);
  expect_next_turn_applied(2);
}

TEST_F(GrpcApp, AStreamEndedInOrderIsOpenedAgainAndNothingIsLost) {
  streams.behave([](const app::v1::TurnFrame& in, Stream& stream) {
    stream.Write(applied(in));
    return std::optional(grpc::Status::OK);
  });
  serve(streams);
  for (core::Token token = 1; token <= 5; ++token) {
    expect_next_turn_applied(token);
    ASSERT_TRUE(run_until([&] { return streams.streams == static_cast<int>(token) + 1; }));
  }
  EXPECT_EQ(reports.restarts, 0);
}

TEST_F(GrpcApp, ABrokenTurnEndsTheStream) {
  streams.behave([](const app::v1::TurnFrame&, Stream&) { return std::optional<grpc::Status>(); });
  serve(streams);
  adapter->start_turn(turn(1));
  adapter->start_turn(turn(2));
  ASSERT_TRUE(run_until([this] { return streams.streams == 1; }));
  reports.on_end = [this] {
    EXPECT_TRUE(reports.ended.empty()) << "the core would begin the next turn of an activation that is over";
    streams.behave(obey);
    adapter->start_turn(turn(3));
  };
  adapter->break_turn(1);
  EXPECT_EQ(answer_of(1).reason, Reason::kTurnTimeout);
  EXPECT_EQ(answer_of(2).reason, Reason::kAppLost);
  EXPECT_EQ(answer_of(3).outcome, Outcome::kApplied) << "of a new activation, on the next stream";
  EXPECT_EQ(reports.restarts, 1) << "the old stream's end is no second one";
  EXPECT_EQ(streams.streams, 2);
}

TEST_F(GrpcApp, UnaryWhereThereIsNoStream) {
  serve(unary);
  expect_next_turn_applied(1);
  EXPECT_EQ(unary.epoch, 7U);
  adapter->start_turn(turn(5, 5));
  adapter->start_turn(turn(6, 6));
  adapter->start_turn(turn(7, 7));
  EXPECT_EQ(answer_of(5).outcome, Outcome::kRefused);
  EXPECT_EQ(answer_of(6).outcome, Outcome::kUnknown);
  EXPECT_EQ(answer_of(6).reason, Reason::kAppFailed);
  EXPECT_EQ(answer_of(7).outcome, Outcome::kNotDelivered);
  adapter->deactivate(ending(8, 1));
  adapter->deactivate(ending(9, 2));
  ASSERT_TRUE(run_until([this] { return reports.done.size() == 2; }));
  EXPECT_EQ(unary.deactivated, 2);
}

TEST_F(GrpcApp, TheGivenProtocolAloneIsEnough) {
  serve(given);
  expect_next_turn_applied(1);
  adapter->start_turn(turn(5, 5));
  EXPECT_EQ(answer_of(5).outcome, Outcome::kRefused);
  adapter->deactivate(ending(8, 1));
  ASSERT_TRUE(run_until([this] { return reports.done.size() == 1; })) << "it has nothing to do for a deactivation";
}

core::StartTurn turn_with_all(core::Token token) {
  core::StartTurn start = turn(token);
  core::Call call = *start.call;
  call.actor_name = "Grüße";
  call.idempotency_key = "k";
  call.traceparent = "00-a-b-01";
  call.tracestate = "a=b";
  start.call = std::make_shared<core::Call>(call);
  return start;
}

void expect_all(Told& told) {
  EXPECT_EQ(told["ringside-epoch"], "7");
  EXPECT_TRUE(told["ringside-timeout"].ends_with("ms")) << told["ringside-timeout"];
  EXPECT_EQ(told["ringside-actor-name"], "Gr%C3%BC%C3%9Fe");
  EXPECT_EQ(told["idempotency-key"], "k");
  EXPECT_EQ(told["traceparent"], "00-a-b-01");
  EXPECT_EQ(told["tracestate"], "a=b");
  EXPECT_TRUE(told.endless()) << "gRPC would answer in place of a handler that goes on";
}

TEST_F(GrpcApp, AUnaryAppIsToldWhatAnHttpAppIs) {
  serve(unary);
  adapter->start_turn(turn_with_all(1));
  EXPECT_EQ(answer_of(1).outcome, Outcome::kApplied);
  expect_all(unary.told);
}

TEST_F(GrpcApp, AnAppOfTheGivenProtocolLikewise) {
  serve(given);
  adapter->start_turn(turn_with_all(1));
  EXPECT_EQ(answer_of(1).outcome, Outcome::kApplied);
  expect_all(given.told);
}

TEST_F(GrpcApp, TheStreamsThatAnAppAllowsKeepNeitherHealthNorDeadlinesWaiting) {
  arguments = {{GRPC_ARG_MAX_CONCURRENT_STREAMS, 1}};
  serve(unary);
  expect_next_turn_applied(1);
  unary.hold = true;
  adapter->start_turn(turn(2));
  ASSERT_TRUE(run_until([this] { return unary.turns == 2; }));
  adapter->start_turn(turn(3, 3, "late", std::chrono::milliseconds(1500)));
  EXPECT_EQ(answer_of(3).outcome, Outcome::kExpired);
  EXPECT_EQ(answer_of(3).reason, Reason::kDeadline);
  EXPECT_EQ(reports.downs, 0);
  unary.hold = false;
  EXPECT_EQ(answer_of(2).outcome, Outcome::kApplied);
  expect_next_turn_applied(4);
  EXPECT_EQ(unary.turns, 3);
}

TEST_F(GrpcApp, AFailedDeactivationIsReportedAndNotRepeated) {
  serve(unary);
  expect_next_turn_applied(1);
  unary.failures = 1;
  adapter->deactivate(ending(8, 1));
  ASSERT_TRUE(run_until([this] { return reports.done.size() == 1; }));
  EXPECT_EQ(reports.forgotten[8].kind, core::Deactivated::Kind::kFailed);
  EXPECT_EQ(unary.deactivated, 0);
}

TEST_F(GrpcApp, ADeactivationWithoutAnAnswerEndsTheStream) {
  streams.behave([](const app::v1::TurnFrame& in, Stream& stream) {
    if (in.deactivations().empty()) stream.Write(applied(in));
    return std::optional<grpc::Status>();
  });
  turn_timeout = std::chrono::milliseconds(300);
  serve(streams);
  expect_next_turn_applied(1);
  adapter->deactivate(ending(8, 1));
  ASSERT_TRUE(run_until([this] { return reports.restarts == 1; }));
  expect_next_turn_applied(2);
}

// GOAWAY: the app wants another connection, and ends none of its activations.
TEST_F(GrpcApp, AConnectionEndedByItsAgeLosesNothing) {
  arguments = {{GRPC_ARG_MAX_CONNECTION_AGE_MS, 200}, {GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 20'000}};
  std::atomic<bool> hold = true;
  streams.behave([&hold](const app::v1::TurnFrame& in, Stream& stream) {
    while (hold && in.turns_size() > 0 && in.turns(0).id() == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return obey(in, stream);
  });
  serve(streams);
  adapter->start_turn(turn(1, 1));
  ASSERT_TRUE(run_until([this] { return streams.streams >= 2; }));
  EXPECT_TRUE(reports.ended.empty());
  adapter->start_turn(turn(2, 2));
  EXPECT_EQ(answer_of(2).outcome, Outcome::kApplied) << "on the new stream";
  hold = false;
  EXPECT_EQ(answer_of(1).outcome, Outcome::kApplied) << "on the old one";
  ASSERT_TRUE(run_until([this] { return streams.ended >= 1; })) << "which ends then";
  for (core::Token token = 3; streams.streams < 5; ++token) expect_next_turn_applied(token);
  EXPECT_EQ(reports.restarts, 0);
  EXPECT_EQ(reports.downs, 0);
}

TEST_F(GrpcApp, AnAppThatIsGoneIsDownAndAnotherOneInItsPlaceUp) {
  serve(streams);
  expect_next_turn_applied(1);
  stop();
  ASSERT_TRUE(run_until([this] { return reports.downs == 1; }));
  adapter->start_turn(turn(2));
  EXPECT_EQ(answer_of(2).outcome, Outcome::kNotDelivered);
  serve(given);
  ASSERT_TRUE(run_until([this] { return reports.ups == 2; }));
  expect_next_turn_applied(3);
}

}  // namespace
}  // namespace ringside::adapters
