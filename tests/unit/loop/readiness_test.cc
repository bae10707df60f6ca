#include "sidecar/loop/readiness.h"

#include <array>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sidecar/base/descriptor.h"
#include "sidecar/loop/timer.h"

namespace ringside::loop {
namespace {

using namespace std::chrono_literals;

class ReadinessTest : public ::testing::Test {
 protected:
  ReadinessTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    ours = base::Descriptor(ends[0]);
    theirs = base::Descriptor(ends[1]);
    EXPECT_TRUE(readiness.open(ours.get()));
  }

  void send(const std::string& text) {
    ASSERT_EQ(::write(theirs.get(), text.data(), text.size()), ssize_t(text.size()));
  }
  std::string read(std::size_t most) {
    std::string text(most, '\0');
    const ssize_t got = ::read(ours.get(), text.data(), most);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (text.size() < most) readiness.read_all();
    return text;
  }
  void await() {
    readiness.wait_readable([this] { ++told; });
  }

  Loop loop;
  base::Descriptor ours, theirs;
  Readiness readiness{loop};
  int told = 0;
};

TEST_F(ReadinessTest, TellsWhenThereIsSomethingToRead) {
  await();
  EXPECT_EQ(loop.poll(), 0U);
  send("x");
  loop.run();
  EXPECT_EQ(told, 1);
}

TEST_F(ReadinessTest, TellsOfWhatCameBeforeAnybodyWaited) {
  send("x");
  loop.poll();
  await();
  loop.run();
  EXPECT_EQ(told, 1);
}

TEST_F(ReadinessTest, TellsAgainAsLongAsNotAllIsRead) {
  send("abc");
  await();
  loop.run();
  EXPECT_EQ(read(2), "ab");
  await();
  loop.run();
  EXPECT_EQ(told, 2);
  EXPECT_EQ(read(2), "c");
  await();
  EXPECT_EQ(loop.poll(), 0U);
  send("d");
  loop.run();
  EXPECT_EQ(told, 3);
}

TEST_F(ReadinessTest, TellsOfTheEndThatCameWithTheLastBytes) {
  send("last");
  theirs = base::Descriptor();
  await();
  loop.run();
  EXPECT_EQ(read(100), "last");
  await();
  loop.run();
  EXPECT_EQ(told, 2);
  EXPECT_EQ(read(100), "");
}

TEST_F(ReadinessTest, AsksTheKernelForThoseWhoseReaderDoesNotSay) {
  send("ab");
  await();
  loop.run();
  std::array<char, 100> all;
  ASSERT_EQ(::read(ours.get(), all.data(), 1), 1);
  readiness.look_again();
  await();
  loop.run();
  EXPECT_EQ(told, 2);
  ASSERT_EQ(::read(ours.get(), all.data(), 1), 1);
  readiness.look_again();
  await();
  EXPECT_EQ(loop.poll(), 0U);
}

TEST_F(ReadinessTest, TellsWhenThereIsRoomToWrite) {
  const std::string much(1 << 20, 'x');
  while (::write(ours.get(), much.data(), much.size()) > 0) {
  }
  int writable = 0;
  readiness.wait_writable([&] { ++writable; });
  EXPECT_EQ(loop.poll(), 0U);
  std::string sink(1 << 20, '\0');
  while (::read(theirs.get(), sink.data(), sink.size()) > 0) {
  }
  loop.run();
  EXPECT_EQ(writable, 1);
  // What the other end reads is of no interest any more.
  EXPECT_GT(::write(ours.get(), "x", 1), 0);
  loop.poll();
  EXPECT_GT(::read(theirs.get(), sink.data(), sink.size()), 0);
  EXPECT_EQ(loop.poll(), 0U);
}

TEST_F(ReadinessTest, AClosedOneTellsNobodyEvenInTheSameIteration) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  base::Descriptor other_ours(ends[0]), other_theirs(ends[1]);
  auto other = std::make_unique<Readiness>(loop);
  ASSERT_TRUE(other->open(other_ours.get()));
  int heard = 0;
  // Whichever is told first closes the other.
  readiness.wait_readable([&] {
    ++heard;
    other.reset();
  });
  other->wait_readable([&] {
    ++heard;
    readiness.close();
  });
  send("x");
  ASSERT_EQ(::write(other_theirs.get(), "x", 1), 1);
  loop.run();
  EXPECT_EQ(heard, 1);
}

TEST_F(ReadinessTest, ANumberThatIsUsedAgainIsAnotherDescriptor) {
  await();
  send("x");
  readiness.close();
  const int number = ours.get();
  ours = base::Descriptor();
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  ASSERT_EQ(ends[0], number);
  ours = base::Descriptor(ends[0]);
  theirs = base::Descriptor(ends[1]);
  ASSERT_TRUE(readiness.open(ours.get()));
  await();
  EXPECT_EQ(loop.poll(), 0U);
  EXPECT_EQ(told, 0);
}

TEST_F(ReadinessTest, ReleasedItTellsNothingAndStaysOpen) {
  await();
  readiness.release();
  send("x");
  EXPECT_EQ(loop.poll(), 0U);
  std::array<char, 10> got;
  EXPECT_EQ(::read(ours.get(), got.data(), got.size()), 1);
}

TEST_F(ReadinessTest, MovesWithTheOneWhoWaits) {
  await();
  Readiness moved = std::move(readiness);
  EXPECT_FALSE(readiness.is_open());
  send("x");
  loop.run();
  EXPECT_EQ(told, 1);
}

TEST_F(ReadinessTest, AWaitForAClosedOneNeverEnds) {
  const auto kept = std::make_shared<int>();
  readiness.close();
  readiness.wait_readable([kept] { ADD_FAILURE(); });
  readiness.wait_writable([kept] { ADD_FAILURE(); });
  readiness.read_all();
  loop.post([] {});
  loop.run();
  EXPECT_EQ(kept.use_count(), 1);
}

TEST(Readiness, WhatTheKernelDoesNotTakeIsSaid) {
  Loop loop;
  Readiness readiness(loop);
  EXPECT_FALSE(readiness.open(-1));
  EXPECT_FALSE(readiness.is_open());
}

}  // namespace
}  // namespace ringside::loop
