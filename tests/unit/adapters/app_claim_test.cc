#include "adapters/app_claim.h"

#include <unistd.h>

#include "tests/unit/net/net_test_support.h"

namespace ringside::adapters {
namespace {

class Claims : public net::testing::LoopTest {};

TEST_F(Claims, TheSecondWaitsForTheFirstOnesEndAndHearsWhoItIs) {
  const net::Endpoint app = net::testing::unused_endpoint();
  auto first = std::make_unique<AppClaim>(loop, app);
  int held = 0;
  first->take([&] { ++held; }, [](const std::string&) { ADD_FAILURE(); });
  EXPECT_EQ(held, 1);
  AppClaim second(loop, app);
  std::string holder;
  second.take([&] { ++held; }, [&](const std::string& by) { holder = by; });
  EXPECT_EQ(holder, "another sidecar (process " + std::to_string(::getpid()) + ")");
  settle();
  EXPECT_EQ(held, 1);
  first.reset();
  EXPECT_TRUE(run_until([&] { return held == 2; }));
}

TEST_F(Claims, OfManyThatWaitOneGetsIt) {
  const net::Endpoint app = net::testing::unused_endpoint();
  auto first = std::make_unique<AppClaim>(loop, app);
  first->take([] {}, [](const std::string&) {});
  int held = 0;
  std::vector<std::unique_ptr<AppClaim>> others;
  for (int i = 0; i < 5; ++i) {
    others.push_back(std::make_unique<AppClaim>(loop, app));
    others.back()->take([&] { ++held; }, [](const std::string&) {});
  }
  first.reset();
  EXPECT_TRUE(run_until([&] { return held == 1; }));
  settle();
  EXPECT_EQ(held, 1);
}

TEST(ClaimNames, OneAppHasOneNameHoweverItIsSpelt) {
  EXPECT_EQ(claim_name({"localhost", 80, ""}), claim_name({"127.0.0.1", 80, ""}));
  EXPECT_EQ(claim_name({"::1", 80, ""}), claim_name({"127.0.0.1", 80, ""}));
  EXPECT_NE(claim_name({"127.0.0.1", 80, ""}), claim_name({"127.0.0.1", 81, ""}));
  EXPECT_NE(claim_name({"10.0.0.1", 80, ""}), claim_name({"10.0.0.2", 80, ""}));
  EXPECT_EQ(claim_name({"", 0, "/tmp/../tmp/a.sock"}), claim_name({"", 0, "/tmp/a.sock"}));
  EXPECT_LT(claim_name({"", 0, std::string(100, 'x')}).size(), 108U) << "sun_path";
}

}  // namespace
}  // namespace ringside::adapters
