#include "tests/unit/net/tls/test_certificates.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "sidecar/base/check.h"

namespace ringside::net::testing {
namespace {

KeyHandle new_key(const std::string& kind = "P-256") {
  return KeyHandle(kind == "ED25519" ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519") : EVP_EC_gen(kind.c_str()));
}

std::string text_of(BIO* out) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  const BioHandle out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  return text_of(out.get());
}

std::string pem_of(EVP_PKEY* key) {
  const BioHandle out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(out.get());
}

void add(X509* certificate, int what, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  RINGSIDE_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

CertificateHandle begin(const std::string& name, EVP_PKEY* key, std::chrono::seconds begins,
                        std::chrono::seconds ends) {
  static long serial = 0;
  CertificateHandle out(X509_new());
  X509_set_version(out.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(out.get()), ++serial);
  const std::time_t now = std::chrono::system_clock::to_time_t(kNow);
  ASN1_TIME_set(X509_getm_notBefore(out.get()), now + begins.count());
  ASN1_TIME_set(X509_getm_notAfter(out.get()), now + ends.count());
  X509_set_pubkey(out.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(out.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return out;
}

}  // namespace

TestIssuer::TestIssuer(const std::string& name, const TestIssuer* parent, std::chrono::seconds ends) : key_(new_key()) {
  certificate_ = begin(name, key_.get(), std::chrono::hours(-2), ends);
  const TestIssuer& issuer = parent != nullptr ? *parent : *this;
  X509_set_issuer_name(certificate_.get(), X509_get_subject_name(issuer.certificate_.get()));
  add(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  add(certificate_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  X509_sign(certificate_.get(), issuer.key_.get(), EVP_sha256());
  pem_ = pem_of(certificate_.get());
  chain_ = parent != nullptr ? pem_ + parent->chain_ : "";
  root_ = parent != nullptr ? parent->root_ : pem_;
}

Signed TestIssuer::sign(const Wanted& wanted) const {
  const KeyHandle key = new_key(wanted.key);
  const CertificateHandle made = begin("leaf", key.get(), wanted.begins, wanted.ends);
  X509_set_issuer_name(made.get(), X509_get_subject_name(certificate_.get()));
  std::string names;
  for (const std::string& name : wanted.names) names += (names.empty() ? "" : ",") + name;
  add(made.get(), NID_basic_constraints, wanted.basic_constraints);
  add(made.get(), NID_key_usage, wanted.key_usage);
  add(made.get(), NID_ext_key_usage, wanted.extended_key_usage);
  add(made.get(), NID_subject_alt_name, names);
  X509_sign(made.get(), key_.get(), EVP_sha256());
  return {pem_of(made.get()) + chain_, pem_of(key.get())};
}

CredentialTexts TestIssuer::texts(const Wanted& wanted) const {
  Signed made = sign(wanted);
  return {std::move(made.certificate), std::move(made.key), root_};
}

std::shared_ptr<const Credentials> TestIssuer::credentials(const Wanted& wanted) const {
  auto read = Credentials::read(texts(wanted), kNow, std::chrono::minutes(1));
  EXPECT_TRUE(read) << read.error();
  return read ? *read : nullptr;
}

}  // namespace ringside::net::testing
