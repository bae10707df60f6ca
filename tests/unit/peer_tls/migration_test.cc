#include "sidecar/peer_tls/migration.h"

#include <gtest/gtest.h>

namespace ringside::peer_tls {
namespace {

using core::PeerTlsMode;

TEST(Migration, SaysWhoDoesNotAcceptTlsYet) {
  Migration migration;
  const std::vector<std::string> peers{"a", "b", "c"};
  migration.heard("a", "10.0.0.9", false, "");
  migration.heard("b", "10.0.0.9", false, "accept");
  migration.heard("c", "10.0.0.9", false, "off");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kAccept, peers),
            "2 of 3 peers do not accept TLS yet: a, c; --peer-tls send is not safe before");
  migration.heard("a", "10.0.0.9", true, "");
  migration.heard("c", "10.0.0.9", false, "accept");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kAccept, peers),
            "all peers accept TLS: --peer-tls send is safe, if every host says so");
}

TEST(Migration, SaysWhoStillDialsPlaintext) {
  Migration migration;
  const std::vector<std::string> peers{"a", "b", "c", "d", "e", "f", "g"};
  for (const std::string& peer : peers) migration.heard(peer, "10.0.0.9", peer > "a", "send");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, peers),
            "1 of 7 peers still dials plaintext: a; --peer-tls require is not safe before");
  for (const std::string& peer : peers) migration.heard(peer, "10.0.0.9", false, "accept");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, peers),
            "7 of 7 peers still dial plaintext: a, b, c, d, e, ...; --peer-tls require is not safe before");
  for (const std::string& peer : peers) migration.heard(peer, "10.0.0.9", true, "send");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, peers),
            "all peers dial TLS: --peer-tls require is safe, if every host says so");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, peers, 1),
            "all peers dial TLS: --peer-tls require is safe, if every host says so, and ends 1 plaintext connection of "
            "somebody who is not a member (a caller without TLS, perhaps)");
}

TEST(Migration, WhoHasNotCalledIsNotTakenForReady) {
  Migration migration;
  migration.heard("a", "10.0.0.9", true, "send");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, {"a", "b"}),
            "1 of 2 peers has not called this host yet: b; wait before --peer-tls require");
}

TEST(Migration, OfHostsThatGiveNoNameItIsKnownHowTheyDial) {
  Migration migration;
  migration.heard("", "10.0.0.7", false, "");
  migration.heard("", "fd00::8", true, "");
  const std::vector<std::string> peers{"10.0.0.7", "[fd00::8]:7000"};
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, peers),
            "1 of 2 peers still dials plaintext: 10.0.0.7; --peer-tls require is not safe before");
  migration.heard("", "10.0.0.7", true, "");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, peers),
            "all peers dial TLS: --peer-tls require is safe, if every host says so");
}

TEST(Migration, KeepsABoundedNumberOfCallersAndForgetsThoseThatAreNotPeers) {
  Migration migration;
  for (std::size_t i = 0; i + 2 < Migration::kMost; ++i) EXPECT_TRUE(migration.heard(std::to_string(i), "", true, ""));
  EXPECT_TRUE(migration.heard("a", "10.0.0.9", true, "send"));
  EXPECT_TRUE(migration.heard("", "10.0.0.7", true, ""));
  EXPECT_FALSE(migration.heard("b", "10.0.0.8", true, "send"));
  EXPECT_TRUE(migration.heard("a", "10.0.0.9", false, "accept")) << "who is there is heard";
  migration.keep_only({"a", "10.0.0.7:99"});
  EXPECT_TRUE(migration.heard("b", "10.0.0.8", true, "send"));
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, {"a", "b", "10.0.0.7:99"}),
            "1 of 3 peers still dials plaintext: a; --peer-tls require is not safe before");
}

TEST(Migration, ForgetsWhoHasLeft) {
  Migration migration;
  migration.heard("a", "10.0.0.9", true, "send");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, {}), "there are no peers; --peer-tls require is the next step");
  migration.keep_only({});
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, {"a"}),
            "1 of 1 peer has not called this host yet: a; wait before --peer-tls require");
}

TEST(Migration, AtItsEndsThereIsNothingToSay) {
  Migration migration;
  migration.heard("a", "10.0.0.9", false, "");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kOff, {"a"}), "");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kRequire, {"a"}), "");
}

}  // namespace
}  // namespace ringside::peer_tls
