#include "sidecar/base/lifetime.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ringside::base {
namespace {

// Makes callbacks that others keep.
class Owner {
 public:
  explicit Owner(std::vector<std::string>& seen) : seen_(seen) {}
  auto callback() {
    return life_.bind([this](const std::string& word) { seen_.push_back(word); });
  }
  auto move_only(std::unique_ptr<std::string> word) {
    return life_.bind([this, word = std::move(word)] { seen_.push_back(*word); });
  }

 private:
  std::vector<std::string>& seen_;
  Lifetime life_;
};

TEST(Lifetime, ACallbackOfALivingObjectRuns) {
  std::vector<std::string> seen;
  Owner owner(seen);
  owner.callback()("a");
  owner.move_only(std::make_unique<std::string>("b"))();
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b"}));
}

TEST(Lifetime, AfterItsEndNothingRuns) {
  std::vector<std::string> seen;
  auto owner = std::make_unique<Owner>(seen);
  std::function<void(const std::string&)> kept = owner->callback();
  kept("a");
  owner.reset();
  kept("b");
  EXPECT_EQ(seen, std::vector<std::string>{"a"});
}

TEST(Lifetime, ACallbackMayEndItsOwnObject) {
  std::vector<std::string> seen;
  struct Ends {
    Lifetime life;
  };
  auto owner = std::make_unique<Ends>();
  auto end = owner->life.bind([&] {
    owner.reset();
    seen.emplace_back("ended");
  });
  end();
  end();
  EXPECT_EQ(seen, std::vector<std::string>{"ended"});
}

}  // namespace
}  // namespace ringside::base
