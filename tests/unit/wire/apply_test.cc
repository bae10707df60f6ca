#include "sidecar/wire/apply.h"

#include <gtest/gtest.h>
#include <messages/control_plane.pb.h>

#include "sidecar/wire/outcome.h"

namespace ringside::wire {
namespace {

using core::Outcome;
using core::Reason;

messages::ApplyRequest batch(core::ActorId id, int count) {
  messages::ApplyRequest request;
  request.set_id(id.value());
  for (int i = 0; i < count; ++i) {
    auto* any = request.add_messages();
    any->set_type_url("type.googleapis.com/test.Thing");
    any->set_value("x");
  }
  return request;
}

Reason refusal(const std::string& bytes, std::size_t limit = 1 << 20) {
  const auto id = check_apply(bytes, limit);
  if (id) return Reason::kNone;
  EXPECT_EQ(id.error().outcome, Outcome::kInvalid);
  return id.error().reason;
}

TEST(CheckApply, Accepts) {
  const auto id = check_apply(batch(42, 3).SerializeAsString(), 1 << 20);
  ASSERT_TRUE(id);
  EXPECT_EQ(*id, core::ActorId(42));
  EXPECT_TRUE(check_apply(batch(42, 0).SerializeAsString(), 1 << 20, Messages::kNotNeeded));
}

TEST(CheckApply, TheAddressMayNameTheActorForTheBatch) {
  const std::string unnamed = batch(0, 1).SerializeAsString();
  const auto named = check_apply_to(42, unnamed, 1 << 20);
  ASSERT_TRUE(named);
  EXPECT_EQ(*check_apply(*named, 1 << 20), core::ActorId(42));
  EXPECT_EQ(*check_apply_to(42, batch(42, 1).SerializeAsString(), 1 << 20), batch(42, 1).SerializeAsString());
  EXPECT_EQ(check_apply_to(42, batch(41, 1).SerializeAsString(), 1 << 20).error().reason, Reason::kBadId);
  EXPECT_EQ(check_apply_to(42, "", 1 << 20).error().reason, Reason::kNoMessages);
}

TEST(CheckApply, Refuses) {
  EXPECT_EQ(refusal(batch(0, 1).SerializeAsString()), Reason::kBadId);
  EXPECT_EQ(refusal(batch(1, 0).SerializeAsString()), Reason::kNoMessages);
  EXPECT_EQ(refusal(batch(1, static_cast<int>(kMaxMessagesPerBatch) + 1).SerializeAsString()),
            Reason::kTooManyMessages);
  EXPECT_EQ(refusal(batch(1, 100).SerializeAsString(), 100), Reason::kTooLarge);
  messages::ApplyRequest untyped = batch(1, 1);
  untyped.mutable_messages(0)->clear_type_url();
  EXPECT_EQ(refusal(untyped.SerializeAsString()), Reason::kBadType);
  const std::string whole = batch(1, 2).SerializeAsString();
  for (std::size_t size = 3; size < whole.size(); ++size) {
    const Reason reason = refusal(whole.substr(0, size));
    EXPECT_TRUE(reason == Reason::kMalformed || size == 2 + (whole.size() - 2) / 2) << size;
  }
  EXPECT_EQ(refusal("\xff\xff\xff\xff"), Reason::kMalformed);
}

// An application reads the message as a part of a frame, and ends all of its actors when it cannot read that.
TEST(CheckApply, RefusesWhatAFrameAroundItCouldNotBeReadWith) {
  messages::ApplyRequest request = batch(1, 1);
  request.mutable_messages(0)->set_type_url("x/\xff");
  EXPECT_EQ(refusal(request.SerializeAsString()), Reason::kBadType);
  // Once is enough, though the last one counts.
  EXPECT_EQ(refusal("\x08\x01\x12\x08\x0a\x01\xff\x0a\x03"
                    "a/b"),
            Reason::kBadType);

  const auto with_groups = [](int depth) {
    const std::string groups =
        std::string(static_cast<std::size_t>(depth), '\x1b') + std::string(static_cast<std::size_t>(depth), '\x1c');
    const std::string any =
        "\x0a\x03"
        "a/b" +
        groups;  // of two bytes of length
    return std::string("\x08\x01\x12") + static_cast<char>(any.size() % 128 | 128) +
           static_cast<char>(any.size() / 128) + any;
  };
  EXPECT_EQ(refusal(with_groups(80)), Reason::kNone);
  EXPECT_EQ(refusal(with_groups(97)), Reason::kMalformed);
}

TEST(Outcomes, TravelInTrailers) {
  for (const Outcome outcome : {Outcome::kNotDelivered, Outcome::kOverloaded, Outcome::kExpired, Outcome::kInvalid}) {
    core::Answer sent = core::Answer::failed(outcome, Reason::kDeadline, "so it is");
    sent.holder = "10.0.0.7";
    const core::Answer got = read_answer(grpc_status(sent), message(sent), grpc_trailers(sent), "");
    EXPECT_EQ(got.outcome, outcome);
    EXPECT_EQ(got.reason, Reason::kDeadline);
    EXPECT_EQ(got.detail, "so it is");
    EXPECT_EQ(got.holder, "10.0.0.7");
  }
}

TEST(Outcomes, WhatARefusalSaysTravelsBesideItsReply) {
  const core::Answer sent = core::Answer::failed(Outcome::kRefused, Reason::kAppRefused, "it answered caf\xc3\xa9");
  const std::string not_accepted;
  const core::Answer got = read_answer(grpc_status(sent), message(sent), grpc_trailers(sent), not_accepted);
  EXPECT_EQ(got.outcome, Outcome::kRefused);
  EXPECT_EQ(got.reason, Reason::kAppRefused);
  EXPECT_EQ(got.detail, sent.detail);
  const core::Answer legacy = read_answer(net::GrpcStatus::kOk, "", {}, not_accepted);
  EXPECT_EQ(legacy.outcome, Outcome::kRefused);
  EXPECT_EQ(legacy.detail, "");
}

TEST(Outcomes, WhatIsNoResultPromisesNothing) {
  messages::ApplyResult result;
  result.set_accepted(true);
  result.add_replies()->set_type_url("type.googleapis.com/test.Thing");
  const std::string whole = result.SerializeAsString();
  const auto read = [](const std::string& body) { return read_answer(net::GrpcStatus::kOk, "", {}, body); };
  EXPECT_EQ(read(whole).outcome, Outcome::kApplied);
  EXPECT_EQ(read(whole).serialized(), whole);
  // Cut within the reply, within the reply's own text, and a text that is not UTF-8.
  for (const std::string& bad : {whole.substr(0, whole.size() - 1), std::string("\x08\x01\xc2\x3e\x02\x0a\x05", 7),
                                 std::string("\x08\x01\xc2\x3e\x03\x0a\x01\xff", 8)}) {
    EXPECT_EQ(read(bad).reason, Reason::kPeerError);
    EXPECT_FALSE(messages::ApplyResult().ParseFromString(bad)) << "protobuf refuses the same";
  }
}

TEST(Outcomes, WithoutTheTrailerNothingIsPromised) {
  EXPECT_EQ(read_answer(net::GrpcStatus::kUnavailable, "gone", {}, "").outcome, Outcome::kUnknown);
  EXPECT_EQ(read_answer(net::GrpcStatus::kDeadlineExceeded, "", {{"ringside-outcome", "applied"}}, "").outcome,
            Outcome::kUnknown);
}

}  // namespace
}  // namespace ringside::wire
