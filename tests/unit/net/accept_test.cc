#include "sidecar/net/accept.h"

#include <gtest/gtest.h>

namespace ringside::net {
namespace {

Acceptance json(Metadata headers) { return acceptance(headers, "application/json"); }

TEST(Accept, WithoutAWordEverythingIsAcceptable) {
  EXPECT_EQ(json({}).quality, 1);
  EXPECT_FALSE(json({}).is_named);
  EXPECT_EQ(json({{"accept", ""}}).quality, 1);
}

TEST(Accept, TheMostSpecificRangeCounts) {
  EXPECT_EQ(json({{"accept", "*/*;q=0.1, application/json;q=0.7, application/*;q=0.4"}}).quality, 0.7);
  EXPECT_EQ(json({{"accept", "*/*;q=0.1, application/*;q=0.4"}}).quality, 0.4);
  EXPECT_FALSE(json({{"accept", "application/*;q=0.4"}}).is_named);
  EXPECT_EQ(json({{"accept", "application/json;q=0, */*"}}).quality, 0);
  EXPECT_EQ(json({{"accept", "text/html"}}).quality, 0);
}

TEST(Accept, ALongerNameIsAnotherType) {
  EXPECT_EQ(json({{"accept", "application/json-seq"}}).quality, 0);
  EXPECT_EQ(json({{"accept", "application/jsonp, x/application/json"}}).quality, 0);
}

TEST(Accept, SeveralLinesAreOne) {
  const Acceptance found =
      json({{"accept", "text/html"}, {"x", "y"}, {"accept", "Application/JSON; charset=utf-8; Q=0.5"}});
  EXPECT_EQ(found.quality, 0.5);
  EXPECT_TRUE(found.is_named);
}

TEST(Accept, WhatCannotBeReadSaysNothing) {
  for (const char* text : {"application/json;q=x", "application/json;q=2",
                           "application/json;q=", "application/json;q=-1", "application/json;q=0x1", ", ,;q=1,"}) {
    EXPECT_EQ(json({{"accept", text}}).quality, 1) << text;
    EXPECT_FALSE(json({{"accept", text}}).is_named) << text;
  }
}

}  // namespace
}  // namespace ringside::net
