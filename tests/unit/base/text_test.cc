#include "sidecar/base/text.h"

#include <gtest/gtest.h>

namespace ringside::base {
namespace {

TEST(PercentEncoding, RoundTrip) {
  EXPECT_EQ(percent_encode("a b/é"), "a%20b%2F%C3%A9");
  EXPECT_EQ(percent_encode("a/b", "/"), "a/b");
  EXPECT_EQ(percent_decode("a%20b%2f"), "a b/");
  for (const char* bad : {"%", "%4", "%zz", "a%4"}) EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
}

TEST(Utf8, RefusesWhatIsNot) {
  EXPECT_TRUE(is_utf8("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"));
  for (const char* bad :
       {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80", "\xf0\x8f\x80\x80"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

TEST(Readable, ForAPerson) {
  EXPECT_EQ(readable("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(readable(std::string("a\n\0\xff\xc3", 5) + "b\x7f"), "a????b?");
}

TEST(Counted, OneAndMore) {
  EXPECT_EQ(counted(0, "call"), "0 calls");
  EXPECT_EQ(counted(1, "call"), "1 call");
  EXPECT_EQ(counted(2, "call"), "2 calls");
}

TEST(Query, Parameters) {
  EXPECT_EQ(query_parameter("limit=10&page_token=4%32", "page_token"), "42");
  EXPECT_EQ(query_parameter("wait", "wait"), "");
  EXPECT_EQ(query_parameter("waiting=1", "wait"), std::nullopt);
  EXPECT_EQ(query_parameter("", "wait"), std::nullopt);
}

}  // namespace
}  // namespace ringside::base
