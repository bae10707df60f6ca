// Deactivations over gRPC, how an app ends an activation, and its health.
#include "tests/unit/adapters/grpc_app_fixture.h"

namespace ringside::adapters {
namespace {

using namespace testing;

TEST_F(GrpcApp, TurnsAndDeactivationsGoOverOneStream) {
  serve(streams);
  for (std::uint64_t number = 1; number <= 100; ++number) adapter->start_turn(turn(number, core::ActorId(number)));
  adapter->deactivate(ending(500, 1));
  ASSERT_TRUE(run_until([this] { return reports.ended.size() == 100 && reports.done.size() == 1; }));
  for (const auto& [number, answer] : reports.ended) {
    EXPECT_EQ(answer.outcome, Outcome::kApplied);
    messages::ApplyResult result;
    ASSERT_TRUE(result.ParseFromString(answer.serialized()));
    EXPECT_TRUE(result.accepted());
    EXPECT_EQ(result.replies_size(), 1);
  }
  EXPECT_EQ(streams.streams, 1);
}

TEST_F(GrpcApp, WhatTheAppSaysToADeactivationIsReportedAndNotRepeated) {
  using Kind = core::Deactivated::Kind;
  serve(unary);
  expect_next_turn_applied(1);
  const std::map<grpc::StatusCode, Kind> answers = {{grpc::StatusCode::FAILED_PRECONDITION, Kind::kNotNow},
                                                    {grpc::StatusCode::ABORTED, Kind::kNotNow},
                                                    {grpc::StatusCode::UNIMPLEMENTED, Kind::kDone},
                                                    {grpc::StatusCode::NOT_FOUND, Kind::kDone},
                                                    {grpc::StatusCode::INVALID_ARGUMENT, Kind::kDone},
                                                    {grpc::StatusCode::PERMISSION_DENIED, Kind::kDone},
                                                    {grpc::StatusCode::UNKNOWN, Kind::kFailed},
                                                    {grpc::StatusCode::RESOURCE_EXHAUSTED, Kind::kFailed},
                                                    {grpc::StatusCode::INTERNAL, Kind::kFailed},
                                                    {grpc::StatusCode::UNAVAILABLE, Kind::kFailed}};
  std::uint64_t number = 10;
  for (const auto& [code, kind] : answers) {
    unary.refusal = code;
    unary.failures = 1;
    adapter->deactivate(ending(++number, 1));
    ASSERT_TRUE(run_until([&] { return reports.forgotten.contains(number); }));
    EXPECT_EQ(reports.forgotten[number].kind, kind) << code;
  }
  EXPECT_EQ(unary.deactivated, 0);
}

TEST_F(GrpcApp, OnTheStreamTheAppIsToldWhatEndsAndMayDecline) {
  using Kind = core::Deactivated::Kind;
  std::mutex mutex;
  std::vector<app::v1::Deactivate> told;
  streams.behave([&](const app::v1::TurnFrame& in, Stream& stream) {
    app::v1::ResultFrame out;
    const std::lock_guard lock(mutex);
    for (const app::v1::Deactivate& one : in.deactivations()) {
      told.push_back(one);
      app::v1::Deactivated* said = out.add_deactivated();
      said->set_seq(one.seq());
      if (one.all() || one.ids(0) == 2) said->add_not_now(one.all() ? 9 : 2);
      if (!one.all() && one.ids(0) == 3) said->add_failed(3);
      if (one.all() && one.seq() == 5) said->add_failed(9);
      said->mutable_retry_after()->set_seconds(5);
      said->set_reason("busy");
    }
    stream.Write(out);
    return std::optional<grpc::Status>();
  });
  serve(streams);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    core::DeactivateActor end = ending(id, core::ActorId(id));
    end.name = "n" + std::to_string(id);
    end.why = core::Deactivation::kDrain;
    adapter->deactivate(end);
  }
  adapter->deactivate_all({core::DeactivationId(4)});
  adapter->deactivate_all({core::DeactivationId(5)});
  ASSERT_TRUE(run_until([this] { return reports.done.size() == 5; }));
  EXPECT_EQ(reports.forgotten[1].kind, Kind::kDone);
  EXPECT_EQ(reports.forgotten[2].kind, Kind::kNotNow);
  EXPECT_EQ(reports.forgotten[3].kind, Kind::kFailed);
  EXPECT_EQ(reports.forgotten[4].kind, Kind::kDone) << "of an earlier sidecar's actors there is nothing to keep";
  EXPECT_EQ(reports.forgotten[5].kind, Kind::kFailed);
  EXPECT_EQ(reports.forgotten[3].detail, "Deactivate was answered: busy");
  EXPECT_EQ(reports.forgotten[3].retry_after, std::chrono::seconds(5));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(told[1].ids(0), 2U);
  EXPECT_EQ(told[1].epochs(0), 7U);
  EXPECT_EQ(told[1].actor_names(0), "n2");
  EXPECT_EQ(told[1].why(), "drain");
  EXPECT_EQ(told.back().why(), "initial-reset");
}

TEST_F(GrpcApp, ADeactivationWithoutAnAnswerIsReportedAndEndsNothingElse) {
  streams.behave([](const app::v1::TurnFrame& in, Stream& stream) {
    if (in.deactivations().empty()) stream.Write(applied(in));
    return std::optional<grpc::Status>();
  });
  turn_timeout = std::chrono::milliseconds(300);
  serve(streams);
  expect_next_turn_applied(1);
  adapter->deactivate(ending(8, 1));
  ASSERT_TRUE(run_until([this] { return reports.done.size() == 1; }));
  EXPECT_EQ(reports.forgotten[8].kind, core::Deactivated::Kind::kSilent);
  EXPECT_EQ(reports.restarts, 0);
  expect_next_turn_applied(2);
}

TEST_F(GrpcApp, ATurnsAnswerMayEndTheActivationAndATurnTellsWhoWaitsForIt) {
  std::atomic<bool> told = false;
  streams.behave([&](const app::v1::TurnFrame& in, Stream& stream) {
    app::v1::ResultFrame out = applied(in);
    told = in.turns_size() > 0 && in.turns(0).chain() == "1, 42";
    if (out.results_size() > 0) out.mutable_results(0)->set_deactivate(true);
    stream.Write(out);
    return std::optional<grpc::Status>();
  });
  serve(streams);
  core::StartTurn start = turn(1);
  start.chain = "1, 42";
  adapter->start_turn(start);
  EXPECT_TRUE(answer_of(1).deactivate);
  EXPECT_TRUE(told);
}

TEST_F(GrpcApp, AUnaryAppDoesSoByATrailer) {
  serve(unary);
  expect_next_turn_applied(1);
  EXPECT_FALSE(answer_of(1).deactivate);
  unary.ends = true;
  core::StartTurn start = turn(2);
  start.chain = "1, 42";
  adapter->start_turn(start);
  EXPECT_TRUE(answer_of(2).deactivate);
  EXPECT_EQ(unary.told["ringside-chain"], "1, 42");
}

TEST_F(GrpcApp, AHealthServiceThatKnowsOnlyNamedServicesIsAskedForOurs) {
  for (const char* name : {"ringside.app.v1.ActorHost", "messages.ControlPlane"}) {
    named.known = name;
    serve_with_health(streams);
    expect_next_turn_applied(1);
    named.serving = false;
    ASSERT_TRUE(run_until([this] { return reports.unhealthy == 1; }));
    EXPECT_EQ(reports.down_because, "its health check of the service " + std::string(name) + " says NOT_SERVING");
    named.serving = true;
    ASSERT_TRUE(run_until([this] { return reports.ups == 2; }));
    adapter.reset();
    stop();
    reports = testing::Reports();
  }
}

TEST_F(GrpcApp, AHealthServiceIsAskedForTheNameThatWasChosen) {
  named.known = "shop";
  health_service = "shop";
  serve_with_health(streams);
  expect_next_turn_applied(1);
  named.known = "cart";
  ASSERT_TRUE(run_until([this] { return reports.unhealthy == 1; }));
  EXPECT_NE(reports.down_because.find("asked for: shop; --app-health-service"), std::string::npos)
      << reports.down_because;
}

TEST_F(GrpcApp, AHealthServiceThatKnowsNoNameOfOursIsToldWithTheNames) {
  named.known = "messages.ControlPlane";
  serve_with_health(streams);
  named.known = "cart";
  ASSERT_TRUE(run_until([this] { return reports.unhealthy == 1; }));
  EXPECT_EQ(reports.down_because,
            "its health service knows none of the services that it was asked for: the whole server (an empty name), "
            "ringside.app.v1.ActorHost, messages.ControlPlane; --app-health-service chooses the name");
}

TEST_F(GrpcApp, ADeactivationThatFailedWithoutAReasonIsToldInASentence) {
  streams.behave([](const app::v1::TurnFrame& in, Stream& stream) {
    app::v1::ResultFrame out;
    for (const app::v1::Deactivate& one : in.deactivations()) {
      app::v1::Deactivated* said = out.add_deactivated();
      said->set_seq(one.seq());
      one.ids(0) == 1 ? said->add_not_now(1) : said->add_failed(2);
    }
    stream.Write(out);
    return std::optional<grpc::Status>();
  });
  serve(streams);
  adapter->deactivate(ending(1, 1));
  adapter->deactivate(ending(2, 2));
  ASSERT_TRUE(run_until([this] { return reports.done.size() == 2; }));
  EXPECT_TRUE(reports.forgotten[1].detail.starts_with("Deactivate was answered")) << reports.forgotten[1].detail;
  EXPECT_TRUE(reports.forgotten[2].detail.starts_with("Deactivate was answered")) << reports.forgotten[2].detail;
}

}  // namespace
}  // namespace ringside::adapters
