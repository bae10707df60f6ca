#include "sidecar/net/tls/tls_layer.h"

#include <algorithm>
#include <cerrno>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>

#include "sidecar/base/check.h"
#include "sidecar/net/tls/tls_context.h"

namespace ringside::net {
namespace {

// Before certificates run out, so that what is under way may end.
constexpr std::chrono::seconds kLeaveBefore{10};
// Nothing outlives a root that was removed by more than 10 s, of which one is between two looks at the connections.
constexpr std::chrono::seconds kUntrustedAtMost{9};
// After this host's certificate has been replaced.
constexpr std::chrono::seconds kLeaveReplacedWithin{4};
// So that connections that were made together are not left together.
constexpr double kLeastPartOfAge = 0.9;
// How much of what has arrived is looked at in one loop iteration: a few records of data, and no more of a handshake
// than its longest message. The shortest record has 23 bytes and costs a microsecond, the shortest message 27 bytes and
// five.
constexpr std::size_t kReadAtOnce = std::size_t{68} * 1024;
constexpr std::size_t kHandshakeAtOnce = std::size_t{20} * 1024;
// Messages of TLS itself once the handshake is done. An honest end sends a ticket or two, and a KeyUpdate after some
// million records.
constexpr double kMessagesAtOnce = 32;
constexpr double kMessagesPerSecond = 1;

bool any_matches(const std::vector<base::IdentityPattern>& patterns, const CertificateFacts& facts) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const base::IdentityPattern& one) { return one.matches(facts.uri, facts.dns); });
}

HandshakeResult result_of(Unverified::Kind kind) {
  switch (kind) {
    case Unverified::Kind::kExpired:
      return HandshakeResult::kExpired;
    case Unverified::Kind::kNotALeaf:
      return HandshakeResult::kNotALeaf;
    case Unverified::Kind::kUntrusted:
      break;
  }
  return HandshakeResult::kUntrusted;
}

// The alert that the other end gets.
int error_for(HandshakeResult result) {
  switch (result) {
    case HandshakeResult::kUntrusted:
      return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;  // unknown_ca
    case HandshakeResult::kExpired:
      return X509_V_ERR_CERT_HAS_EXPIRED;  // certificate_expired
    default:
      return X509_V_ERR_CERT_REJECTED;  // bad_certificate
  }
}

// What an alert of the other end says about us.
std::string meaning_of(int reason) {
  switch (reason) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "it does not know who issued our certificate: its roots lack that root";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return "to it, our certificate has expired, or is not valid yet";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
      return "it takes no certificate like ours, by its identity or by what it may be used for; its log has the reason";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "it wants a certificate, and got none";
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return "it does not speak TLS 1.3";
    case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
      return "it does not speak HTTP/2 over TLS (ALPN h2)";
    default:
      return "";
  }
}

bool is_alert(int reason) { return reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256; }

std::string text_of(unsigned long error) {
  const char* text = ERR_reason_error_string(error);
  return text != nullptr ? text : "unknown reason";
}

}  // namespace

TlsLayer::TlsLayer(std::shared_ptr<const Tls::Context> context, std::shared_ptr<Tls::Live> live, int descriptor,
                   std::string address, TlsSide side)
    : context_(std::move(context)),
      live_(std::move(live)),
      side_(side),
      socket_(descriptor),
      messages_(kMessagesAtOnce, kMessagesPerSecond),
      address_(std::move(address)) {
  ssl_.reset(SSL_new(side == TlsSide::kServer ? context_->server.get() : context_->client.get()));
  RINGSIDE_CHECK(ssl_);
  BIO* bio = socket_.bio().release();
  SSL_set_bio(ssl_.get(), bio, bio);  // which owns it
  SSL_set_app_data(ssl_.get(), this);
  if (side == TlsSide::kServer) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
  live_->layers.insert(this);
}

TlsLayer::~TlsLayer() { live_->layers.erase(this); }

TlsLayer::Progress TlsLayer::handshake() {
  ERR_clear_error();
  socket_.allow(kHandshakeAtOnce);
  const int done = SSL_do_handshake(ssl_.get());
  if (done != 1) {
    switch (SSL_get_error(ssl_.get(), done)) {
      case SSL_ERROR_WANT_READ:
        return Progress::kWantsRead;
      case SSL_ERROR_WANT_WRITE:
        return Progress::kWantsWrite;
      case SSL_ERROR_SSL:
        return explain_failure();
      default:
        return fail(HandshakeResult::kClosed, "the connection ended before the handshake was done");
    }
  }
  // One that says nothing of ALPN is not refused by OpenSSL.
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &chosen, &size);
  if (std::string_view(reinterpret_cast<const char*>(chosen), size) != "h2") {
    return fail(HandshakeResult::kProtocol, "the other end does not speak HTTP/2 over TLS (ALPN h2)");
  }
  RINGSIDE_CHECK(peer_ && !refused_because_);
  established_ = true;
  if (side_ == TlsSide::kServer) report(HandshakeResult::kOk);
  const double part = kLeastPartOfAge + (1 - kLeastPartOfAge) * context_->random();
  leave_at_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(part * context_->max_age);
  return Progress::kDone;
}

int TlsLayer::verify(X509_STORE_CTX* shown) {
  const TlsSide theirs = side_ == TlsSide::kServer ? TlsSide::kClient : TlsSide::kServer;
  const auto refuse = [&](HandshakeResult as, std::string why) {
    refused_as_ = as;
    refused_because_ = std::move(why);
    X509_STORE_CTX_set_error(shown, error_for(as));
    return 0;
  };
  const auto verified = context_->credentials->verify(X509_STORE_CTX_get0_cert(shown),
                                                      X509_STORE_CTX_get0_untrusted(shown), theirs, context_->wall());
  if (!verified) {
    return refuse(result_of(verified.error().kind), "its certificate is refused: " + verified.error().why);
  }
  const CertificateFacts& leaf = verified->leaf;
  const bool member = any_matches(context_->members, leaf);
  if (!member && (side_ == TlsSide::kClient || !any_matches(context_->callers, leaf))) {
    std::string why =
        "its identity is refused: found " + leaf.told() + "; wanted is a member, " + told(context_->members);
    if (side_ == TlsSide::kServer && !context_->callers.empty()) {
      why += ", or a caller, " + told(context_->callers);
    }
    return refuse(HandshakeResult::kIdentity, why + " (--member-id, --caller-id)");
  }
  SecurePeer peer;
  peer.identity = leaf.identity();
  peer.member = member;
  peer.names = leaf.dns;
  peer.names.insert(peer.names.end(), leaf.ips.begin(), leaf.ips.end());
  peer_ = std::make_shared<const SecurePeer>(std::move(peer));
  peer_good_until_ = verified->good_until;
  X509_STORE_CTX_set_error(shown, X509_V_OK);
  return 1;
}

TlsLayer::Progress TlsLayer::fail(HandshakeResult as, std::string why) {
  broken_ = true;
  failure_ = std::move(why);
  ERR_clear_error();
  report(as);
  return Progress::kFailed;
}

void TlsLayer::give_up() { fail(HandshakeResult::kTimeout, "the handshake took too long"); }

void TlsLayer::report(HandshakeResult result) {
  if (std::exchange(reported_, true)) return;
  if (context_->on_handshake) context_->on_handshake(side_, result, address_, failure_);
}

void TlsLayer::on_message() {
  if (!established_ || messages_.take(1, Clock::now())) return;
  floods_ = true;
  // OpenSSL looks at nothing more of what it has read already.
  SSL_set_shutdown(ssl_.get(), SSL_RECEIVED_SHUTDOWN);
}

error_code TlsLayer::end_flood() {
  if (!broken_) {
    fail(HandshakeResult::kProtocol,
         "the other end sends messages of TLS that carry no data, as KeyUpdate is, one after the other");
    if (context_->on_flood) context_->on_flood(side_, address_, failure_);
  }
  return boost::asio::error::make_error_code(boost::asio::error::connection_aborted);
}

// A client has heard nothing yet.
void TlsLayer::ended_early() {
  if (!reported_) fail(HandshakeResult::kClosed, "the connection ended before the other end had said anything");
}

TlsLayer::Progress TlsLayer::explain_failure() {
  if (refused_because_) return fail(refused_as_, *refused_because_);
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  if (is_alert(reason)) {
    std::string meaning = meaning_of(reason);
    if (!meaning.empty()) meaning = ": " + meaning;
    return fail(HandshakeResult::kRefusedByPeer,
                "the other end refuses the handshake (" + text_of(error) + ")" + meaning);
  }
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return fail(HandshakeResult::kNoCertificate, "the other end shows no certificate");
    case SSL_R_HTTP_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      if (side_ == TlsSide::kClient) {
        return fail(HandshakeResult::kPlaintext,
                    "the other end speaks plaintext (" + text_of(error) +
                        "): its --peer-tls is off, or that is not the peer port of a Ringside host");
      }
      return fail(HandshakeResult::kProtocol, "the other end does not speak TLS (" + text_of(error) + ")");
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNKNOWN_PROTOCOL:
      return fail(HandshakeResult::kProtocol, "the other end does not speak TLS 1.3, the only version that is taken");
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
      return fail(HandshakeResult::kNotALeaf,
                  "the other end shows more than 16 KiB of certificates, which is more than "
                  "any chain of ours has");
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
      return fail(HandshakeResult::kProtocol,
                  "the other end offers no key exchange that is taken here: X25519, P-256 or P-384");
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return fail(HandshakeResult::kProtocol, "the other end does not speak HTTP/2 over TLS (ALPN h2)");
    default:
      return fail(HandshakeResult::kProtocol, "the handshake failed: " + text_of(error));
  }
}

error_code TlsLayer::end_of(int result) {
  const int saved = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return boost::asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN:
      ended_early();
      return boost::asio::error::eof;
    case SSL_ERROR_SYSCALL:
      broken_ = true;
      ended_early();
      if (saved == 0) return boost::asio::error::eof;
      return {saved, boost::system::system_category()};
    default: {
      const error_code ec(static_cast<int>(ERR_peek_error()), boost::asio::error::get_ssl_category());
      explain_failure();
      return ec;
    }
  }
}

std::size_t TlsLayer::read_some(char* data, std::size_t size, error_code& ec) {
  ERR_clear_error();
  errno = 0;
  std::size_t total = 0;
  drained_ = false;
  socket_.allow(kReadAtOnce);
  // Each takes one record, of 16 KiB at most.
  while (total < size) {
    std::size_t got = 0;
    const int done = SSL_read_ex(ssl_.get(), data + total, size - total, &got);
    if (done == 1) {
      total += got;
      report(HandshakeResult::kOk);
      continue;
    }
    drained_ = true;
    ec = floods_ ? end_flood() : end_of(done);
    if (total == 0) return 0;
    break;  // the next one says it again
  }
  ec = {};
  return total;
}

std::size_t TlsLayer::write_some(const char* data, std::size_t size, error_code& ec) {
  ec = {};
  if (size == 0) return 0;
  ERR_clear_error();
  errno = 0;
  std::size_t taken = 0;
  const int done = SSL_write_ex(ssl_.get(), data, size, &taken);
  if (done != 1) ec = end_of(done);
  return done == 1 ? taken : 0;
}

bool TlsLayer::holds_input() const { return !drained_ && SSL_has_pending(ssl_.get()) == 1; }

void TlsLayer::say_end() {
  if (broken_ || !established_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

WallTime TlsLayer::good_until() const {
  const WallTime own = context_->credentials->own().good_until;
  return std::min(own, peer_good_until_) + context_->clock_skew;
}

std::optional<TlsLayer::Leaving> TlsLayer::ends_because(const Credentials& now_used, WallTime wall,
                                                        Clock::time_point now) {
  const Clock::time_point close_at = now + context_->to_leave;
  if (wall >= good_until() - kLeaveBefore) {
    return Leaving{"a certificate of this connection runs out at " + to_text(good_until() - context_->clock_skew),
                   close_at};
  }
  if (!replaced_ && !now_used.shows_same_as(*context_->credentials)) {
    replaced_ = true;
    const auto spread = std::chrono::duration_cast<Clock::duration>(context_->random() * kLeaveReplacedWithin);
    leave_at_ = std::min(leave_at_, now + spread);
  }
  if (now < leave_at_) return std::nullopt;
  return Leaving{replaced_ ? "this host has another certificate now" : "it is old (--peer-connection-max-age)",
                 close_at};
}

std::optional<TlsLayer::Leaving> TlsLayer::untrusted_by(const Credentials& now_used, WallTime wall,
                                                        Clock::time_point since) {
  const TlsSide theirs = side_ == TlsSide::kServer ? TlsSide::kClient : TlsSide::kServer;
  X509* leaf = SSL_get0_peer_certificate(ssl_.get());
  const auto verified = now_used.verify(leaf, SSL_get_peer_cert_chain(ssl_.get()), theirs, wall);
  if (verified) return std::nullopt;
  return Leaving{"its certificate is not good any more: " + verified.error().why, since + kUntrustedAtMost};
}

}  // namespace ringside::net
