#include "sidecar/base/descriptor.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace ringside::base {
namespace {

int opened() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool is_open(int number) { return ::fcntl(number, F_GETFD) != -1; }

TEST(Descriptor, IsClosedWithItsOwner) {
  const int number = opened();
  {
    const Descriptor owner(number);
    EXPECT_TRUE(owner);
    EXPECT_EQ(owner.get(), number);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(Descriptor, OfAFailedCallIsNone) {
  const Descriptor failed(::open("/nowhere/at/all", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(failed);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_FALSE(Descriptor());
}

TEST(Descriptor, HasOneOwnerAtATime) {
  const int first = opened();
  const int second = opened();
  Descriptor owner(first);
  Descriptor other(second);
  owner = std::move(other);
  EXPECT_FALSE(is_open(first)) << "it is closed where another one takes its place";
  EXPECT_EQ(owner.get(), second);
  {
    const Descriptor last = std::move(owner);
    EXPECT_TRUE(is_open(second));
  }
  EXPECT_FALSE(is_open(second));
}

TEST(Descriptor, MayBeGivenAway) {
  Descriptor owner(opened());
  const int number = owner.release();
  EXPECT_FALSE(owner);
  owner = Descriptor();
  EXPECT_TRUE(is_open(number));
  ::close(number);
}

}  // namespace
}  // namespace ringside::base
