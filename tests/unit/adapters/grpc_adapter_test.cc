// Turns and connections over gRPC.
#include "tests/unit/adapters/grpc_app_fixture.h"

namespace ringside::adapters {
namespace {

using namespace testing;

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

// The first turn's result is broken (a reason that is no UTF-8), the second one's is well.
class HalfGarbageApp final : public app::v1::ActorHost::WithRawCallbackMethod_ApplyStream<app::v1::ActorHost::Service> {
 public:
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ApplyStream(grpc::CallbackServerContext*) override {
    class Reactor final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
     public:
      Reactor() { StartRead(&in_); }
      void OnReadDone(bool ok) override {
        if (!ok) return Finish(grpc::Status::OK);
        const std::string frame(
            "\x0a\x07\x08\x01\x10\x01\x22\x01\xff"
            "\x0a\x04\x08\x02\x10\x01",
            15);
        const grpc::Slice slice(frame);
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

class GarbledApp : public GrpcApp {
 protected:
  ~GarbledApp() override { stop(); }
  GarbageApp garbage;
  HalfGarbageApp half;
};

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
  for (std::uint64_t number = 1; number <= 4; ++number) adapter->start_turn(turn(number, core::ActorId(number)));
  EXPECT_EQ(answer_of(1).outcome, Outcome::kUnknown);
  EXPECT_EQ(answer_of(2).outcome, Outcome::kApplied);
  EXPECT_EQ(answer_of(3).outcome, Outcome::kRefused);
  EXPECT_EQ(answer_of(3).detail, "because");
  EXPECT_EQ(answer_of(4).outcome, Outcome::kNotDelivered);
}

TEST_F(GrpcApp, AnOutcomeWithoutAReasonIsToldInASentence) {
  streams.behave([](const app::v1::TurnFrame& in, Stream& stream) {
    app::v1::ResultFrame out = applied(in);
    for (int i = 0; i < in.turns_size(); ++i) {
      out.mutable_results(i)->set_outcome(static_cast<app::v1::Outcome>(in.turns(i).id() - 1));
    }
    stream.Write(out);
    return std::optional<grpc::Status>();
  });
  serve(streams);
  for (const std::uint64_t number : {1, 3, 4, 18}) adapter->start_turn(turn(number, core::ActorId(number)));
  EXPECT_EQ(answer_of(1).detail, "the app's result names no outcome");
  EXPECT_EQ(answer_of(3).detail, "the app's result says OUTCOME_REFUSED, and gives no reason");
  EXPECT_EQ(answer_of(4).detail, "the app's result says OUTCOME_NOT_DELIVERED, and gives no reason");
  EXPECT_EQ(answer_of(18).detail, "the app's result names outcome 17, which the contract does not know");
  EXPECT_EQ(answer_of(18).reason, Reason::kAppFailed);
}

TEST_F(GrpcApp, AStreamThatEndsAtOnceIsOpenedAgainAfterARest) {
  streams.ends_at_once = true;
  serve(streams);
  const auto began = net::Clock::now();
  ASSERT_TRUE(run_until([this] { return streams.streams >= 5; }));
  EXPECT_GT(net::Clock::now() - began, std::chrono::milliseconds(250)) << "50 ms, 80, 128, 205, each less a fifth";
  // What comes meanwhile waits for the next stream, but not beyond its deadline. One that goes onto a stream that is
  // about to end is lost with it.
  std::uint64_t number = 0;
  ASSERT_TRUE(run_until([&] {
    ++number;
    adapter->start_turn(turn(number, core::ActorId(number)));
    return adapter->waiting_for_connection() == 1;
  }));
  const std::uint64_t brief = number + 1;
  adapter->start_turn(turn(brief, core::ActorId(brief), "hello", std::chrono::milliseconds(20)));
  adapter->deactivate(ending(1, 1000));
  EXPECT_EQ(adapter->waiting_for_connection(), 2U);
  EXPECT_EQ(answer_of(brief).outcome, Outcome::kExpired);
  streams.ends_at_once = false;
  EXPECT_EQ(answer_of(number).outcome, Outcome::kApplied) << answer_of(number).detail;
  EXPECT_TRUE(run_until([this] { return reports.done.size() == 1; }));
  EXPECT_EQ(adapter->waiting_for_connection(), 0U);
}

TEST_F(GrpcApp, AStormOfGoodbyesOpensFewConnections) {
  arguments["grpc.max_connection_age_ms"] = 1;
  arguments["grpc.max_connection_age_grace_ms"] = 10'000;
  streams.behave([](const app::v1::TurnFrame&, Stream&) { return std::optional<grpc::Status>(); });  // no answer
  serve(streams);
  adapter->start_turn(turn(1));
  const auto began = net::Clock::now();
  ASSERT_TRUE(run_until([this] { return streams.streams >= 5; }));
  EXPECT_GT(net::Clock::now() - began, std::chrono::milliseconds(250));
}

// Limits here: 64 KiB for a result (the fixture's), 1 MiB more for a frame. Actor N answers with what `sizes` says.
class LargeApp : public GrpcApp {
 protected:
  ~LargeApp() override { stop(); }
  void answer_with(std::map<std::uint64_t, std::size_t> sizes) {
    streams.behave([sizes = std::move(sizes)](const app::v1::TurnFrame& in, Stream& stream) {
      app::v1::ResultFrame out = applied(in);
      for (int i = 0; i < in.turns_size(); ++i) {
        const auto found = sizes.find(in.turns(i).id());
        if (found == sizes.end()) continue;
        std::string bytes(found->second, 'x');
        for (std::size_t at = 0; at < bytes.size(); ++at) bytes[at] = static_cast<char>(at * at % 251);
        out.mutable_results(i)->mutable_replies(0)->set_value(bytes);
      }
      stream.Write(out);
      return std::optional<grpc::Status>();
    });
  }
  void expect_too_large(std::uint64_t number, std::size_t size) {
    const core::Answer& answer = answer_of(number);
    EXPECT_EQ(answer.outcome, Outcome::kUnknown);
    EXPECT_EQ(answer.reason, Reason::kAppTooLarge) << answer.detail;
    EXPECT_NE(answer.detail.find("--max-message allows 65536"), std::string::npos) << answer.detail;
    EXPECT_NE(answer.detail.find("the app's result has " + std::to_string(size / 1000)), std::string::npos)
        << answer.detail;
  }
};

TEST_F(LargeApp, AResultAboveTheLimitEndsItsOwnTurnAlone) {
  serve(streams);
  for (const std::size_t size : {70'000, 900'000, 2'000'000, 20'000'000}) {
    answer_with({{1, size}});
    adapter->start_turn(turn(size, 1));
    expect_too_large(size, size);
    expect_next_turn_applied(size + 1);
  }
  EXPECT_EQ(reports.restarts, 0);
  EXPECT_EQ(streams.streams, 1);
}

TEST_F(LargeApp, AResultAboveTheLimitInAFrameOfOthersLikewise) {
  answer_with({{2, 70'000}});
  serve(streams);
  for (std::uint64_t number = 1; number <= 3; ++number) adapter->start_turn(turn(number, core::ActorId(number)));
  EXPECT_EQ(answer_of(1).outcome, Outcome::kApplied);
  expect_too_large(2, 70'000);
  EXPECT_EQ(answer_of(3).outcome, Outcome::kApplied);
  EXPECT_EQ(reports.restarts, 0);
}

TEST_F(LargeApp, CompressedResultsAreMeasuredUnpacked) {
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    arguments = {{GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM, algorithm}};
    serve(streams);
    for (const std::size_t size : {900'000, 2'000'000, 20'000'000}) {
      answer_with({{1, size}});
      adapter->start_turn(turn(size, 1));
      expect_too_large(size, size);
      expect_next_turn_applied(size + 1);
    }
    EXPECT_EQ(reports.restarts, 0);
    adapter.reset();
    reports = testing::Reports();
    stop();
  }
}

// Nobody knows whose results went by with it, and they must not wait for ever.
TEST_F(LargeApp, ATooLargeFrameOfSeveralResultsEndsTheActivations) {
  answer_with({{1, 700'000}, {2, 700'000}});
  serve(streams);
  adapter->start_turn(turn(1, 1));
  adapter->start_turn(turn(2, 2));
  EXPECT_EQ(answer_of(1).reason, Reason::kAppLost);
  EXPECT_EQ(answer_of(2).reason, Reason::kAppLost);
  ASSERT_TRUE(run_until([this] { return reports.restarts == 1; }));
  expect_next_turn_applied(3);
}

// What an app says wrongly of one turn is that turn's affair.
TEST_F(GrpcApp, AResultForNoTurnChangesNothingForTheOthers) {
  streams.behave([](const app::v1::TurnFrame& in, Stream& stream) {
    app::v1::ResultFrame out = applied(in);
    for (int i = 0; i < out.results_size(); ++i) {
      if (in.turns(i).id() == 1) out.mutable_results(i)->set_seq(999);
    }
    out.add_results()->set_seq(0);
    out.add_deactivated()->set_seq(77);
    stream.Write(out);
    stream.Write(out);  // and all of it twice
    return std::optional<grpc::Status>();
  });
  serve(streams);
  for (std::uint64_t number = 1; number <= 5; ++number) adapter->start_turn(turn(number, core::ActorId(number)));
  for (std::uint64_t number = 2; number <= 5; ++number) EXPECT_EQ(answer_of(number).outcome, Outcome::kApplied);
  adapter->start_turn(turn(6, 6));
  EXPECT_EQ(answer_of(6).outcome, Outcome::kApplied);
  EXPECT_FALSE(reports.ended.contains(1)) << "it has no answer";
  adapter->break_turn(core::TurnId(1));
  EXPECT_EQ(answer_of(1).reason, Reason::kTurnTimeout);
  expect_next_turn_applied(7);
  EXPECT_EQ(reports.restarts, 0);
  EXPECT_EQ(streams.streams, 1);
}

TEST_F(GarbledApp, AResultThatCannotBeReadEndsItsOwnTurnAlone) {
  serve(half);
  adapter->start_turn(turn(1, 1));
  adapter->start_turn(turn(2, 2));
  EXPECT_EQ(answer_of(1).outcome, Outcome::kUnknown);
  EXPECT_EQ(answer_of(1).reason, Reason::kAppGarbage);
  EXPECT_EQ(answer_of(2).outcome, Outcome::kApplied);
  EXPECT_EQ(reports.restarts, 0);
}

TEST_F(GarbledApp, AGarbageFrameEndsTheActivations) {
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
  for (std::uint64_t number = 1; number <= 5; ++number) {
    expect_next_turn_applied(number);
    ASSERT_TRUE(run_until([&] { return streams.streams == static_cast<int>(number) + 1; }));
  }
  EXPECT_EQ(reports.restarts, 0);
}

TEST_F(GrpcApp, ABrokenTurnEndsNoOther) {
  std::atomic<bool> hold = true;
  streams.behave([&hold](const app::v1::TurnFrame& in, Stream& stream) {
    app::v1::ResultFrame out = applied(in);
    for (int i = out.results_size(); i-- > 0;) {
      if (hold && in.turns(i).id() == 1) out.mutable_results()->DeleteSubrange(i, 1);
    }
    stream.Write(out);
    return std::optional<grpc::Status>();
  });
  serve(streams);
  adapter->start_turn(turn(1, 1));
  adapter->start_turn(turn(2, 2));
  EXPECT_EQ(answer_of(2).outcome, Outcome::kApplied);
  adapter->break_turn(core::TurnId(1));
  EXPECT_EQ(answer_of(1).reason, Reason::kTurnTimeout);
  hold = false;
  expect_next_turn_applied(3);
  EXPECT_EQ(reports.restarts, 0);
  EXPECT_EQ(streams.streams, 1);
}

TEST_F(GrpcApp, CompressedAnswersAreRead) {
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    arguments = {{GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM, algorithm}};
    serve(streams);
    adapter->start_turn(turn(1, 1, std::string(20'000, 'x')));
    const core::Answer& answer = answer_of(1);
    EXPECT_EQ(answer.outcome, Outcome::kApplied) << answer.detail;
    EXPECT_GT(answer.serialized().size(), 20'000U);
    EXPECT_EQ(reports.restarts, 0);
    adapter.reset();
    reports = testing::Reports();
    stop();
  }
}

TEST_F(GrpcApp, CompressedAnswersOfAUnaryAppLikewise) {
  arguments = {{GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM, GRPC_COMPRESS_GZIP}};
  serve(unary);
  adapter->start_turn(turn(8, 8));
  const core::Answer& answer = answer_of(8);
  EXPECT_EQ(answer.outcome, Outcome::kApplied) << answer.detail;
  EXPECT_GT(answer.serialized().size(), 10'000U);
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

core::StartTurn turn_with_all(std::uint64_t number) {
  core::StartTurn start = turn(number);
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

// One stream for each connection, and as many turns at once as connections.
TEST_F(GrpcApp, MoreConnectionsAreMadeWhenTheStreamsThatAnAppAllowsAreOut) {
  arguments = {{GRPC_ARG_MAX_CONCURRENT_STREAMS, 1}};
  serve(unary);
  expect_next_turn_applied(1);
  unary.hold = true;
  for (std::uint64_t number = 2; number <= 6; ++number) adapter->start_turn(turn(number, core::ActorId(number)));
  ASSERT_TRUE(run_until([this] { return unary.turns == 6; }));
  EXPECT_EQ(reports.downs, 0) << "health is asked meanwhile";
  EXPECT_EQ(adapter->waiting_for_connection(), 0U);
  unary.hold = false;
  for (std::uint64_t number = 2; number <= 4; ++number) EXPECT_EQ(answer_of(number).outcome, Outcome::kApplied);
  ASSERT_TRUE(run_until([this] { return reports.ended.size() == 6; }));
}

// As far as the descriptors allow; what is too much is refused at once, since a turn that waits for its place may be
// one that those under way are waiting for.
TEST_F(GrpcApp, ATurnBeyondAllConnectionsIsRefusedAtOnce) {
  arguments = {{GRPC_ARG_MAX_CONCURRENT_STREAMS, 1}};
  connections = 3;
  serve(unary);
  expect_next_turn_applied(1);
  unary.hold = true;
  for (std::uint64_t number = 2; number <= 4; ++number) adapter->start_turn(turn(number, core::ActorId(number)));
  ASSERT_TRUE(run_until([this] { return unary.turns == 4; }));
  adapter->start_turn(turn(5));
  EXPECT_EQ(answer_of(5).outcome, Outcome::kNotDelivered);
  EXPECT_EQ(answer_of(5).reason, Reason::kAppBusy) << answer_of(5).detail;
  unary.hold = false;
  EXPECT_EQ(answer_of(4).outcome, Outcome::kApplied);
  expect_next_turn_applied(6);
}

// Without a word in its health, and with nobody looking: the listening socket tells.
TEST_F(GrpcApp, ARestartOfAUnaryAppIsNoticedBeforeTheNextTurnIsSent) {
  serve(unary);
  expect_next_turn_applied(1);
  stop();
  unary.turns = 0;
  serve(unary);
  reports.on_end = [this] { EXPECT_EQ(unary.turns, 0); };
  adapter->start_turn(turn(2));
  EXPECT_EQ(answer_of(2).outcome, Outcome::kNotDelivered) << answer_of(2).detail;
  ASSERT_TRUE(run_until([this] { return reports.restarts + reports.downs >= 1; }));
  expect_next_turn_applied(3);
  EXPECT_EQ(unary.turns, 1);
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
  for (std::uint64_t number = 3; streams.streams < 5; ++number) expect_next_turn_applied(number);
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
