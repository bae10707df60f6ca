// What this host shows to others, and by which roots it believes them: certificate, key and roots, read from PEM text
// and checked as a whole. Immutable: a rotation makes another one. Any thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/base/result.h"
#include "sidecar/net/tls/certificate.h"
#include "sidecar/net/tls/openssl_handles.h"

namespace ringside::net {

// Which side of a connection a certificate stands for: what its key usage must allow.
enum class TlsSide { kServer, kClient };

// Keys and signatures are worth 112 bits at least: RSA from 2048 bits, no SHA-1 (OpenSSL's "security level").
inline constexpr int kTlsSecurityLevel = 2;

// What is shown before anybody has looked at it: a leaf, what stands between it and its root, and the root itself, in
// the bytes that carry them. Each host refuses more, so that no host shows more.
inline constexpr int kMostIssuersShown = 5;
inline constexpr std::size_t kMostBytesShown = std::size_t{16} * 1024;

// Whether a certificate of our own that has run out is taken for as long as others take it.
enum class RunOut { kWithinSkew, kNever };

struct CredentialTexts {
  std::string certificate;  // the leaf first, then what issued it
  std::string key;          // may be the same text: what is not needed here is skipped
  std::string roots;
  bool operator==(const CredentialTexts&) const = default;
};

// A chain that has been checked.
struct Verified {
  CertificateFacts leaf;
  WallTime good_until;  // the first of all its certificates that runs out
  CertificateFacts root;
};

// Why one was refused. `kind` is a label for a metric: few values.
struct Unverified {
  enum class Kind { kUntrusted, kExpired, kNotALeaf } kind;
  std::string why;  // a sentence, with what was found and what is wanted
};

class Credentials {
 public:
  using Read = base::Result<std::shared_ptr<const Credentials>, std::string>;
  // The error is a sentence that names what is wrong and, where it helps, the setting. `clock_skew`: how much too early
  // or too late certificates are still taken, here and by verify(). `own`: of ours.
  static Read read(const CredentialTexts& texts, WallTime now, std::chrono::milliseconds clock_skew,
                   RunOut own = RunOut::kWithinSkew);
  // The same for whoever wants to look: our own certificate may be one that everybody refuses.
  static Read parse(const CredentialTexts& texts, std::chrono::milliseconds clock_skew);
  // Whether others take our own certificate, on both sides. The error is a sentence.
  base::Result<Verified, std::string> check_own(WallTime now, RunOut own = RunOut::kWithinSkew) const;

  // Whether a chain is good: a leaf (not a CA) whose key may be used on that side, signed by way of `others` by one of
  // the roots, and in time. Who it is for does not matter here.
  base::Result<Verified, Unverified> verify(X509* leaf, STACK_OF(X509) * others, TlsSide side, WallTime now,
                                            RunOut run_out = RunOut::kWithinSkew) const;

  const Verified& own() const { return own_; }
  const std::vector<CertificateFacts>& roots() const { return roots_; }
  // "2 roots: CN=a (12ab34cd56ef7890), CN=b (...)"
  std::string roots_told() const;
  // Whether others see the same: the leaf, and what stands behind it.
  bool shows_same_as(const Credentials& other) const;
  // Certificate and key go into it.
  bool use_in(SSL_CTX* context) const;

 private:
  Credentials() = default;
  base::Result<void, std::string> take(const CredentialTexts& texts);
  base::Result<void, std::string> read_certificates(std::string_view text);
  base::Result<void, std::string> check_shown() const;
  base::Result<void, std::string> read_key(std::string_view text);
  base::Result<void, std::string> read_roots(std::string_view text);

  CertificateHandle leaf_;
  CertificatesHandle chain_;
  KeyHandle key_;
  StoreHandle store_;
  // Of each root that has its name in common with another, as where one was made anew: one with that root alone.
  // OpenSSL takes one of them by their names, and does not look at the others.
  std::vector<StoreHandle> namesakes_;
  std::vector<CertificateFacts> roots_;
  std::chrono::milliseconds clock_skew_{};
  Verified own_;
};

}  // namespace ringside::net
