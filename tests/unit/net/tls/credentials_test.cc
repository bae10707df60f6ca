#include "sidecar/net/tls/credentials.h"

#include <gtest/gtest.h>

#include "tests/unit/net/tls/test_certificates.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using testing::kCart;
using testing::kNow;
using testing::TestIssuer;
using testing::Wanted;

Credentials::Read read(const CredentialTexts& texts, WallTime now = kNow) {
  return Credentials::read(texts, now, 1min);
}

bool has(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

TEST(Credentials, TellWhoseTheyAreAndHowLongTheyHold) {
  const TestIssuer root("the root");
  const auto made = read(root.texts());
  ASSERT_TRUE(made) << made.error();
  const Verified& own = (*made)->own();
  EXPECT_EQ(own.leaf.identity(), kCart);
  EXPECT_EQ(own.leaf.issuer, "CN=the root");
  EXPECT_EQ(own.good_until, kNow + 1h);
  EXPECT_EQ(own.root.subject, "CN=the root");
  EXPECT_TRUE(has((*made)->roots_told(), "1 root: CN=the root (")) << (*made)->roots_told();
}

TEST(Credentials, HoldNoLongerThanTheFirstOfTheirChain) {
  const TestIssuer root("root");
  const TestIssuer between("between", &root, 10min);
  const auto made = read(between.texts());
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ((*made)->own().good_until, kNow + 10min);
  EXPECT_EQ((*made)->own().root.subject, "CN=root");
}

TEST(Credentials, OfOneFileForCertificateAndKey) {
  const TestIssuer root;
  CredentialTexts texts = root.texts();
  texts.certificate = texts.key = texts.key + texts.certificate;
  EXPECT_TRUE(read(texts));
}

TEST(Credentials, KnowAllNamesOfACertificate) {
  const TestIssuer root;
  Wanted wanted;
  wanted.names = {"DNS:Cart.Example.org", "IP:10.0.0.7", "IP:2001:db8:0::7"};
  const auto made = read(root.texts(wanted));
  ASSERT_TRUE(made) << made.error();
  const CertificateFacts& leaf = (*made)->own().leaf;
  EXPECT_EQ(leaf.identity(), "dns:cart.example.org");
  EXPECT_EQ(leaf.ips, (std::vector<std::string>{"10.0.0.7", "2001:db8::7"}));
}

struct Refusal {
  const char* what;
  Wanted wanted;
  const char* why;
};

TEST(Credentials, WhatIsNotAHostsCertificateIsRefusedWithTheReason) {
  std::vector<Refusal> refusals;
  const auto add = [&](const char* what, const char* why, const std::function<void(Wanted&)>& change) {
    refusals.push_back({what, {}, why});
    change(refusals.back().wanted);
  };
  add("two URI names", "more than one URI name, where a SPIFFE certificate has exactly one (spiffe://example.org/ns/",
      [](Wanted& w) {
        w.names = {testing::kCartName, "URI:spiffe://example.org/x"};
      });
  add("no name", "neither a URI name", [](Wanted& w) { w.names.assign(1, "email:a@example.org"); });
  add("another scheme", "is not a SPIFFE id", [](Wanted& w) { w.names.assign(1, "URI:https://example.org/x"); });
  add("an issuer", "of an issuer (CA)", [](Wanted& w) { w.basic_constraints = "critical,CA:TRUE"; });
  add("an issuer whose key may not sign certificates", "of an issuer (CA)", [](Wanted& w) {
    w.basic_constraints = "CA:TRUE";
    w.key_usage = "";
  });
  add("no signatures", "does not allow digital signatures", [](Wanted& w) { w.key_usage = "keyEncipherment"; });
  add("may sign certificates", "allows it to sign", [](Wanted& w) { w.key_usage = "digitalSignature,keyCertSign"; });
  add("may sign lists", "allows it to sign", [](Wanted& w) { w.key_usage = "digitalSignature,cRLSign"; });
  add("clients only", "serverAuth", [](Wanted& w) { w.extended_key_usage = "clientAuth"; });
  add("servers only", "clientAuth", [](Wanted& w) { w.extended_key_usage = "serverAuth"; });
  add("expired", "has expired", [](Wanted& w) { w.ends = -2min; });
  add("not yet valid", "not valid yet", [](Wanted& w) { w.begins = 2min; });
  const TestIssuer root;
  for (const Refusal& one : refusals) {
    const auto made = read(root.texts(one.wanted));
    ASSERT_FALSE(made) << one.what;
    EXPECT_TRUE(has(made.error(), one.why)) << one.what << ": " << made.error();
  }
}

TEST(Credentials, OfAKeyThatTls13CannotUseAreRefused) {
  const TestIssuer root;
  Wanted wanted;
  for (const char* kind : {"P-256", "P-384", "P-521", "ED25519"}) {
    wanted.key = kind;
    EXPECT_TRUE(read(root.texts(wanted))) << kind;
  }
  for (const char* kind : {"secp256k1", "brainpoolP256r1", "P-224"}) {
    wanted.key = kind;
    const auto made = read(root.texts(wanted));
    ASSERT_FALSE(made) << kind;
    EXPECT_TRUE(has(made.error(), "takes EC keys of P-256, P-384 and P-521")) << made.error();
  }
}

TEST(Credentials, WithMoreCertificatesThanOthersTakeAreRefused) {
  const TestIssuer root;
  CredentialTexts texts = root.texts();
  for (int i = 0; i < 5; ++i) texts.certificate += root.pem();
  EXPECT_TRUE(read(texts)) << "issuers that nobody needs do no harm";
  texts.certificate += root.pem();
  const auto many = read(texts);
  ASSERT_FALSE(many);
  EXPECT_TRUE(has(many.error(), "6 certificates behind this host's own, and 5 are taken at most")) << many.error();
  Wanted wordy;
  for (int i = 0; i < 60; ++i) wordy.names.push_back("DNS:" + std::to_string(i) + std::string(280, 'x'));
  const auto large = read(root.texts(wordy));
  ASSERT_FALSE(large);
  EXPECT_TRUE(has(large.error(), "bytes, and 16379 are taken at most")) << large.error();
}

TEST(Credentials, ThatRestOnTooManyIssuersAreRefused) {
  const TestIssuer root("root");
  const TestIssuer one("1", &root);
  const TestIssuer two("2", &one);
  const TestIssuer three("3", &two);
  const TestIssuer four("4", &three);
  EXPECT_TRUE(read(four.texts()));
  const TestIssuer five("5", &four);
  const auto made = read(five.texts());
  ASSERT_FALSE(made);
  EXPECT_TRUE(has(made.error(), "more than 4 certificates stand between it and its root")) << made.error();
}

TEST(Credentials, SayWhatIsAmissWithTheOrderAndTheFormOfAFile) {
  const TestIssuer root("root");
  const TestIssuer between("between", &root);
  CredentialTexts texts = root.texts();
  texts.certificate = root.pem() + texts.certificate;
  const auto turned = read(texts);
  ASSERT_FALSE(turned);
  EXPECT_TRUE(has(turned.error(), "this host's own, which is number 2 in it and has to be the first"))
      << turned.error();
  texts = root.texts();
  texts.roots = "  " + texts.roots;
  const auto indented = read(texts);
  ASSERT_FALSE(indented);
  EXPECT_TRUE(has(indented.error(), "has to stand at the beginning of its line")) << indented.error();
  texts = between.texts();
  texts.certificate = texts.certificate.substr(0, texts.certificate.find("-----END CERTIFICATE-----") + 26);
  const auto gap = read(texts);
  ASSERT_FALSE(gap);
  EXPECT_TRUE(has(gap.error(), "or its file of --tls-cert lacks the certificates between")) << gap.error();
}

TEST(Credentials, ThatHaveRunOutTakeTheirOwnPlaceOnly) {
  const TestIssuer root;
  Wanted expired;
  expired.ends = -30s;
  const CredentialTexts texts = root.texts(expired);
  EXPECT_TRUE(Credentials::read(texts, kNow, 1min, RunOut::kWithinSkew));
  EXPECT_FALSE(Credentials::read(texts, kNow, 1min, RunOut::kNever));
  Wanted early;
  early.begins = 30s;
  EXPECT_TRUE(Credentials::read(root.texts(early), kNow, 1min, RunOut::kNever)) << "that is our clock, perhaps";
}

TEST(Credentials, WithinTheSkewOfClocksAreTaken) {
  const TestIssuer root;
  Wanted expired;
  expired.ends = -30s;
  EXPECT_TRUE(read(root.texts(expired)));
  Wanted early;
  early.begins = 30s;
  EXPECT_TRUE(read(root.texts(early)));
}

TEST(Credentials, OfFilesThatAreDamagedSayWhichOneAndHow) {
  const TestIssuer root;
  const CredentialTexts good = root.texts();
  const CredentialTexts other = root.texts();
  const TestIssuer elsewhere;
  struct {
    CredentialTexts texts;
    const char* why;
  } const kDamaged[] = {
      {{"", good.key, good.roots}, "--tls-cert is empty"},
      {{"hello", good.key, good.roots}, "--tls-cert has no certificate"},
      {{good.certificate.substr(0, 200), good.key, good.roots}, "certificate 1 of 1 cannot be read"},
      {{good.certificate + good.certificate.substr(0, 200), good.key, good.roots}, "certificate 2 of 2 cannot be read"},
      {{good.certificate, "", good.roots}, "--tls-key is empty"},
      {{good.certificate, good.roots, good.roots}, "--tls-key has no private key"},
      {{good.certificate, good.certificate, good.roots}, "--tls-cert has no private key in it, in which it is looked"},
      {{good.certificate, good.key.substr(0, 60), good.roots}, "--tls-key is damaged or half written"},
      {{good.certificate, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII=\n-----END ENCRYPTED PRIVATE KEY-----\n",
        good.roots},
       "encrypted with a passphrase"},
      {{good.certificate, other.key, good.roots}, "does not belong to the certificate"},
      {{good.certificate, good.key, ""}, "--tls-roots is empty"},
      {{good.certificate, good.key, good.roots + "-----BEGIN CERTIFICATE-----\nnothing\n"}, "certificate 2 of 2"},
      {{good.certificate, good.key, elsewhere.pem()}, "no root of --tls-roots has issued it"},
  };
  for (const auto& one : kDamaged) {
    const auto made = read(one.texts);
    ASSERT_FALSE(made) << one.why;
    EXPECT_TRUE(has(made.error(), one.why)) << made.error();
  }
}

// A root that is made anew often keeps its name.
TEST(Credentials, OfEachOfSeveralRootsOfOneNameAreTaken) {
  const TestIssuer old;
  const TestIssuer renewed;
  const TestIssuer again;
  for (const TestIssuer* issuer : {&old, &renewed, &again}) {
    CredentialTexts texts = issuer->texts();
    texts.roots = old.pem() + renewed.pem() + again.pem();
    const auto made = read(texts);
    EXPECT_TRUE(made) << made.error();
    texts.roots = old.pem() + renewed.pem();
    EXPECT_EQ(static_cast<bool>(read(texts)), issuer != &again);
  }
}

TEST(Credentials, ThatNobodyWouldTakeCanBeLookedAt) {
  const TestIssuer root;
  Wanted expired;
  expired.ends = -1h;
  const auto made = Credentials::parse(root.texts(expired), 1min);
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ((*made)->own().leaf.identity(), kCart);
  const auto own = (*made)->check_own(kNow);
  ASSERT_FALSE(own);
  EXPECT_TRUE(has(own.error(), "has expired")) << own.error();
}

TEST(Credentials, AllOfThemAreMoreThanAnyBundleHas) {
  const TestIssuer root;
  CredentialTexts texts = root.texts();
  texts.roots.clear();
  for (int i = 0; i < 1001; ++i) texts.roots += root.pem();
  const auto made = read(texts);
  ASSERT_FALSE(made);
  EXPECT_TRUE(has(made.error(), "more than 1000 certificates")) << made.error();
}

}  // namespace
}  // namespace ringside::net
