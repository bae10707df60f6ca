// OpenSSL's objects, each freed by its own function.
#pragma once

#include <memory>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "sidecar/base/freed_by.h"

namespace ringside::net {

inline void free_certificates(STACK_OF(X509) * certificates) { sk_X509_pop_free(certificates, X509_free); }

using BioHandle = std::unique_ptr<BIO, base::FreedBy<BIO_free>>;
using CertificateHandle = std::unique_ptr<X509, base::FreedBy<X509_free>>;
using CertificatesHandle = std::unique_ptr<STACK_OF(X509), base::FreedBy<free_certificates>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, base::FreedBy<EVP_PKEY_free>>;
using StoreHandle = std::unique_ptr<X509_STORE, base::FreedBy<X509_STORE_free>>;
using StoreContextHandle = std::unique_ptr<X509_STORE_CTX, base::FreedBy<X509_STORE_CTX_free>>;
using SslContextHandle = std::unique_ptr<SSL_CTX, base::FreedBy<SSL_CTX_free>>;
using SslHandle = std::unique_ptr<SSL, base::FreedBy<SSL_free>>;

}  // namespace ringside::net
