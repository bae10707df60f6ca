#include "sidecar/core/membership/departed.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

Instant at(int ms) { return Instant(Duration(ms * 1000)); }

TEST(Departed, TheNewestRunOfAHostIsDeclaredDead) {
  Departed departed;
  EXPECT_EQ(departed.declared_dead("b"), Generation());
  departed.add({"b", 20}, Gone::kSilent, at(0));
  departed.add({"b", 10}, Gone::kReplaced, at(0));
  EXPECT_EQ(departed.declared_dead("b"), Generation(20));
  departed.add({"legacy", 0}, Gone::kInOrder, at(0));
  EXPECT_EQ(departed.declared_dead("legacy"), Generation(0));
  departed.begin_run();
  EXPECT_EQ(departed.declared_dead("b"), Generation(0)) << "a new run of this host has declared nobody dead";
  EXPECT_NE(departed.fate_of("b", at(0)), "") << "what became of it is known all the same";
}

TEST(Departed, WhatAJoinerSaysMayBeTakenBackUntilItHasJoined) {
  Departed departed;
  departed.add({"b", 20}, Gone::kSilent, at(0), Departed::Word::kMayBeTakenBack);
  departed.add({"c", 30}, Gone::kSilent, at(0), Departed::Word::kMayBeTakenBack);
  EXPECT_EQ(departed.declared_dead("b"), Generation(0));
  departed.take_back("b");
  departed.joined();
  EXPECT_EQ(departed.declared_dead("b"), Generation(0));
  EXPECT_EQ(departed.declared_dead("c"), Generation(30));
  departed.take_back("c");
  EXPECT_EQ(departed.declared_dead("c"), Generation(30)) << "it stands";
}

TEST(Departed, TellsWhatBecameOfAHost) {
  struct Case {
    Gone how;
    const char* text;
  };
  for (const auto& [how, text] :
       {Case{Gone::kInOrder, "b ended in order 1.2 s ago"},
        Case{Gone::kReplaced, "b was replaced by another run 1.2 s ago"},
        Case{Gone::kRefusing, "b refused connections 1.2 s ago"}, Case{Gone::kSilent, "b has been silent for 1.2 s"}}) {
    Departed departed;
    departed.add({"b", 1}, how, at(1000));
    EXPECT_EQ(departed.fate_of("b", at(2290)), text);
    EXPECT_EQ(departed.fate_of("c", at(2290)), "");
  }
  EXPECT_EQ(seconds_since(at(5), at(0)), "0.0 s") << "a clock read a moment earlier";
}

TEST(Departed, IsBounded) {
  Departed departed;
  departed.add({"a-first", 1}, Gone::kSilent, at(0));
  for (std::size_t i = 0; i < Departed::kMost; ++i)
    departed.add({"host-" + std::to_string(i), 7}, Gone::kSilent, at(0));
  EXPECT_EQ(departed.declared_dead("a-first"), Generation());
  EXPECT_EQ(departed.fate_of("a-first", at(0)), "");
  EXPECT_EQ(departed.declared_dead("host-17"), Generation(7));
}

}  // namespace
}  // namespace ringside::core
