#include "sidecar/net/reference.h"

#include <gtest/gtest.h>

namespace ringside::net {
namespace {

TEST(Reference, HasTheseParts) {
  const Reference whole = split_reference("HTTP://App:80/a/b?c#d");
  EXPECT_EQ(whole.scheme, "http");
  EXPECT_TRUE(whole.has_authority);
  EXPECT_EQ(whole.authority, "app:80");
  EXPECT_EQ(whole.path, "/a/b");
  EXPECT_EQ(whole.rest, "?c#d");
  EXPECT_EQ(split_reference("a:b").scheme, "a");
  EXPECT_EQ(split_reference("./a:b").path, "./a:b");
  EXPECT_TRUE(split_reference("//x").has_authority);
  EXPECT_EQ(split_reference("?q").path, "");
}

// RFC 3986 §5.4, of the paths.
TEST(Reference, ItsPathIsResolvedAgainstABase) {
  const std::string base = "/b/c/d";
  for (const auto& [path, resolved] :
       std::initializer_list<std::pair<const char*, const char*>>{{"g", "/b/c/g"},
                                                                  {"./g", "/b/c/g"},
                                                                  {"g/", "/b/c/g/"},
                                                                  {"/g", "/g"},
                                                                  {".", "/b/c/"},
                                                                  {"./", "/b/c/"},
                                                                  {"..", "/b/"},
                                                                  {"../g", "/b/g"},
                                                                  {"../..", "/"},
                                                                  {"../../g", "/g"},
                                                                  {"../../../g", "/g"},
                                                                  {"/./g", "/g"},
                                                                  {"/../g", "/g"},
                                                                  {"g.", "/b/c/g."},
                                                                  {"..g", "/b/c/..g"},
                                                                  {"./../g", "/b/g"},
                                                                  {"./g/.", "/b/c/g/"},
                                                                  {"g/./h", "/b/c/g/h"},
                                                                  {"g/../h", "/b/c/h"}}) {
    EXPECT_EQ(resolve_path(base, path), resolved) << path;
  }
}

}  // namespace
}  // namespace ringside::net
