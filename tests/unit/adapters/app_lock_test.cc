#include "adapters/app_lock.h"

#include <unistd.h>

#include "tests/unit/net/net_test_support.h"

namespace ringside::adapters {
namespace {

class AppLockTest : public net::testing::LoopTest {};

TEST_F(AppLockTest, TheSecondWaitsForTheFirstOnesEndAndHearsWhoItIs) {
  const net::Endpoint app = net::testing::unused_endpoint();
  auto first = std::make_unique<AppLock>(loop, app);
  int held = 0;
  first->take([&] { ++held; }, [](const std::string&) { ADD_FAILURE(); });
  EXPECT_EQ(held, 1);
  AppLock second(loop, app);
  std::string holder;
  second.take([&] { ++held; }, [&](const std::string& by) { holder = by; });
  EXPECT_EQ(holder, "another sidecar (process " + std::to_string(::getpid()) + ")");
  settle();
  EXPECT_EQ(held, 1);
  first.reset();
  EXPECT_TRUE(run_until([&] { return held == 2; }));
}

TEST_F(AppLockTest, OfManyThatWaitOneGetsIt) {
  const net::Endpoint app = net::testing::unused_endpoint();
  auto first = std::make_unique<AppLock>(loop, app);
  first->take([] {}, [](const std::string&) {});
  int held = 0;
  std::vector<std::unique_ptr<AppLock>> others;
  for (int i = 0; i < 5; ++i) {
    others.push_back(std::make_unique<AppLock>(loop, app));
    others.back()->take([&] { ++held; }, [](const std::string&) {});
  }
  first.reset();
  EXPECT_TRUE(run_until([&] { return held == 1; }));
  settle();
  EXPECT_EQ(held, 1);
}

TEST(AppLockNames, OneAppHasOneNameHoweverItIsSpelt) {
  EXPECT_EQ(lock_name({"localhost", 80, ""}), lock_name({"127.0.0.1", 80, ""}));
  EXPECT_EQ(lock_name({"::1", 80, ""}), lock_name({"127.0.0.1", 80, ""}));
  EXPECT_NE(lock_name({"127.0.0.1", 80, ""}), lock_name({"127.0.0.1", 81, ""}));
  EXPECT_NE(lock_name({"10.0.0.1", 80, ""}), lock_name({"10.0.0.2", 80, ""}));
  EXPECT_EQ(lock_name({"", 0, "/tmp/../tmp/a.sock"}), lock_name({"", 0, "/tmp/a.sock"}));
  EXPECT_LT(lock_name({"", 0, std::string(100, 'x')}).size(), 108U) << "sun_path";
}

}  // namespace
}  // namespace ringside::adapters
