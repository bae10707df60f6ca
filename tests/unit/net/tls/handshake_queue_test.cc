#include "sidecar/net/tls/handshake_queue.h"

#include <gtest/gtest.h>

#include "tests/unit/net/net_test_support.h"

namespace ringside::net {
namespace {

class HandshakeQueueTest : public testing::LoopTest {
 protected:
  HandshakeQueue::Ticket enter(const std::string& address, bool known = false) {
    return queue->enter(address, known, [this, address] { begun.push_back(address); });
  }
  std::size_t begun_of(const std::string& address) const {
    return static_cast<std::size_t>(std::count(begun.begin(), begun.end(), address));
  }

  std::shared_ptr<HandshakeQueue> queue = std::make_shared<HandshakeQueue>(loop);
  std::vector<std::string> begun;
  std::vector<HandshakeQueue::Ticket> tickets;
};

TEST_F(HandshakeQueueTest, OneAddressHasItsPartAndOthersBeginBesideIt) {
  for (int i = 0; i < 100; ++i) tickets.push_back(enter("10.0.0.9"));
  const auto other = enter("10.0.0.7");
  EXPECT_TRUE(begun.empty()) << "never inside enter()";
  settle();
  EXPECT_EQ(begun_of("10.0.0.9"), HandshakeQueue::kAtOnceOfAnAddress);
  EXPECT_EQ(begun_of("10.0.0.7"), 1u);
}

TEST_F(HandshakeQueueTest, WhoWaitsBeginsWhenAPlaceIsFree) {
  for (std::size_t i = 0; i < HandshakeQueue::kAtOnceOfAnAddress + 2; ++i) tickets.push_back(enter("10.0.0.9"));
  settle();
  tickets.erase(tickets.end() - 2);  // the first of the two that wait gives up
  tickets.erase(tickets.begin());
  settle();
  EXPECT_EQ(begun_of("10.0.0.9"), HandshakeQueue::kAtOnceOfAnAddress + 1);
  tickets.clear();
  for (int i = 0; i < 5; ++i) tickets.push_back(enter("10.0.0.9"));
  settle();
  EXPECT_EQ(begun_of("10.0.0.9"), HandshakeQueue::kAtOnceOfAnAddress + 6);
}

TEST_F(HandshakeQueueTest, AddressesTakeTurnsAtThePlacesThatGetFree) {
  for (int address = 0; address < 4; ++address) {
    for (std::size_t i = 0; i < HandshakeQueue::kAtOnceOfAnAddress; ++i) {
      tickets.push_back(enter("10.0.1." + std::to_string(address)));
    }
  }
  settle();
  ASSERT_EQ(begun.size(), HandshakeQueue::kAtOnce);
  std::vector<HandshakeQueue::Ticket> later;
  for (int i = 0; i < 3; ++i) later.push_back(enter("10.0.0.9"));
  later.push_back(enter("10.0.0.7"));
  tickets.resize(tickets.size() - 2);
  settle();
  EXPECT_EQ(begun_of("10.0.0.9"), 1u);
  EXPECT_EQ(begun_of("10.0.0.7"), 1u) << "not behind all of the one that came before";
  later.erase(later.begin() + 1, later.begin() + 3);  // the others of it go, and nothing is left of them
  tickets.clear();
  settle();
  EXPECT_EQ(begun_of("10.0.0.9"), 1u);
}

TEST_F(HandshakeQueueTest, StrangersKeepNobodyKnownWaiting) {
  for (int i = 0; i < 200; ++i) tickets.push_back(enter("10.0.1." + std::to_string(i)));
  settle();
  EXPECT_EQ(begun.size(), HandshakeQueue::kAtOnce);
  const auto member = enter("10.0.0.7", true);
  settle();
  EXPECT_EQ(begun_of("10.0.0.7"), 1u);
}

TEST_F(HandshakeQueueTest, AFewStepsRunInOneIterationAndThoseOfTheKnownFirst) {
  const auto alive = std::make_shared<int>();
  std::string ran;
  for (int i = 0; i < 5; ++i) queue->step(alive, false, [&] { ran += 's'; });
  auto gone = std::make_shared<int>();
  queue->step(gone, true, [&] { ran += 'x'; });
  gone.reset();
  for (int i = 0; i < 3; ++i) queue->step(alive, true, [&] { ran += 'k'; });
  loop.run_once({});
  EXPECT_EQ(ran, "kk");
  loop.run_once({});
  EXPECT_EQ(ran, "kkks");
  settle();
  EXPECT_EQ(ran, "kkksssss");
}

}  // namespace
}  // namespace ringside::net
