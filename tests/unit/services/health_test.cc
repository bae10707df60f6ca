#include "sidecar/services/health.h"

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/net/net_fixture.h"

namespace ringside::services {
namespace {

constexpr char kCheck[] = "/grpc.health.v1.Health/Check";
constexpr char kWatch[] = "/grpc.health.v1.Health/Watch";
// As they stand on the wire.
const std::string kServing("\x08\x01", 2);
const std::string kNotServing("\x08\x02", 2);
const std::string kServiceUnknown("\x08\x03", 2);
const std::string kAsksForCarts(
    "\x0a\x05"
    "carts");

class HealthService : public net::testing::ListenerTest {
 protected:
  struct Watch {
    std::shared_ptr<net::ClientStream> stream;
    std::vector<std::string> replies;
    std::optional<net::CallResult> result;
  };

  void SetUp() override {
    auto methods = std::make_shared<net::MethodTable>();
    health_.add_methods(*methods);
    health_.set_serving("", true);
    listener_ = net::testing::serve(loop, net::testing::on_loopback({.methods = std::move(methods)}));
  }

  std::shared_ptr<Watch> watch(const std::string& request) {
    auto watch = std::make_shared<Watch>();
    net::StreamHandlers handlers;
    handlers.on_message = [watch](std::string message) { watch->replies.push_back(std::move(message)); };
    handlers.on_finish = [watch](net::CallResult result) { watch->result = std::move(result); };
    watch->stream = channel().stream(kWatch, {}, {}, std::move(handlers));
    watch->stream->send(request);
    watch->stream->half_close();
    EXPECT_TRUE(run_until([&] { return !watch->replies.empty() || watch->result; }));
    return watch;
  }

  Health health_;
};

TEST_F(HealthService, CheckSaysHowItIs) {
  EXPECT_EQ(call(kCheck, "").body, kServing);
  health_.set_serving("", false);
  EXPECT_EQ(call(kCheck, "").body, kNotServing);
  EXPECT_EQ(call(kCheck, kAsksForCarts).status, net::GrpcStatus::kNotFound);
  health_.set_serving("carts", true);
  EXPECT_EQ(call(kCheck, kAsksForCarts).body, kServing);
}

TEST_F(HealthService, WatchSaysItAtOnceAndAtEveryChange) {
  const auto all = watch("");
  const auto carts = watch(kAsksForCarts);
  health_.set_serving("", true);  // no change
  health_.set_serving("carts", false);
  health_.set_serving("", false);
  health_.set_serving("", true);
  ASSERT_TRUE(run_until([&] { return all->replies.size() == 3 && carts->replies.size() == 2; }));
  EXPECT_EQ(all->replies, (std::vector<std::string>{kServing, kNotServing, kServing}));
  EXPECT_EQ(carts->replies, (std::vector<std::string>{kServiceUnknown, kNotServing}));
}

TEST_F(HealthService, WatchEndsWithItsClientAndWithTheHost) {
  const auto gone = watch("");
  gone->stream->cancel();
  const auto watched = watch("");
  health_.set_serving("", false);
  ASSERT_TRUE(run_until([&] { return watched->replies.size() == 2; }));
  EXPECT_EQ(gone->replies.size(), 1U);
  health_.stop();
  EXPECT_EQ(await(watched->result).status, net::GrpcStatus::kUnavailable);
  EXPECT_EQ(watch("")->result->status, net::GrpcStatus::kUnavailable);
  EXPECT_EQ(call(kCheck, "").body, kNotServing) << "Check goes on until the listener ends";
}

TEST_F(HealthService, WatchersAreBounded) {
  std::vector<std::shared_ptr<Watch>> watchers;
  while (watchers.size() < 100) watchers.push_back(watch(""));
  for (const auto& one : watchers) ASSERT_FALSE(one->result);
  EXPECT_EQ(watch("")->result->status, net::GrpcStatus::kResourceExhausted);
  EXPECT_EQ(call(kCheck, "").body, kServing);
}

TEST_F(HealthService, MalformedAndTooLargeRequestsAreRefused) {
  EXPECT_EQ(call(kCheck, "\x0a\x05").status, net::GrpcStatus::kInvalidArgument);
  EXPECT_EQ(watch("\x0a\x05")->result->status, net::GrpcStatus::kInvalidArgument);
  EXPECT_EQ(call(kCheck, std::string(2000, 'x')).status, net::GrpcStatus::kResourceExhausted);
}

TEST_F(HealthService, MetadataNearTheLimitPasses) {
  EXPECT_EQ(call(kCheck, "", {{"big", std::string(15'000, 'h')}, {"x-bin", "AAEC"}}).body, kServing);
  EXPECT_EQ(call(kCheck, "", {{"big", std::string(17'000, 'h')}}).status, net::GrpcStatus::kResourceExhausted);
}

TEST_F(HealthService, ADrainCutsWatchersAtItsBound) {
  const auto watched = watch("");
  std::optional<std::size_t> cut;
  listener_->drain(std::chrono::milliseconds(300), [&cut](std::size_t n) { cut = n; });
  ASSERT_TRUE(run_until([&] { return cut && watched->result; }));
  EXPECT_EQ(*cut, 1U);
  EXPECT_TRUE(watched->result->reset);
}

}  // namespace
}  // namespace ringside::services
