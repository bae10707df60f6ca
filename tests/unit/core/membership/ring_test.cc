#include "sidecar/core/membership/ring.h"

#include <fstream>

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
    const Ring::Ptr ring = Ring::make(one["hosts"].get<std::vector<std::string>>(), one["points"]);
    EXPECT_EQ(hex(ring->fingerprint().value()), one["fingerprint"]);
    for (const auto& [id, owner] : one["owners"].items()) {
      ASSERT_NE(ring->owner(ActorId(std::stoull(id))), nullptr);
      EXPECT_EQ(*ring->owner(ActorId(std::stoull(id))), owner) << id;
    }
  }
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
