#include "sidecar/net/tls/tls_context.h"

#include <string_view>

#include <openssl/err.h>

#include "sidecar/base/check.h"
#include "sidecar/net/tls/tls_layer.h"

namespace ringside::net {
namespace {

constexpr unsigned char kAlpn[] = {2, 'h', '2'};
// No others: ffdhe8192 costs tens of milliseconds of the loop, and a stranger one hello of 1.3 KB.
constexpr char kGroups[] = "X25519:P-256:P-384";
// AES-128 first: the cheapest where the processor helps, as all that Ringside runs on do.
constexpr char kCiphers[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

int verify(X509_STORE_CTX* shown, void*) {
  const int at = SSL_get_ex_data_X509_STORE_CTX_idx();
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(shown, at));
  return static_cast<TlsLayer*>(SSL_get_app_data(ssl))->verify(shown);
}

void hear_message(int written, int, int type, const void*, std::size_t, SSL* ssl, void*) {
  if (written == 0 && type == SSL3_RT_HANDSHAKE) static_cast<TlsLayer*>(SSL_get_app_data(ssl))->on_message();
}

int choose_alpn(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered, unsigned length,
                void*) {
  unsigned char* found = nullptr;
  const int result = SSL_select_next_proto(&found, size, kAlpn, sizeof kAlpn, offered, length);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

SslContextHandle make_context(TlsSide side, const Credentials& credentials) {
  const bool server = side == TlsSide::kServer;
  SslContextHandle made(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  SSL_CTX* context = made.get();
  RINGSIDE_CHECK(context != nullptr);
  SSL_CTX_set_security_level(context, kTlsSecurityLevel);
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context, kCiphers);
  RINGSIDE_CHECK(SSL_CTX_set1_groups_list(context, kGroups) == 1);
  // Nothing is resumed: a resumed session skips the check of the certificate.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  // HTTP/2 says by itself where a stream ends.
  SSL_CTX_set_options(
      context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify, nullptr);
  SSL_CTX_set_max_cert_list(context, static_cast<long>(kMostBytesShown));
  SSL_CTX_set_msg_callback(context, hear_message);
  if (server) {
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, nullptr);
  } else {
    SSL_CTX_set_alpn_protos(context, kAlpn, sizeof kAlpn);
  }
  if (!credentials.use_in(context)) return nullptr;
  return made;
}

}  // namespace

std::string told(const std::vector<base::IdentityPattern>& patterns) {
  std::string out;
  for (const base::IdentityPattern& one : patterns) out += (out.empty() ? "" : " or ") + one.text();
  return out;
}

base::Result<std::shared_ptr<const Tls::Context>, std::string> Tls::Context::make(
    std::shared_ptr<const Credentials> credentials, std::vector<base::IdentityPattern> members,
    const TlsOptions& options) {
  auto out = std::make_shared<Context>();
  ERR_clear_error();
  out->server = make_context(TlsSide::kServer, *credentials);
  out->client = make_context(TlsSide::kClient, *credentials);
  if (!out->server || !out->client) {
    const char* reason = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    return base::Error(std::string("OpenSSL refuses the certificate or the key: ") +
                       (reason != nullptr ? reason : "unknown reason"));
  }
  out->credentials = std::move(credentials);
  out->members = std::move(members);
  out->callers = options.callers;
  out->clock_skew = options.clock_skew;
  out->max_age = options.max_age;
  out->to_leave = options.to_leave;
  out->wall = options.wall;
  out->random = options.random;
  out->on_handshake = options.on_handshake;
  out->on_flood = options.on_flood;
  return std::shared_ptr<const Context>(std::move(out));
}

}  // namespace ringside::net
