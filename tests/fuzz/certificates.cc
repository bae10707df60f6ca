// What a certificate says of itself, before anybody has vouched for it: names, times, and the sentence that a log gets.
#include <string>

#include "sidecar/base/check.h"
#include "sidecar/base/identity_pattern.h"
#include "sidecar/net/tls/certificate.h"
#include "sidecar/net/tls/openssl_handles.h"
#include "tests/fuzz/target.h"

namespace ringside::fuzz {

// In DER, as it comes in a handshake.
void certificates(std::string_view input) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(input.data());
  const net::CertificateHandle certificate(d2i_X509(nullptr, &bytes, static_cast<long>(input.size())));
  if (!certificate) return;
  const auto read = net::read_certificate(certificate.get());
  if (!read) RINGSIDE_CHECK(!read.error().why.empty());
  const net::CertificateFacts& facts = read ? *read : read.error().facts;
  for (const char byte : facts.told()) RINGSIDE_CHECK(static_cast<unsigned char>(byte) >= ' ' && byte != '\x7f');
  for (const std::string& name : facts.dns) RINGSIDE_CHECK(name.find('\0') == std::string::npos);
}

// As operators write them in the first line, beside a certificate's name in the second.
void identities(std::string_view input) {
  Input lines(input);
  const auto pattern = base::IdentityPattern::parse(lines.line());
  if (!pattern) return RINGSIDE_CHECK(!pattern.error().empty());
  const auto again = base::IdentityPattern::parse(pattern->text());
  RINGSIDE_CHECK(again && *again == *pattern);
  RINGSIDE_CHECK(!pattern->matches("", {}));
  const std::string_view uri = lines.line();
  const bool same = uri == pattern->text();
  if (same && base::check_spiffe_id(uri)) RINGSIDE_CHECK(pattern->matches(uri, {}));
  if (!same && !pattern->text().ends_with("/*")) RINGSIDE_CHECK(!pattern->matches(uri, {}));
}

}  // namespace ringside::fuzz
