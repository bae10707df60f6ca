#include "sidecar/wire/outcome.h"

#include <gtest/gtest.h>

namespace ringside::wire {
namespace {

TEST(ReadAnswer, WhatAPeerSaysIsToldReadably) {
  const net::Metadata trailers{{"ringside-outcome", "not-delivered"},
                               {"ringside-reason", "app-down"},
                               {"ringside-owner",
                                "a\xc2\x9b"
                                "2J"}};
  const core::Answer answer = read_answer(net::GrpcStatus::kUnavailable,
                                          "app-down: a\xc2\x9b"
                                          "2J\n" +
                                              std::string(5000, 'x'),
                                          trailers, "");
  EXPECT_TRUE(answer.detail.starts_with("a?2J?xxx")) << answer.detail;
  EXPECT_LT(answer.detail.size(), 1100U);
  EXPECT_EQ(answer.holder, "") << "that is not a host";
  const net::Metadata named{{"ringside-outcome", "not-delivered"}, {"ringside-owner", "10.0.0.8:1338"}};
  EXPECT_EQ(read_answer(net::GrpcStatus::kUnavailable, "", named, "").holder, "10.0.0.8:1338");
}

}  // namespace
}  // namespace ringside::wire
