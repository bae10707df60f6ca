// The gRPC adapter against real servers of gRPC's own library, in each form of the contract.
#include "adapters/grpc/grpc_adapter.h"

#include <mutex>

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
    return grpc::Status::OK;
  }
  void behave(Behaviour next) {
    const std::lock_guard lock(mutex_);
    behaviour_ = std::move(next);
  }
  std::atomic<int> streams = 0;

 private:
  std::mutex mutex_;
  Behaviour behaviour_ = obey;
};

class UnaryApp final : public app::v1::ActorHost::Service {
 public:
  grpc::Status Apply(grpc::ServerContext*, const app::v1::Turn* turn, app::v1::TurnResult* result) override {
    if (turn->id() == 5) return {grpc::StatusCode::FAILED_PRECONDITION, "no"};
    if (turn->id() == 6) return {grpc::StatusCode::INTERNAL, "oh"};
    result->set_outcome(turn->id() == 7 ? app::v1::OUTCOME_NOT_DELIVERED : app::v1::OUTCOME_APPLIED);
    epoch = turn->epoch();
    return grpc::Status::OK;
  }
  grpc::Status Deactivate(grpc::ServerContext*, const app::v1::Deactivate* request, app::v1::Deactivated*) override {
    deactivated += request->ids_size();
    return grpc::Status::OK;
  }
  std::atomic<std::uint64_t> epoch = 0;
  std::atomic<int> deactivated = 0;
};

class ControlPlaneApp final : public messages::ControlPlane::Service {
 public:
  grpc::Status Apply(grpc::ServerContext*, const messages::ApplyRequest* request,
                     messages::ApplyResult* result) override {
    result->set_accepted(request->id() != 5);
    return grpc::Status::OK;
  }
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
  adapter->deactivate({500, {{1, 7}}, false});
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
  adapter->deactivate({8, {{1, 1}, {2, 1}}, false});
  ASSERT_TRUE(run_until([this] { return reports.done.size() == 1; }));
  EXPECT_EQ(unary.deactivated, 2);
}

TEST_F(GrpcApp, TheGivenProtocolAloneIsEnough) {
  serve(given);
  expect_next_turn_applied(1);
  adapter->start_turn(turn(5, 5));
  EXPECT_EQ(answer_of(5).outcome, Outcome::kRefused);
  adapter->deactivate({8, {{1, 1}}, false});
  ASSERT_TRUE(run_until([this] { return reports.done.size() == 1; })) << "it has nothing to do for a deactivation";
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
