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

TEST(Readable, ForAPerson) {
  EXPECT_EQ(readable("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(readable(std::string("a\n\0\xff\xc3", 5) + "b\x7f"), "a????b?");
}

TEST(Readable, NothingMovesTheCursor) {
  EXPECT_EQ(readable("a\xc2\x9b"
                     "2Jb\xe2\x80\xae"
                     "c"),
            "a?2Jb?c");
}

TEST(Readable, SeveralLines) {
  EXPECT_EQ(readable_lines("a\tb\nc\x1b[2Jd\n"), "a\tb\nc?[2Jd\n");
  EXPECT_EQ(readable_lines(""), "");
}

TEST(Readable, WhatIsToldIsNotLong) {
  EXPECT_EQ(told("caf\xc3\xa9\n"), "caf\xc3\xa9?");
  const std::string much(5000, 'x');
  EXPECT_EQ(told(much), much.substr(0, 1024).append("..."));
}

TEST(Readable, NeverLongerThanItMayBe) {
  EXPECT_EQ(readable("abcdef", 6), "abcdef");
  EXPECT_EQ(readable("abcdefg", 6), "abcdef...");
  EXPECT_EQ(readable("abcd\xc3\xa9"
                     "f",
                     5),
            "abcd...")
      << "a character is never cut";
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

TEST(Query, HasKnownParametersEachOnce) {
  EXPECT_EQ(check_query("", {"a"}), "");
  EXPECT_EQ(check_query("a=1&b", {"a", "b"}), "");
  EXPECT_EQ(check_query("c", {"a"}), "?c: there is no such parameter; there is a");
  EXPECT_EQ(check_query("%0a=1", {"a", "b", "c"}), "??: there is no such parameter; there are a, b and c");
  EXPECT_EQ(check_query("a=1&%61=2", {"a"}), "?a: given more than once");
}

}  // namespace
}  // namespace ringside::base
