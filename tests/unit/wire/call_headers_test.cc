#include "sidecar/wire/call_headers.h"

#include <gtest/gtest.h>

#include "sidecar/wire/actor_id.h"
#include "sidecar/wire/outcome.h"

namespace ringside::wire {
namespace {

using namespace std::chrono_literals;
using core::Reason;

constexpr TimeoutLimits kLimits{10s, 5min};
constexpr core::Instant kNow{core::Duration{1'000'000}};
constexpr char kTrace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

struct Read {
  core::Call call;
  Reason refusal = Reason::kNone;
  std::string detail;
};
Read read(const net::Metadata& headers) {
  Read out;
  if (auto done = read_http_call(headers, kLimits, kNow, core::Call())) {
    out.call = std::move(*done);
  } else {
    out.refusal = done.error().reason;
    out.detail = done.error().detail;
  }
  return out;
}

TEST(CallHeaders, Deadlines) {
  EXPECT_EQ(read({}).call.deadline, kNow + 10s);
  EXPECT_EQ(read({{"ringside-timeout", "500ms"}}).call.deadline, kNow + 500ms);
  EXPECT_EQ(read({{"ringside-timeout", "2h"}}).call.deadline, kNow + 5min);
  for (const char* bad : {"", "0s", "-1s", "5", "soon", "99999999999999999999h", "1e3s", "10001h"}) {
    EXPECT_EQ(read({{"ringside-timeout", bad}}).refusal, Reason::kBadDeadline) << bad;
  }
  EXPECT_EQ(read({{"ringside-timeout", "1s"}, {"ringside-timeout", "2s"}}).refusal, Reason::kBadDeadline);
}

TEST(CallHeaders, ARefusalShowsWhatWasGiven) {
  const auto detail = [](const net::Metadata& headers) { return read(headers).detail; };
  EXPECT_EQ(detail({{"ringside-timeout", "30"}}),
            "ringside-timeout: \"30\" is not a duration above zero with a unit, such as 500ms, 30s or 5m");
  EXPECT_EQ(detail({{"ringside-idempotent", "yes\xff"}}), "ringside-idempotent: \"yes?\" is neither true nor false");
  EXPECT_EQ(detail({{"ringside-timeout", "1s"}, {"ringside-timeout", "2s"}}),
            "ringside-timeout is given more than once");
  EXPECT_EQ(detail({{"idempotency-key", std::string(300, 'k')}}),
            "idempotency-key: \"" + std::string(60, 'k') + "...\" is not 1 to 256 ASCII characters");
  EXPECT_EQ(detail({{"ringside-chain", "41"}}).substr(0, 22), "ringside-chain: \"41\" i");
}

TEST(CallHeaders, GrpcDeadlines) {
  const auto read = [](std::optional<core::Duration> left) {
    return read_grpc_call({}, left, kLimits, kNow, core::Call());
  };
  EXPECT_EQ(read(std::nullopt)->deadline, kNow + 10s);
  EXPECT_EQ(read(core::Duration::max())->deadline, kNow + 5min);
  const auto late = read(core::Duration{0});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().outcome, core::Outcome::kExpired);
}

TEST(CallHeaders, Idempotency) {
  const Read got = read({{"idempotency-key", "k1"}, {"ringside-idempotent", "true"}});
  EXPECT_EQ(got.call.idempotency_key, "k1");
  EXPECT_TRUE(got.call.idempotent);
  EXPECT_FALSE(read({{"ringside-idempotent", "false"}}).call.idempotent);
  EXPECT_EQ(read({{"ringside-idempotent", "yes"}}).refusal, Reason::kMalformed);
  EXPECT_EQ(read({{"idempotency-key", ""}}).refusal, Reason::kMalformed);
  EXPECT_EQ(read({{"idempotency-key", std::string(300, 'k')}}).refusal, Reason::kMalformed);
}

TEST(CallHeaders, TheChainOfATurn) {
  EXPECT_EQ(read({{"ringside-chain", "41:5f3a09c1,97:0b77e1d2"}}).call.chain, "41:5f3a09c1,97:0b77e1d2");
  EXPECT_EQ(read({}).call.chain, "");
  for (const char* wrong : {"", "41", "41:5f3a09c1,", "forty-one"}) {
    EXPECT_EQ(read({{"ringside-chain", wrong}}).refusal, Reason::kMalformed) << wrong;
  }
}

TEST(CallHeaders, TraceContext) {
  const Read got = read({{"traceparent", kTrace}, {"tracestate", "a=1"}, {"tracestate", "b=2"}});
  EXPECT_EQ(got.call.traceparent, kTrace);
  EXPECT_EQ(got.call.tracestate, "a=1,b=2");
  for (const char* bad : {"", "00-0af7", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                          "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}) {
    const Read none = read({{"traceparent", bad}, {"tracestate", "a=1"}});
    EXPECT_EQ(none.call.traceparent, "") << bad;
    EXPECT_EQ(none.call.tracestate, "") << bad;
    EXPECT_EQ(none.refusal, Reason::kNone) << bad;
  }
}

TEST(CallHeaders, OnlyAsciiGoesOn) {
  EXPECT_EQ(read({{"idempotency-key", "\xff\xfe"}}).refusal, Reason::kMalformed);
  EXPECT_EQ(read({{"idempotency-key", "a\tb"}}).refusal, Reason::kMalformed);
  EXPECT_EQ(read({{"idempotency-key", "a b~"}}).call.idempotency_key, "a b~");
  const std::string later = "01" + std::string(kTrace).substr(2);
  EXPECT_EQ(read({{"traceparent", later + "-x"}}).call.traceparent, later + "-x");
  EXPECT_EQ(read({{"traceparent", later + "-\xc3"}}).call.traceparent, "");
  const Read state = read({{"traceparent", kTrace}, {"tracestate", "a=\xc3"}});
  EXPECT_EQ(state.call.traceparent, kTrace);
  EXPECT_EQ(state.call.tracestate, "");
}

TEST(CallHeaders, NamesOfActorsFromOtherHosts) {
  const auto refusal = [](const std::string& name) {
    const auto read = read_grpc_call({{std::string(kActorNameHeader), net::encode_bin(name)}}, std::nullopt, kLimits,
                                     kNow, core::Call());
    return read ? Reason::kNone : read.error().reason;
  };
  EXPECT_EQ(refusal("caf\xc3\xa9"), Reason::kNone);
  EXPECT_EQ(refusal("caf\xc3"), Reason::kBadId);
  EXPECT_EQ(refusal(std::string(kMaxActorName + 1, 'x')), Reason::kBadId);
}

}  // namespace
}  // namespace ringside::wire
