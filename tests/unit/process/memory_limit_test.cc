#include "sidecar/process/memory_limit.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace ringside::process {
namespace {

class MemoryLimit : public ::testing::Test {
 protected:
  MemoryLimit() { std::filesystem::create_directories(root_); }
  ~MemoryLimit() override { std::filesystem::remove_all(root_); }
  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = root_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::optional<std::size_t> limit() const { return memory_limit(root_ + "/proc", root_ + "/fs"); }
  std::string root_ = ::testing::TempDir() + "ringside-groups";
};

TEST_F(MemoryLimit, VersionTwo) {
  write("proc", "0::/kubepods/pod7/c1\n");
  write("fs/kubepods/pod7/memory.max", "134217728\n");
  write("fs/kubepods/pod7/c1/memory.max", "max\n");
  EXPECT_EQ(limit(), 134217728U);
  write("fs/kubepods/pod7/c1/memory.max", "67108864\n");
  EXPECT_EQ(limit(), 67108864U);
}

TEST_F(MemoryLimit, InsideAContainerItsOwnGroupIsTheRoot) {
  write("proc", "0::/\n");
  write("fs/memory.max", "1000000\n");
  EXPECT_EQ(limit(), 1000000U);
}

TEST_F(MemoryLimit, VersionOne) {
  write("proc", "5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\n");
  write("fs/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(limit(), std::nullopt);
  write("fs/memory/a/memory.limit_in_bytes", "50000000\n");
  EXPECT_EQ(limit(), 50000000U);
}

TEST_F(MemoryLimit, NoneAtAll) { EXPECT_EQ(limit(), std::nullopt); }

}  // namespace
}  // namespace ringside::process
