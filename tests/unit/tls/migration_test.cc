#include "sidecar/tls/migration.h"

#include <gtest/gtest.h>

namespace ringside::tls {
namespace {

using core::PeerTlsMode;

TEST(Migration, SaysWhoDoesNotAcceptTlsYet) {
  Migration migration;
  const std::vector<std::string> peers{"a", "b", "c"};
  migration.heard("a", false, "");
  migration.heard("b", false, "accept");
  migration.heard("c", false, "off");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kAccept, peers),
            "2 of 3 peers do not accept TLS yet: a, c; --peer-tls send is not safe before");
  migration.heard("a", true, "");
  migration.heard("c", false, "accept");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kAccept, peers),
            "all peers accept TLS: --peer-tls send is safe, if every host says so");
}

TEST(Migration, SaysWhoStillDialsPlaintext) {
  Migration migration;
  const std::vector<std::string> peers{"a", "b", "c", "d", "e", "f", "g"};
  for (const std::string& peer : peers) migration.heard(peer, peer > "a", "send");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, peers),
            "1 of 7 peers still dials plaintext: a; --peer-tls require is not safe before");
  for (const std::string& peer : peers) migration.heard(peer, false, "accept");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, peers),
            "7 of 7 peers still dial plaintext: a, b, c, d, e, ...; --peer-tls require is not safe before");
  for (const std::string& peer : peers) migration.heard(peer, true, "send");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, peers),
            "all peers dial TLS: --peer-tls require is safe, if every host says so");
}

TEST(Migration, WhoHasNotCalledIsNotTakenForReady) {
  Migration migration;
  migration.heard("a", true, "send");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, {"a", "b"}),
            "1 of 2 peers has not called this host yet: b; wait before --peer-tls require");
}

TEST(Migration, ForgetsWhoHasLeft) {
  Migration migration;
  migration.heard("a", true, "send");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, {}), "there are no peers; --peer-tls require is the next step");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kSend, {"a"}),
            "1 of 1 peer has not called this host yet: a; wait before --peer-tls require");
}

TEST(Migration, AtItsEndsThereIsNothingToSay) {
  Migration migration;
  migration.heard("a", false, "");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kOff, {"a"}), "");
  EXPECT_EQ(migration.next_step(PeerTlsMode::kRequire, {"a"}), "");
}

}  // namespace
}  // namespace ringside::tls
