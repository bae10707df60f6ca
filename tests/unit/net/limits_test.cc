// What the machine allows this process, and how it is divided.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "sidecar/net/descriptor_shares.h"
#include "sidecar/net/memory_limit.h"

namespace ringside::net {
namespace {

TEST(Descriptors, EverySharesSumIsWithinTheLimit) {
  for (const std::size_t limit : {150U, 256U, 1024U, 4096U, 65536U, 1048576U}) {
    const DescriptorShares shares = share_descriptors(limit, 20);
    const std::size_t sum = shares.admin + shares.peer + shares.local + 4 * shares.bridges + shares.app +
                            std::min<std::size_t>(shares.app / 2 + 1, 256);  // those to other hosts
    EXPECT_LE(sum + 20, limit) << limit;
    EXPECT_GE(shares.local, shares.peer / 2) << limit;
  }
  EXPECT_EQ(share_descriptors(1048576, 20).local, 10'000U);
  // However little there is, nobody is left without.
  const DescriptorShares least = share_descriptors(10, 20);
  for (const std::size_t share : {least.admin, least.peer, least.local, least.bridges, least.app}) EXPECT_GE(share, 2U);
}

class Groups : public ::testing::Test {
 protected:
  Groups() { std::filesystem::create_directories(root_); }
  ~Groups() override { std::filesystem::remove_all(root_); }
  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = root_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::optional<std::size_t> limit() const { return memory_limit(root_ + "/proc", root_ + "/fs"); }
  std::string root_ = ::testing::TempDir() + "ringside-groups";
};

TEST_F(Groups, VersionTwo) {
  write("proc", "0::/kubepods/pod7/c1\n");
  write("fs/kubepods/pod7/memory.max", "134217728\n");
  write("fs/kubepods/pod7/c1/memory.max", "max\n");
  EXPECT_EQ(limit(), 134217728U);
  write("fs/kubepods/pod7/c1/memory.max", "67108864\n");
  EXPECT_EQ(limit(), 67108864U);
}

TEST_F(Groups, InsideAContainerItsOwnGroupIsTheRoot) {
  write("proc", "0::/\n");
  write("fs/memory.max", "1000000\n");
  EXPECT_EQ(limit(), 1000000U);
}

TEST_F(Groups, VersionOne) {
  write("proc", "5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\n");
  write("fs/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(limit(), std::nullopt);
  write("fs/memory/a/memory.limit_in_bytes", "50000000\n");
  EXPECT_EQ(limit(), 50000000U);
}

TEST_F(Groups, NoneAtAll) { EXPECT_EQ(limit(), std::nullopt); }

}  // namespace
}  // namespace ringside::net
