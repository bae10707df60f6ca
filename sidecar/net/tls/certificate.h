// What a certificate says, in the words that operators read in errors: whose it is, who issued it, when it holds.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <openssl/x509.h>

#include "sidecar/base/result.h"

namespace ringside::net {

using WallTime = std::chrono::system_clock::time_point;

// "2026-11-29T16:00:00Z"
std::string to_text(WallTime time);

struct CertificateFacts {
  std::string uri;               // its URI name; empty: it has none
  std::vector<std::string> dns;  // in lower case
  std::vector<std::string> ips;
  std::string subject;
  std::string issuer;
  std::string fingerprint;  // the first 16 hexadecimal digits of its SHA-256
  WallTime not_before;
  WallTime not_after;

  // "spiffe://...", "dns:NAME", or "nobody (subject CN=...)".
  std::string identity() const;
  // Identity, issuer and validity, for one line.
  std::string told() const;
};

// Without its names: nothing of them matters of an issuer.
CertificateFacts read_issuer(const X509* certificate);
// One that no host may have: with two URI names, or a zero byte in a name.
struct UnusableCertificate {
  CertificateFacts facts;  // as far as they could be read
  std::string why;
};
base::Result<CertificateFacts, UnusableCertificate> read_certificate(const X509* certificate);

}  // namespace ringside::net
