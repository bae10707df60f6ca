#include "sidecar/peer/speakers.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace ringside::peer {
namespace {

class SpeakersTest : public ::testing::Test {
 protected:
  static core::Sender named(const std::string& host, core::Generation generation = 7) {
    return {host, generation, "shop", core::Epoch()};
  }

  std::vector<std::pair<std::string, std::string>> asked;
  std::uint64_t drawn = 0;
  Speakers speakers{[this] { return ++drawn; },
                    [this](const std::string& host, const std::string& proof) { asked.emplace_back(host, proof); },
                    [](const std::string&) { return "10.0.0.7"; }};
};

TEST_F(SpeakersTest, EachHostIsToldANumberOfItsOwn) {
  EXPECT_EQ(speakers.proof_for("b"), "0000000000000001");
  EXPECT_EQ(speakers.proof_for("c"), "0000000000000002");
  EXPECT_EQ(speakers.proof_for("b"), "0000000000000001") << "always the same";
  EXPECT_TRUE(speakers.has_drawn("b", "0000000000000001"));
  EXPECT_FALSE(speakers.has_drawn("b", "0000000000000002")) << "that is for another";
  EXPECT_FALSE(speakers.has_drawn("b", ""));
  EXPECT_FALSE(speakers.has_drawn("nobody", ""));
}

TEST_F(SpeakersTest, AHostWhoseNameIsAnAddressSpeaksFromThere) {
  speakers.proof_for("10.0.0.7");
  speakers.proves("10.0.0.7");
  EXPECT_TRUE(speakers.is_from(named("10.0.0.7"), {"10.0.0.7", nullptr, ""}));
  EXPECT_TRUE(speakers.is_from(named("10.0.0.7:99"), {"10.0.0.7", nullptr, ""})) << "on another port as well";
  EXPECT_FALSE(speakers.is_from(named("10.0.0.7"), {"10.0.0.66", nullptr, ""}));
  EXPECT_TRUE(asked.empty());
}

TEST_F(SpeakersTest, ElsewhereItIsAskedOnceByOurOwnConnection) {
  speakers.proof_for("carts-0");
  speakers.proves("carts-0");
  EXPECT_FALSE(speakers.is_from(named("carts-0"), {"10.0.0.7", nullptr, "5f3a"})) << "not before it has said so";
  EXPECT_FALSE(speakers.is_from(named("carts-0"), {"10.0.0.7", nullptr, "5f3a"}));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0], (std::pair<std::string, std::string>("carts-0", "5f3a")));
  speakers.was_asked("carts-0", "5f3a", true);
  EXPECT_TRUE(speakers.is_from(named("carts-0"), {"10.0.0.7", nullptr, "5f3a"}));
  EXPECT_TRUE(speakers.is_from(named("carts-0"), {"127.0.0.6", nullptr, "5f3a"})) << "wherever it speaks from";
  EXPECT_FALSE(speakers.is_from(named("carts-0", 8), {"10.0.0.7", nullptr, "5f3a"})) << "another run is asked anew";
}

TEST_F(SpeakersTest, WhoGuessesIsNotBelievedAndTakesNothingFromWhoKnows) {
  speakers.proof_for("carts-0");
  speakers.proves("carts-0");
  EXPECT_FALSE(speakers.is_from(named("carts-0"), {"10.0.0.66", nullptr, "guess"}));
  EXPECT_FALSE(speakers.is_from(named("carts-0"), {"10.0.0.7", nullptr, "5f3a"})) << "one question at a time";
  speakers.was_asked("carts-0", "guess", false);
  EXPECT_FALSE(speakers.is_from(named("carts-0"), {"10.0.0.7", nullptr, "5f3a"}));
  speakers.was_asked("carts-0", "5f3a", true);
  ASSERT_TRUE(speakers.is_from(named("carts-0"), {"10.0.0.7", nullptr, "5f3a"}));
  EXPECT_FALSE(speakers.is_from(named("carts-0"), {"10.0.0.66", nullptr, "guess"}));
  speakers.was_asked("carts-0", "guess", false);
  EXPECT_TRUE(speakers.is_from(named("carts-0"), {"10.0.0.7", nullptr, "5f3a"}));
  EXPECT_FALSE(speakers.is_from(named("carts-0"), {"10.0.0.66", nullptr, ""})) << "who proves sends a proof";
}

TEST_F(SpeakersTest, AnAnswerToAnotherQuestionProvesNothing) {
  speakers.proof_for("carts-0");
  speakers.proves("carts-0");
  EXPECT_FALSE(speakers.is_from(named("carts-0"), {"10.0.0.66", nullptr, "guess"}));
  speakers.was_asked("carts-0", "5f3a", true);
  EXPECT_FALSE(speakers.is_from(named("carts-0"), {"10.0.0.7", nullptr, "5f3a"}));
}

TEST_F(SpeakersTest, WhatIsOnlyBelievedIsNotProven) {
  const net::SecurePeer certificate{.identity = {}, .names = {"carts-0"}};
  EXPECT_TRUE(speakers.is_proven(named("10.0.0.7"), {"10.0.0.7", nullptr, ""}));
  EXPECT_TRUE(speakers.is_proven(named("carts-0"), {"10.0.0.66", &certificate, ""}));
  EXPECT_TRUE(speakers.is_from(named("carts-1"), {"10.0.0.66", nullptr, "5f3a"}))
      << "nobody here has asked it anything";
  EXPECT_FALSE(speakers.is_proven(named("carts-1"), {"10.0.0.66", nullptr, "5f3a"}));
  speakers.proof_for("carts-1");
  speakers.proves("carts-1");
  EXPECT_FALSE(speakers.is_from(named("carts-1"), {"10.0.0.66", nullptr, "5f3a"}));
  EXPECT_FALSE(speakers.is_proven(named("carts-1"), {"10.0.0.66", nullptr, "5f3a"})) << "it has yet to say so itself";
  speakers.was_asked("carts-1", "5f3a", true);
  EXPECT_TRUE(speakers.is_proven(named("carts-1"), {"10.0.0.66", nullptr, "5f3a"}));
  EXPECT_FALSE(speakers.is_proven(named("carts-1"), {"10.0.0.66", nullptr, ""}));
  EXPECT_FALSE(speakers.is_proven(named("carts-1", 8), {"10.0.0.66", nullptr, "5f3a"})) << "another run";
  EXPECT_EQ(asked.size(), 1U) << "by is_from() alone";
}

TEST_F(SpeakersTest, AHostOfAnEarlierVersionIsBelieved) {
  EXPECT_TRUE(speakers.is_from(named("carts-0"), {"10.0.0.7", nullptr, ""})) << "nothing is known of it";
  EXPECT_FALSE(speakers.is_from(named("10.0.0.8"), {"10.0.0.7", nullptr, ""}))
      << "but of an address that is not its own";
  speakers.proof_for("carts-0");
  EXPECT_TRUE(speakers.is_from(named("carts-0"), {"10.0.0.7", nullptr, ""})) << "it has not said that it can";
  EXPECT_TRUE(asked.empty());
}

TEST_F(SpeakersTest, TheyAreBounded) {
  for (std::size_t i = 0; i < Speakers::kMost; ++i) EXPECT_FALSE(speakers.proof_for("h" + std::to_string(i)).empty());
  EXPECT_TRUE(speakers.proof_for("one more").empty());
  speakers.forget("h0");
  EXPECT_FALSE(speakers.proof_for("one more").empty());
}

TEST_F(SpeakersTest, WhoseCertificateHasTheHostsNameOrAddressSpeaksForIt) {
  const net::SecurePeer shared{"spiffe://example.org/cart", true, {}};
  const net::SecurePeer named_one{"spiffe://example.org/cart", true, {"carts-0.example.org", "10.0.0.7"}};
  EXPECT_FALSE(speakers.is_from(named("10.0.0.7"), {"10.0.0.66", &shared, ""})) << "all hosts share that identity";
  EXPECT_TRUE(speakers.is_from(named("10.0.0.7"), {"10.0.0.66", &named_one, ""}));
  EXPECT_FALSE(speakers.is_from(named("10.0.0.8"), {"10.0.0.66", &named_one, ""}));
  speakers.proof_for("carts-0.example.org");
  speakers.proves("carts-0.example.org");
  EXPECT_FALSE(speakers.is_from(named("carts-0.example.org"), {"10.0.0.66", &shared, ""}));
  EXPECT_TRUE(speakers.is_from(named("carts-0.example.org"), {"10.0.0.66", &named_one, ""}));
}

TEST_F(SpeakersTest, UnderTlsAHostOfAnEarlierVersionIsBelievedFromWhereItWasReached) {
  const net::SecurePeer shared{"spiffe://example.org/cart", true, {}};
  speakers.proof_for("carts-0");
  EXPECT_TRUE(speakers.is_from(named("carts-0"), {"10.0.0.7", &shared, ""}));
  EXPECT_FALSE(speakers.is_from(named("carts-0"), {"10.0.0.66", &shared, ""}));
}

}  // namespace
}  // namespace ringside::peer
