// Certificates made by a test: an issuer, and what it signs.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "sidecar/net/tls/credentials.h"

namespace ringside::net::testing {

inline constexpr char kCart[] = "spiffe://example.org/ns/shop/sa/cart";
inline constexpr char kCartName[] = "URI:spiffe://example.org/ns/shop/sa/cart";
// The moment for which all of them are made.
inline const WallTime kNow = std::chrono::system_clock::from_time_t(1'800'000'000);

struct Wanted {
  std::string key{"P-256"};                            // its curve; "ED25519"
  std::vector<std::string> names{kCartName};           // as OpenSSL's subjectAltName has them
  std::string basic_constraints{"critical,CA:FALSE"};  // empty: none
  std::string key_usage = "critical,digitalSignature";
  std::string extended_key_usage = "serverAuth,clientAuth";
  std::chrono::seconds begins{-3600};  // from kNow
  std::chrono::seconds ends{3600};
};

struct Signed {
  std::string certificate;
  std::string key;
};

class TestIssuer {
 public:
  explicit TestIssuer(const std::string& name = "root", const TestIssuer* parent = nullptr,
                      std::chrono::seconds ends = std::chrono::hours(24));
  const std::string& pem() const { return pem_; }
  Signed sign(const Wanted& wanted = {}) const;
  CredentialTexts texts(const Wanted& wanted = {}) const;
  std::shared_ptr<const Credentials> credentials(const Wanted& wanted = {}) const;

 private:
  KeyHandle key_;
  CertificateHandle certificate_;
  std::string pem_;
  std::string chain_;  // of what stands above it, where it is not a root itself
  std::string root_;
};

}  // namespace ringside::net::testing
