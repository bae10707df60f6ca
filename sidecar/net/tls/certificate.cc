#include "sidecar/net/tls/certificate.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <memory>

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "sidecar/base/text.h"
#include "sidecar/net/tls/openssl_handles.h"

namespace ringside::net {
namespace {

constexpr int kMostNames = 64;

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return WallTime();
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::string name_of(const X509_NAME* name) {
  const BioHandle out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return base::readable({text, static_cast<std::size_t>(size)}, 256);
}

std::string fingerprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < std::min(size, 8U); ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

std::string_view bytes_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string ip_of(std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if (bytes.size() != 4 && bytes.size() != 16) return "";
  return ::inet_ntop(family, bytes.data(), text.data(), text.size()) != nullptr ? text.data() : "";
}

// `facts` takes the name. The error says why no certificate of a host may have it.
base::Result<void, std::string> take_name(const GENERAL_NAME& name, CertificateFacts& facts) {
  if (name.type != GEN_URI && name.type != GEN_DNS && name.type != GEN_IPADD) return {};
  const std::string_view bytes = bytes_of(name.type == GEN_IPADD ? name.d.iPAddress : name.d.ia5);
  if (name.type == GEN_IPADD) {
    if (std::string ip = ip_of(bytes); !ip.empty()) facts.ips.push_back(std::move(ip));
    return {};
  }
  if (bytes.find('\0') != std::string_view::npos) return base::Error("it has a zero byte in one of its names");
  if (name.type == GEN_DNS) {
    std::string& dns = facts.dns.emplace_back(bytes);
    std::transform(dns.begin(), dns.end(), dns.begin(), [](unsigned char c) { return std::tolower(c); });
    return {};
  }
  if (!facts.uri.empty())
    return base::Error("it has more than one URI name, where a SPIFFE certificate has exactly one");
  if (bytes.empty()) return base::Error("its URI name is empty");
  facts.uri = bytes;
  return {};
}

}  // namespace

std::string to_text(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string CertificateFacts::identity() const {
  if (!uri.empty()) return base::told(uri);
  if (!dns.empty()) return "dns:" + base::told(dns.front());
  return "nobody (subject " + (subject.empty() ? "empty" : subject) + ")";
}

std::string CertificateFacts::told() const {
  return identity() + ", issued by " + issuer + ", valid from " + to_text(not_before) + " to " + to_text(not_after);
}

CertificateFacts read_issuer(const X509* certificate) {
  CertificateFacts facts;
  facts.subject = name_of(X509_get_subject_name(certificate));
  facts.issuer = name_of(X509_get_issuer_name(certificate));
  facts.fingerprint = fingerprint_of(certificate);
  facts.not_before = time_of(X509_get0_notBefore(certificate));
  facts.not_after = time_of(X509_get0_notAfter(certificate));
  return facts;
}

base::Result<CertificateFacts, UnusableCertificate> read_certificate(const X509* certificate) {
  CertificateFacts facts = read_issuer(certificate);
  const auto unusable = [&facts](std::string why) {
    return base::Error(UnusableCertificate{std::move(facts), std::move(why)});
  };
  int state = 0;
  const std::unique_ptr<GENERAL_NAMES, base::FreedBy<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, &state, nullptr)));
  if (!names) {
    if (state == -1) return facts;
    return unusable("its names (subjectAltName) cannot be read");
  }
  if (sk_GENERAL_NAME_num(names.get()) > kMostNames) return unusable("it has more than 64 names");
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    if (auto taken = take_name(*sk_GENERAL_NAME_value(names.get(), i), facts); !taken) {
      return unusable(taken.error());
    }
  }
  return facts;
}

}  // namespace ringside::net
