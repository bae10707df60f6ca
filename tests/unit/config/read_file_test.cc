#include "sidecar/config/read_file.h"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringside::config {
namespace {

std::string in_folder(const std::string& name) { return ::testing::TempDir() + "ringside-read-file-" + name; }

TEST(ReadFile, AllOfAFile) {
  const std::string path = in_folder("text");
  std::ofstream(path) << "drain-timeout = \"7s\"\n";
  EXPECT_EQ(*read_file(path, 1 << 20), "drain-timeout = \"7s\"\n");
  std::ofstream(path) << std::string((1 << 20) + 1, 'x');
  EXPECT_EQ(read_file(path, 1 << 20).error(), "it is larger than 1 MiB");
  ::unlink(path.c_str());
  EXPECT_EQ(read_file(path, 1 << 20).error(), "No such file or directory");
}

TEST(ReadFile, WaitsForNothing) {
  const std::string pipe = in_folder("pipe");
  ::unlink(pipe.c_str());
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(read_file(pipe, 1 << 20).error(), "it is a pipe, a device or a socket, not a file");
  ::unlink(pipe.c_str());
  EXPECT_EQ(read_file("/dev/zero", 1 << 20).error(), "it is a pipe, a device or a socket, not a file");
  EXPECT_EQ(read_file(::testing::TempDir(), 1 << 20).error(), "it is a folder, not a file");
}

}  // namespace
}  // namespace ringside::config
