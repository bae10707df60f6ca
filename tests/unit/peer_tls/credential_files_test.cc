#include "sidecar/peer_tls/credential_files.h"

#include <map>

#include <gtest/gtest.h>

#include "tests/unit/net/tls/test_certificates.h"

namespace ringside::peer_tls {
namespace {

using net::testing::kNow;
using net::testing::TestIssuer;
using net::testing::Wanted;

class CredentialFilesTest : public ::testing::Test {
 protected:
  void write(const net::CredentialTexts& texts) {
    files = {{"cert", texts.certificate}, {"key", texts.key}, {"roots", texts.roots}};
  }
  // Looks, and takes over what is new.
  CredentialFiles::Look look() {
    CredentialFiles::Look look = looked_at.look(kNow);
    if (look.credentials) looked_at.took(look.credentials);
    return look;
  }

  std::map<std::string, std::string> files;
  TestIssuer root;
  CredentialFiles looked_at{{"cert", "key", "roots"},
                            [this](const std::string& path) -> base::Result<std::string, std::string> {
                              const auto found = files.find(path);
                              if (found == files.end()) return base::Error(std::string("No such file or directory"));
                              return found->second;
                            },
                            std::chrono::minutes(1)};
};

TEST_F(CredentialFilesTest, WhatIsNewIsGivenOnce) {
  write(root.texts());
  EXPECT_TRUE(look().credentials);
  const auto again = look();
  EXPECT_FALSE(again.credentials);
  EXPECT_EQ(again.problem, "");
  write(root.texts());
  EXPECT_TRUE(look().credentials);
}

TEST_F(CredentialFilesTest, AMissingFileIsNamedAndToldOnce) {
  write(root.texts());
  files.erase("key");
  const auto first = look();
  EXPECT_EQ(first.problem, "the file of --tls-key, key, cannot be read: No such file or directory");
  EXPECT_TRUE(first.is_news);
  EXPECT_FALSE(look().is_news);
}

// Whoever replaces key and certificate one after the other is caught in between.
TEST_F(CredentialFilesTest, HalfOfAPairIsAwaited) {
  write(root.texts());
  ASSERT_TRUE(look().credentials);
  const net::CredentialTexts next = root.texts();
  files["key"] = next.key;
  const auto between = look();
  EXPECT_FALSE(between.credentials);
  EXPECT_NE(between.problem.find("does not belong"), std::string::npos);
  EXPECT_NE(between.problem.find("stays in use"), std::string::npos);
  EXPECT_TRUE(between.is_news);
  EXPECT_FALSE(look().is_news);
  files["cert"] = next.certificate;
  const auto after = look();
  EXPECT_TRUE(after.credentials);
  EXPECT_EQ(after.problem, "");
}

TEST_F(CredentialFilesTest, ReturningToWhatIsInUseIsNoProblem) {
  write(root.texts());
  const auto good = files;
  ASSERT_TRUE(look().credentials);
  files["cert"] = "";
  EXPECT_NE(look().problem, "");
  files = good;
  const auto back = look();
  EXPECT_FALSE(back.credentials);
  EXPECT_EQ(back.problem, "");
}

TEST_F(CredentialFilesTest, WhatIsNotValidYetIsTakenWhenItIs) {
  write(root.texts());
  ASSERT_TRUE(look().credentials);
  Wanted early;
  early.begins = std::chrono::minutes(5);
  write(root.texts(early));
  EXPECT_NE(looked_at.look(kNow).problem.find("not valid yet"), std::string::npos);
  EXPECT_TRUE(looked_at.look(kNow + std::chrono::minutes(5)).credentials);
}

TEST_F(CredentialFilesTest, WhatHasRunOutTakesThePlaceOfNothing) {
  Wanted late;
  late.ends = std::chrono::seconds(-30);
  write(root.texts());
  ASSERT_TRUE(look().credentials);
  write(root.texts(late));
  const auto looked = look();
  EXPECT_FALSE(looked.credentials) << "although others would take it, for as long as clocks may differ";
  EXPECT_NE(looked.problem.find("has expired"), std::string::npos) << looked.problem;
}

TEST_F(CredentialFilesTest, AnotherIdentityIsRefused) {
  write(root.texts());
  ASSERT_TRUE(look().credentials);
  Wanted other;
  other.names.assign(1, "URI:spiffe://example.org/other");
  write(root.texts(other));
  const auto looked = look();
  EXPECT_FALSE(looked.credentials);
  EXPECT_NE(looked.problem.find("found spiffe://example.org/other, in use is"), std::string::npos) << looked.problem;
}

TEST_F(CredentialFilesTest, WithoutSpiffeARenewedCertificateMayHaveMoreNames) {
  Wanted named;
  named.names.assign(1, "DNS:a.example.org");
  write(root.texts(named));
  ASSERT_TRUE(look().credentials);
  named.names.assign(1, "DNS:b.example.org,DNS:a.example.org");
  write(root.texts(named));
  EXPECT_TRUE(look().credentials);
  named.names.assign(1, "DNS:c.example.org");
  write(root.texts(named));
  EXPECT_FALSE(look().credentials);
}

}  // namespace
}  // namespace ringside::peer_tls
