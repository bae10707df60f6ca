#include "sidecar/net/tls/credentials.h"

#include <algorithm>
#include <array>
#include <map>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "sidecar/base/check.h"
#include "sidecar/base/identity_pattern.h"
#include "sidecar/base/text.h"

namespace ringside::net {
namespace {

constexpr int kDeepest = 4;                // certificates between a leaf and its root
constexpr std::size_t kMostRoots = 1'000;  // the bundles of operating systems have some 150

BioHandle reader(std::string_view text) {
  return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// OpenSSL would ask for it on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; at += what.size()) ++found;
  return found;
}

std::string first_error() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "it cannot be read";
}

// All of them, in their order. The error is half a sentence.
base::Result<std::vector<CertificateHandle>, std::string> certificates_of(std::string_view text) {
  const std::size_t begun = count(text, "-----BEGIN CERTIFICATE-----") +
                            count(text, "-----BEGIN TRUSTED CERTIFICATE-----") +
                            count(text, "-----BEGIN X509 CERTIFICATE-----");
  if (count(text, " -----BEGIN CERT") + count(text, "\t-----BEGIN CERT") > 0) {
    return base::Error("is indented: -----BEGIN CERTIFICATE----- has to stand at the beginning of its line");
  }
  if (begun == 0)
    return base::Error(text.empty() ? "is empty" : "has no certificate in it (-----BEGIN CERTIFICATE-----)");
  if (begun > kMostRoots) return base::Error("has more than 1000 certificates in it");
  std::vector<CertificateHandle> out;
  const BioHandle in = reader(text);
  ERR_clear_error();
  while (X509* one = PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr)) out.emplace_back(one);
  const std::string why = first_error();
  if (out.size() == begun) return out;
  return base::Error("is damaged or half written: certificate " + std::to_string(out.size() + 1) + " of " +
                     std::to_string(begun) + " cannot be read (" + why + ")");
}

// How a chain is to be looked at.
struct How {
  std::chrono::milliseconds skew;
  RunOut run_out;
  TlsSide side;
  WallTime now;
};

bool within(const How& how, const X509* certificate) {
  const auto forgiven = how.run_out == RunOut::kNever ? std::chrono::milliseconds(0) : how.skew;
  const std::time_t early = std::chrono::system_clock::to_time_t(how.now - forgiven);
  const std::time_t late = std::chrono::system_clock::to_time_t(how.now + how.skew);
  return X509_cmp_time(X509_get0_notBefore(certificate), const_cast<std::time_t*>(&late)) < 0 &&
         X509_cmp_time(X509_get0_notAfter(certificate), const_cast<std::time_t*>(&early)) > 0;
}

int forgive_skew(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  const int error = X509_STORE_CTX_get_error(context);
  if (error != X509_V_ERR_CERT_HAS_EXPIRED && error != X509_V_ERR_CERT_NOT_YET_VALID) return 0;
  const auto* how = static_cast<const How*>(X509_STORE_CTX_get_app_data(context));
  const X509* certificate = X509_STORE_CTX_get_current_cert(context);
  if (certificate == nullptr || !within(*how, certificate)) return 0;
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

struct Chain {
  int error = X509_V_OK;
  CertificatesHandle certificates;  // from the leaf to the root
};

Chain build_chain(X509_STORE* roots, X509* leaf, STACK_OF(X509) * others, const How& how) {
  const StoreContextHandle context(X509_STORE_CTX_new());
  RINGSIDE_CHECK(context && X509_STORE_CTX_init(context.get(), roots, leaf, others) == 1);
  X509_STORE_CTX_set_app_data(context.get(), const_cast<How*>(&how));
  X509_STORE_CTX_set_verify_cb(context.get(), forgive_skew);
  X509_VERIFY_PARAM* limits = X509_STORE_CTX_get0_param(context.get());
  // The roots of a SPIFFE bundle need not have signed themselves.
  X509_VERIFY_PARAM_set_flags(limits, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_time(limits, std::chrono::system_clock::to_time_t(how.now));
  X509_VERIFY_PARAM_set_depth(limits, kDeepest);
  X509_VERIFY_PARAM_set_auth_level(limits, kTlsSecurityLevel);
  X509_VERIFY_PARAM_set_purpose(limits,
                                how.side == TlsSide::kServer ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT);
  ERR_clear_error();
  const bool good = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  if (good) return {X509_V_OK, CertificatesHandle(X509_STORE_CTX_get1_chain(context.get()))};
  return {X509_STORE_CTX_get_error(context.get()), nullptr};
}

// What makes a certificate one of a host, whoever that is.
base::Result<void, std::string> check_leaf(const CertificateFacts& facts, X509* leaf) {
  const bool is_issuer = (X509_get_extension_flags(leaf) & EXFLAG_CA) != 0 || X509_check_ca(leaf) != 0;
  if (is_issuer) return base::Error("it is the certificate of an issuer (CA), not of a host");
  const std::uint32_t usage = X509_get_key_usage(leaf);
  const bool has_usage = (X509_get_extension_flags(leaf) & EXFLAG_KUSAGE) != 0;
  if (has_usage && (usage & X509v3_KU_DIGITAL_SIGNATURE) == 0) {
    return base::Error("its key usage does not allow digital signatures");
  }
  if (has_usage && (usage & (X509v3_KU_KEY_CERT_SIGN | X509v3_KU_CRL_SIGN)) != 0) {
    return base::Error("its key usage allows it to sign certificates or lists of revoked ones, as only an issuer may");
  }
  if (facts.uri.empty() && facts.dns.empty()) {
    return base::Error("it has neither a URI name (spiffe://...) nor a DNS name");
  }
  if (facts.uri.empty()) return {};
  if (const auto fits = base::check_spiffe_id(facts.uri); !fits) {
    return base::Error("its URI name " + base::told(facts.uri) + " is not a SPIFFE id: it " + fits.error());
  }
  return {};
}

// What TLS 1.3 can sign with (RFC 8446, section 4.2.3), of what OpenSSL offers by itself.
base::Result<void, std::string> check_key(const EVP_PKEY* key) {
  constexpr const char* kTaken =
      "; TLS 1.3 takes EC keys of P-256, P-384 and P-521, RSA from 2048 bits, Ed25519 and Ed448";
  const std::string found = "the key of --tls-key is of a kind that no other host takes: ";
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
      return {};
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      if (const int bits = EVP_PKEY_get_bits(key); bits < 2048) {
        return base::Error(found + "RSA of " + std::to_string(bits) + " bits" + kTaken);
      }
      return {};
    case EVP_PKEY_EC: {
      std::array<char, 64> curve{};
      std::size_t size = 0;
      EVP_PKEY_get_group_name(key, curve.data(), curve.size(), &size);
      const std::string_view name(curve.data(), size);
      if (name == SN_X9_62_prime256v1 || name == SN_secp384r1 || name == SN_secp521r1) return {};
      return base::Error(found + "EC on the curve " + (name.empty() ? "of its own" : std::string(name)) + kTaken);
    }
    default: {
      const char* kind = EVP_PKEY_get0_type_name(key);
      return base::Error(found + (kind != nullptr ? kind : "unknown") + kTaken);
    }
  }
}

// Of what was shown, without the leaf: OpenSSL has it in front on some sides.
int issuers_in(STACK_OF(X509) * others, const X509* leaf) {
  const int all = sk_X509_num(others);  // -1: there is no list
  return all > 0 && X509_cmp(sk_X509_value(others, 0), leaf) == 0 ? all - 1 : std::max(all, 0);
}

std::string purpose_of(TlsSide side) {
  return side == TlsSide::kServer ? "a server (serverAuth)" : "a client (clientAuth)";
}

Unverified refusal_of(int error, TlsSide side) {
  using Kind = Unverified::Kind;
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {Kind::kExpired, "it, or what issued it, has expired"};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {Kind::kExpired, "it, or what issued it, is not valid yet: compare the clocks of the hosts"};
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return {
          Kind::kUntrusted,
          "no root of --tls-roots has issued it, or its file of --tls-cert lacks the certificates between it and the "
          "root"};
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return {Kind::kUntrusted, "no root of --tls-roots has issued it"};
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return {Kind::kUntrusted,
              "no root of --tls-roots has issued it: one has the name of its issuer, and another key"};
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
      return {Kind::kNotALeaf, "more than 4 certificates stand between it and its root"};
    case X509_V_ERR_INVALID_PURPOSE:
      return {Kind::kNotALeaf, "its extended key usage does not allow it to be " + purpose_of(side)};
    default:
      return {Kind::kUntrusted, X509_verify_cert_error_string(error)};
  }
}

}  // namespace

base::Result<void, std::string> Credentials::read_certificates(std::string_view text) {
  auto all = certificates_of(text);
  if (!all) return base::Error("the file of --tls-cert " + all.error());
  leaf_ = std::move(all->front());
  chain_.reset(sk_X509_new_null());
  for (std::size_t i = 1; i < all->size(); ++i) sk_X509_push(chain_.get(), (*all)[i].release());
  return check_shown();
}

base::Result<void, std::string> Credentials::check_shown() const {
  const int issuers = issuers_in(chain_.get(), leaf_.get());
  if (issuers > kMostIssuersShown) {
    return base::Error("others would not take what stands in the file of --tls-cert: " + std::to_string(issuers) +
                       " certificates behind this host's own, and " + std::to_string(kMostIssuersShown) +
                       " are taken at most");
  }
  constexpr std::size_t kAround = 5;  // bytes of the message beside each certificate
  std::size_t bytes = static_cast<std::size_t>(i2d_X509(leaf_.get(), nullptr)) + kAround;
  for (int i = 0; i < sk_X509_num(chain_.get()); ++i) {
    bytes += static_cast<std::size_t>(i2d_X509(sk_X509_value(chain_.get(), i), nullptr)) + kAround;
  }
  if (bytes + kAround <= kMostBytesShown) return {};
  return base::Error("others would not take what stands in the file of --tls-cert: its certificates have " +
                     std::to_string(bytes) + " bytes, and " + std::to_string(kMostBytesShown - kAround) +
                     " are taken at most");
}

base::Result<void, std::string> Credentials::read_key(std::string_view text) {
  if (text.empty()) return base::Error("the file of --tls-key is empty");
  if (text.find("PRIVATE KEY-----") == std::string_view::npos) {
    return base::Error("the file of --tls-key has no private key in it (-----BEGIN PRIVATE KEY-----)");
  }
  if (text.find("ENCRYPTED") != std::string_view::npos) {
    return base::Error("the key of --tls-key is encrypted with a passphrase, for which nobody can be asked here");
  }
  ERR_clear_error();
  key_.reset(PEM_read_bio_PrivateKey(reader(text).get(), nullptr, no_passphrase, nullptr));
  if (!key_) return base::Error("the key of --tls-key is damaged or half written (" + first_error() + ")");
  if (X509_check_private_key(leaf_.get(), key_.get()) != 1) {
    ERR_clear_error();
    for (int i = 0; i < sk_X509_num(chain_.get()); ++i) {
      if (X509_check_private_key(sk_X509_value(chain_.get(), i), key_.get()) != 1) continue;
      return base::Error(
          "the file of --tls-cert begins with another certificate than this host's own, which is number " +
          std::to_string(i + 2) + " in it and has to be the first");
    }
    ERR_clear_error();
    return base::Error(
        "the key of --tls-key does not belong to the certificate of --tls-cert: one of the two files has been replaced "
        "and the other has not");
  }
  return check_key(key_.get());
}

base::Result<void, std::string> Credentials::read_roots(std::string_view text) {
  const auto all = certificates_of(text);
  if (!all) return base::Error("the file of --tls-roots " + all.error());
  store_.reset(X509_STORE_new());
  std::map<std::string, std::vector<X509*>> by_name;
  for (const CertificateHandle& one : *all) {
    X509_STORE_add_cert(store_.get(), one.get());
    roots_.push_back(read_issuer(one.get()));
    by_name[roots_.back().subject].push_back(one.get());
  }
  for (const auto& [name, roots] : by_name) {
    for (std::size_t i = 0; roots.size() > 1 && i < roots.size(); ++i) {
      namesakes_.emplace_back(X509_STORE_new());
      X509_STORE_add_cert(namesakes_.back().get(), roots[i]);
    }
  }
  return {};
}

base::Result<void, std::string> Credentials::take(const CredentialTexts& texts) {
  if (auto done = read_certificates(texts.certificate); !done) return done;
  if (texts.key == texts.certificate && texts.key.find("PRIVATE KEY-----") == std::string::npos) {
    return base::Error(
        "the file of --tls-cert has no private key in it, in which it is looked for where --tls-key names no other");
  }
  if (auto done = read_key(texts.key); !done) return done;
  if (auto done = read_roots(texts.roots); !done) return done;
  auto read = read_certificate(leaf_.get());
  if (!read) {
    const auto& [facts, why] = read.error();
    return base::Error("the certificate of --tls-cert cannot be used: " + why + " (" + facts.told() + ")");
  }
  own_.leaf = std::move(*read);
  own_.good_until = own_.leaf.not_after;
  return {};
}

Credentials::Read Credentials::parse(const CredentialTexts& texts, std::chrono::milliseconds clock_skew) {
  const std::shared_ptr<Credentials> out(new Credentials);
  out->clock_skew_ = clock_skew;
  if (auto done = out->take(texts); !done) return base::Error(done.error());
  return std::shared_ptr<const Credentials>(out);
}

Credentials::Read Credentials::read(const CredentialTexts& texts, WallTime now, std::chrono::milliseconds clock_skew,
                                    RunOut run_out) {
  const std::shared_ptr<Credentials> out(new Credentials);
  out->clock_skew_ = clock_skew;
  if (auto done = out->take(texts); !done) return base::Error(done.error());
  auto own = out->check_own(now, run_out);
  if (!own) return base::Error(own.error());
  out->own_ = std::move(*own);
  return std::shared_ptr<const Credentials>(out);
}

base::Result<Verified, std::string> Credentials::check_own(WallTime now, RunOut own) const {
  const auto refused = [](const Unverified& why) {
    return base::Error("others would refuse the certificate of --tls-cert: " + why.why);
  };
  if (const auto as_client = verify(leaf_.get(), chain_.get(), TlsSide::kClient, now, own); !as_client) {
    return refused(as_client.error());
  }
  auto as_server = verify(leaf_.get(), chain_.get(), TlsSide::kServer, now, own);
  if (!as_server) return refused(as_server.error());
  return *as_server;
}

base::Result<Verified, Unverified> Credentials::verify(X509* leaf, STACK_OF(X509) * others, TlsSide side, WallTime now,
                                                       RunOut run_out) const {
  using Kind = Unverified::Kind;
  Verified out;
  auto read = read_certificate(leaf);
  out.leaf = read ? *read : read.error().facts;
  const std::string of = " (" + out.leaf.told() + "; now " + to_text(now) + "; loaded are " + roots_told() + ")";
  if (!read) return base::Error(Unverified{Kind::kNotALeaf, read.error().why + of});
  if (issuers_in(others, leaf) > kMostIssuersShown) {
    return base::Error(Unverified{Kind::kNotALeaf, "it comes with " + std::to_string(issuers_in(others, leaf)) +
                                                       " certificates of issuers, and " +
                                                       std::to_string(kMostIssuersShown) + " are taken at most" + of});
  }
  if (auto fits = check_leaf(out.leaf, leaf); !fits) return base::Error(Unverified{Kind::kNotALeaf, fits.error() + of});

  const How how{clock_skew_, run_out, side, now};
  Chain chain = build_chain(store_.get(), leaf, others, how);
  for (std::size_t i = 0; chain.error == X509_V_ERR_CERT_SIGNATURE_FAILURE && i < namesakes_.size(); ++i) {
    Chain other = build_chain(namesakes_[i].get(), leaf, others, how);
    if (other.error == X509_V_OK) chain = std::move(other);
  }
  if (chain.error != X509_V_OK) {
    auto why = refusal_of(chain.error, side);
    why.why += of;
    return base::Error(std::move(why));
  }
  out.good_until = out.leaf.not_after;
  for (int i = 1; i < sk_X509_num(chain.certificates.get()); ++i) {
    out.root = read_issuer(sk_X509_value(chain.certificates.get(), i));
    out.good_until = std::min(out.good_until, out.root.not_after);
  }
  return out;
}

std::string Credentials::roots_told() const {
  constexpr std::size_t kNamed = 3;
  std::string out = base::counted(roots_.size(), "root") + ": ";
  for (std::size_t i = 0; i < std::min(kNamed, roots_.size()); ++i) {
    out += (i == 0 ? "" : ", ") + roots_[i].subject + " (" + roots_[i].fingerprint + ")";
  }
  return roots_.size() > kNamed ? out + ", ..." : out;
}

bool Credentials::shows_same_as(const Credentials& other) const {
  const int count = sk_X509_num(chain_.get());
  if (X509_cmp(leaf_.get(), other.leaf_.get()) != 0 || count != sk_X509_num(other.chain_.get())) return false;
  for (int i = 0; i < count; ++i) {
    if (X509_cmp(sk_X509_value(chain_.get(), i), sk_X509_value(other.chain_.get(), i)) != 0) return false;
  }
  return true;
}

bool Credentials::use_in(SSL_CTX* context) const {
  return SSL_CTX_use_cert_and_key(context, leaf_.get(), key_.get(), chain_.get(), 1) == 1;
}

}  // namespace ringside::net
