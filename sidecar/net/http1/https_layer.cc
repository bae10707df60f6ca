#include "sidecar/net/http1/https_layer.h"

#include <cerrno>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>

#include "sidecar/base/check.h"

namespace ringside::net {
namespace {

constexpr std::size_t kReadAtOnce = std::size_t{64} * 1024;

std::string last_reason() {
  const char* const text = ERR_reason_error_string(ERR_peek_error());
  return text != nullptr ? text : "the connection ended";
}

}  // namespace

base::Result<SslContextHandle, std::string> HttpsLayer::trust(const std::string& ca_file) {
  ERR_clear_error();
  SslContextHandle made(SSL_CTX_new(TLS_client_method()));
  RINGSIDE_CHECK(made);
  SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_file(made.get(), ca_file.c_str()) == 1) return made;
  const std::string why = last_reason();
  ERR_clear_error();
  return base::Error("cannot read the certificates in " + ca_file + ": " + why);
}

HttpsLayer::HttpsLayer(SSL_CTX& trusted, const Endpoint& server, int descriptor)
    : socket_(descriptor), ssl_(SSL_new(&trusted)) {
  RINGSIDE_CHECK(ssl_);
  BIO* const bio = socket_.bio().release();
  SSL_set_bio(ssl_.get(), bio, bio);  // which owns it
  SSL_set_connect_state(ssl_.get());
  const char* const host = server.host.c_str();
  // A server name is a name; RFC 6066 has no room for addresses.
  if (server.is_literal()) {
    RINGSIDE_CHECK(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), host) == 1);
  } else {
    RINGSIDE_CHECK(SSL_set1_host(ssl_.get(), host) == 1 && SSL_set_tlsext_host_name(ssl_.get(), host) == 1);
  }
}

HttpsLayer::Progress HttpsLayer::handshake() {
  ERR_clear_error();
  socket_.allow(kReadAtOnce);
  const int done = SSL_do_handshake(ssl_.get());
  if (done == 1) return Progress::kDone;
  const int error = SSL_get_error(ssl_.get(), done);
  if (error == SSL_ERROR_WANT_READ) return Progress::kWantsRead;
  if (error == SSL_ERROR_WANT_WRITE) return Progress::kWantsWrite;
  failure_ = last_reason();
  // Its verdict on the certificate says more than "certificate verify failed".
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (verdict != X509_V_OK) failure_ += std::string(" (") + X509_verify_cert_error_string(verdict) + ")";
  ERR_clear_error();
  return Progress::kFailed;
}

boost::system::error_code HttpsLayer::end_of(int result) {
  const int saved = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return boost::asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN:
      return boost::asio::error::eof;
    case SSL_ERROR_SYSCALL:
      if (saved != 0) return {saved, boost::system::system_category()};
      return boost::asio::ssl::error::stream_truncated;
    default:
      return {static_cast<int>(ERR_peek_error()), boost::asio::error::get_ssl_category()};
  }
}

std::size_t HttpsLayer::read_some(char* data, std::size_t size, boost::system::error_code& ec) {
  ERR_clear_error();
  errno = 0;
  ec = {};
  socket_.allow(kReadAtOnce);
  std::size_t got = 0;
  const int done = SSL_read_ex(ssl_.get(), data, size, &got);
  if (done != 1) ec = end_of(done);
  return done == 1 ? got : 0;
}

std::size_t HttpsLayer::write_some(const char* data, std::size_t size, boost::system::error_code& ec) {
  ERR_clear_error();
  errno = 0;
  ec = {};
  std::size_t taken = 0;
  const int done = SSL_write_ex(ssl_.get(), data, size, &taken);
  if (done != 1) ec = end_of(done);
  return done == 1 ? taken : 0;
}

void HttpsLayer::say_end() {
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace ringside::net
