#include "sidecar/base/unix_path.h"

#include <string>

#include <gtest/gtest.h>

namespace ringside::base {
namespace {

TEST(UnixPath, MayBeSpeltAsGrpcDoes) {
  for (const char* text : {"/run/x", "///run/x", "/////run/x"}) EXPECT_EQ(*read_unix_path(text), "/run/x") << text;
  EXPECT_EQ(*read_unix_path("x.sock"), "x.sock");
  EXPECT_EQ(*read_unix_path("/" + std::string(106, 'x')), "/" + std::string(106, 'x'));
}

TEST(UnixPath, SaysWhatIsWrong) {
  EXPECT_EQ(read_unix_path("").error(), "has no path");
  EXPECT_EQ(read_unix_path("//").error(), "has no path");
  EXPECT_EQ(read_unix_path("@x").error(), "is an abstract socket, which every container of the pod could reach");
  EXPECT_EQ(read_unix_path("/" + std::string(107, 'x')).error(), "has a path of more than 107 bytes");
  EXPECT_EQ(read_unix_path(std::string("/a\0b", 4)).error(), "has a zero byte in its path");
}

}  // namespace
}  // namespace ringside::base
