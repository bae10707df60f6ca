#include "sidecar/core/membership/ring.h"

#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ringside::core {
namespace {

nlohmann::json vectors() {
  std::ifstream file(SOURCE_DIR "/tests/vectors/ring.json");
  return nlohmann::json::parse(file);
}

std::string hex(std::uint64_t hash) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

TEST(Hash, IsTheOneOfTheVectorFile) {
  const auto hashes = vectors()["hashes"];
  for (const auto& [id, hash] : hashes["keys"].items())
    EXPECT_EQ(hex(hash_id(ActorId(std::stoull(id))).value()), hash) << id;
  for (const auto& [text, hash] : hashes["points"].items()) EXPECT_EQ(hex(hash_bytes(text).value()), hash) << text;
  for (const auto& [name, id] : hashes["names"].items()) EXPECT_EQ(to_string(id_of_name(name)), id) << name;
}

TEST(Ring, OwnersAreThoseOfTheVectorFile) {
  const auto cases = vectors()["rings"];
  ASSERT_GE(cases.size(), 7U);
  for (const auto& one : cases) {
    Ring::Ptr ring = Ring::make(one["hosts"].get<std::vector<std::string>>(), one["points"]);
    const auto weighed = one.value("weighed", nlohmann::json::object());
    for (const auto& [host, points] : weighed.items()) {
      ring = ring->without(host)->with(host, points);
    }
    EXPECT_EQ(hex(ring->fingerprint().value()), one["fingerprint"]);
    for (const auto& [id, owner] : one["owners"].items()) {
      ASSERT_NE(ring->owner(ActorId(std::stoull(id))), nullptr);
      EXPECT_EQ(*ring->owner(ActorId(std::stoull(id))), owner) << id;
    }
  }
}

// What `moved` is to be, by the ranges of every host.
double moved_by_ranges(const Ring& before, const Ring& after) {
  double kept = 0;
  for (const std::string& host : after.hosts()) {
    HashRanges lost = before.ranges(host);
    HashRanges both = before.ranges(host);
    lost.remove(after.ranges(host));
    both.remove(lost);
    for (const HashRanges::Range& range : both.ranges()) {
      kept += (static_cast<double>(range.last.value() - range.first.value()) + 1) * 0x1p-64;
    }
  }
  return 1 - kept;
}

TEST(Ring, WhatHasMovedIsCountedOnceHoweverFarTwoRingsAreApart) {
  const Ring::Ptr three = Ring::make({"a", "b", "c"}, 8);
  const std::vector<Ring::Ptr> others = {three,
                                         three->without("b"),
                                         three->with("d"),
                                         three->without("a")->without("b")->with("d"),
                                         three->without("c")->with("c", 16),
                                         Ring::make({"x", "y"}, 1),
                                         Ring::make({"z"}, 1)};
  for (const Ring::Ptr& other : others) {
    EXPECT_NEAR(Ring::moved(*three, *other), moved_by_ranges(*three, *other), 1e-12);
    EXPECT_NEAR(Ring::moved(*other, *three), moved_by_ranges(*other, *three), 1e-12);
  }
  const Ring::Ptr nobody = Ring::make({}, 8);
  EXPECT_EQ(Ring::moved(*nobody, *three), 1);
  EXPECT_EQ(Ring::moved(*three, *nobody), 1);
  EXPECT_EQ(Ring::moved(*nobody, *nobody), 0);
}

std::vector<std::string> names(int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back("host-" + std::to_string(i));
  return out;
}

void expect_same(const Ring& a, const Ring& b) {
  EXPECT_EQ(a.hosts(), b.hosts());
  EXPECT_EQ(a.fingerprint(), b.fingerprint());
  for (ActorId id = 1; id <= 2000; ++id) EXPECT_EQ(*a.owner(id), *b.owner(id));
}

TEST(Ring, AddingAndRemovingOneHostEqualsMakingItAnew) {
  for (int hosts = 1; hosts < 12; ++hosts) {
    std::vector<std::string> all = names(hosts + 1);
    const std::string changed = all[static_cast<std::size_t>(hosts / 2)];
    std::vector<std::string> others = all;
    std::erase(others, changed);
    expect_same(*Ring::make(others, 64)->with(changed), *Ring::make(all, 64));
    expect_same(*Ring::make(all, 64)->without(changed), *Ring::make(others, 64));
  }
}

TEST(Ring, TheShareOfAHostIsInProportionToItsPoints) {
  Ring::Ptr ring = Ring::make(names(6), 512);
  ring = ring->with("small", 51)->with("half", 256)->with("large", 2048);
  const std::vector<double> shares = ring->shares();
  double all = 0;
  for (const std::uint32_t points : ring->points()) all += points;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double fair = ring->points()[i] / all;
    EXPECT_NEAR(shares[i], fair, fair * 0.35) << ring->hosts()[i];
  }
  std::map<std::string, int> ids;
  for (ActorId id = 1; id <= 20'000; ++id) ++ids[*ring->owner(id)];
  EXPECT_LT(ids["small"], ids["half"]);
  EXPECT_GT(ids["large"], 3 * ids["host-0"]);
}

TEST(Ring, WithEqualWeightsItIsTheRingThatItWas) {
  const Ring::Ptr plain = Ring::make(names(5), 512);
  Ring::Ptr told = Ring::make({}, 512);
  for (const std::string& host : names(5)) told = told->with(host, 512);
  expect_same(*plain, *told);
}

TEST(Ring, HowItCameAboutMakesNoDifferenceWithWeightsEither) {
  const Ring::Ptr one = Ring::make(names(3), 64)->with("x", 7)->with("a", 200);
  const Ring::Ptr other =
      Ring::make({}, 64)->with("a", 200)->with("gone", 9)->with("host-2")->with("x", 7)->with("host-0");
  expect_same(*one, *other->with("host-1")->without("gone"));
  EXPECT_EQ(one->points(), (std::vector<std::uint32_t>{200, 64, 64, 64, 7}));
}

TEST(Ring, AWeightIsInTheFingerprint) {
  const Ring::Ptr plain = Ring::make(names(3), 64);
  std::set<Fingerprint> all{plain->fingerprint()};
  all.insert(plain->without("host-1")->with("host-1", 32)->fingerprint());
  all.insert(plain->without("host-1")->with("host-1", 33)->fingerprint());
  all.insert(plain->without("host-2")->with("host-2", 32)->fingerprint());
  EXPECT_EQ(all.size(), 4U);
}

TEST(Ring, AJoinMovesIdsToTheJoinerAlone) {
  const Ring::Ptr before = Ring::make(names(7), 512);
  const Ring::Ptr after = before->with("joiner");
  for (ActorId id = 1; id <= 5000; ++id) {
    if (*before->owner(id) != *after->owner(id)) {
      EXPECT_EQ(*after->owner(id), "joiner");
    }
  }
}

TEST(Ring, AWalkVisitsWhoeverWouldOwnTheIdWithoutThoseBefore) {
  const Ring::Ptr ring = Ring::make(names(5), 128);
  for (ActorId id = 1; id <= 500; ++id) {
    Ring::Ptr left = ring;
    ring->walk(id, [&](const std::string& host) {
      EXPECT_EQ(host, *left->owner(id));
      left = left->without(host);
      return left->hosts().size() > 1;
    });
    EXPECT_EQ(left->hosts().size(), 1U) << "until it was told to stop";
  }
  int visited = 0;
  ring->walk(7, [&](const std::string&) { return ++visited > 0; });
  EXPECT_EQ(visited, 5) << "each host once";
}

TEST(Ring, RangesOfAllHostsPartTheKeysAndNameTheOwner) {
  const Ring::Ptr ring = Ring::make(names(6), 32);
  HashRanges all;
  double shares = 0;
  for (const std::string& host : ring->hosts()) {
    const HashRanges own = ring->ranges(host);
    for (ActorId id = 1; id <= 1000; ++id) EXPECT_EQ(own.contains(hash_id(id)), *ring->owner(id) == host);
    HashRanges overlap = all;
    overlap.remove(own);
    EXPECT_EQ(overlap, all) << "ranges of two hosts overlap";
    all.add(own);
  }
  for (const double share : ring->shares()) shares += share;
  EXPECT_EQ(all, HashRanges::everything());
  EXPECT_NEAR(shares, 1.0, 1e-9);
}

TEST(Ring, AnEmptyOneHasNoOwner) {
  const Ring::Ptr ring = Ring::make({}, 512);
  EXPECT_EQ(ring->owner(1), nullptr);
  EXPECT_TRUE(ring->ranges("x").empty());
  EXPECT_EQ(*ring->with("x")->owner(1), "x");
}

}  // namespace
}  // namespace ringside::core
