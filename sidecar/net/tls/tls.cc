#include "sidecar/net/tls/tls.h"

#include <algorithm>

#include <openssl/err.h>

#include "sidecar/base/check.h"
#include "sidecar/base/text.h"
#include "sidecar/net/tls/tls_context.h"
#include "sidecar/net/tls/tls_layer.h"

namespace ringside::net {
namespace {

// What stands for --member-id where none is given.
base::Result<base::IdentityPattern, std::string> own_identity(const CertificateFacts& own) {
  if (!own.uri.empty()) {
    if (const auto fits = base::check_spiffe_id(own.uri); !fits) {
      return base::Error("the URI name in the certificate of --tls-cert, " + base::told(own.uri) +
                         ", is not a SPIFFE id: it " + fits.error());
    }
    return *base::IdentityPattern::parse(own.uri);
  }
  if (own.dns.empty()) {
    return base::Error("the certificate of --tls-cert has neither a SPIFFE id nor a DNS name in it (subjectAltName): " +
                       own.told());
  }
  if (own.dns.size() == 1 && own.dns.front().find('*') != std::string::npos) {
    return base::Error(
        "the only DNS name in the certificate of --tls-cert is " + base::told(own.dns.front()) +
        ": one with a * names nobody, and the certificates of members need a name that all of them have");
  }
  if (own.dns.size() != 1) {
    return base::Error("the certificate of --tls-cert has " + std::to_string(own.dns.size()) +
                       " DNS names and no SPIFFE id, so that who may be a member has to be told: give --member-id "
                       "dns:NAME, with a name that the certificates of all members have");
  }
  auto named = base::IdentityPattern::parse("dns:" + own.dns.front());
  if (!named) return base::Error("the DNS name in the certificate of --tls-cert " + named.error());
  return *named;
}

}  // namespace

const char* to_string(HandshakeResult result) {
  constexpr const char* kWords[] = {"ok",       "plaintext",  "no-certificate", "untrusted",
                                    "expired",  "not-a-leaf", "identity",       "refused-by-peer",
                                    "protocol", "timeout",    "closed"};
  static_assert(std::size(kWords) == kHandshakeResults);
  return kWords[static_cast<std::size_t>(result)];
}

Tls::Tls(TlsOptions options) : options_(std::move(options)), live_(std::make_shared<Live>()) {
  for (auto* patterns : {&options_.members, &options_.callers}) {
    for (auto one = patterns->begin(); one != patterns->end();) {
      one = std::find(patterns->begin(), one, *one) == one ? std::next(one) : patterns->erase(one);
    }
  }
}
Tls::~Tls() = default;

base::Result<void, std::string> Tls::use(std::shared_ptr<const Credentials> credentials, Clock::time_point since) {
  std::vector<base::IdentityPattern> members = options_.members;
  if (members.empty()) {
    auto own = own_identity(credentials->own().leaf);
    if (!own) return base::Error(own.error());
    members.push_back(std::move(*own));
  }
  auto context = Context::make(credentials, members, options_);
  if (!context) return base::Error(context.error());
  members_ = std::move(members);
  context_ = std::move(*context);
  credentials_ = std::move(credentials);
  live_->roots_changed = true;
  live_->since = since;
  return {};
}

bool Tls::is_member_itself() const {
  const CertificateFacts& own = credentials_->own().leaf;
  return std::any_of(members_.begin(), members_.end(),
                     [&own](const base::IdentityPattern& one) { return one.matches(own.uri, own.dns); });
}

std::string Tls::members_told() const { return told(members_); }

std::unique_ptr<TlsLayer> Tls::layer(const Transport& transport, TlsSide side) {
  RINGSIDE_CHECK(context_);
  return std::make_unique<TlsLayer>(context_, live_, transport.descriptor(), transport.peer_address(), side);
}

void Tls::check_connections() {
  if (!credentials_) return;
  const WallTime wall = options_.wall();
  const auto now = Clock::now();
  const bool roots_changed = std::exchange(live_->roots_changed, false);
  std::vector<std::function<void()>> due;
  for (TlsLayer* layer : live_->layers) {
    if (!layer->established()) continue;
    const auto& owner = layer->owner();
    auto& leaving = layer->leaving();
    std::optional<TlsLayer::Leaving> due_now;
    if (roots_changed) due_now = layer->untrusted_by(*credentials_, wall, live_->since);
    if (!due_now && !leaving) due_now = layer->ends_because(*credentials_, wall, now);
    if (!leaving && !due_now) continue;
    if (!leaving && owner.leave) due.push_back(owner.leave);
    if (!leaving || (due_now && due_now->close_at < leaving->close_at)) leaving = std::move(due_now);
    if (owner.close && (now >= leaving->close_at || wall >= layer->good_until())) {
      due.push_back([close = owner.close, why = leaving->why] { close(why); });
    }
  }
  for (const auto& act : due) act();  // layers may be gone after each of them
}

std::size_t Tls::connections(TlsSide side) const {
  return static_cast<std::size_t>(std::count_if(live_->layers.begin(), live_->layers.end(), [side](TlsLayer* layer) {
    return layer->established() && layer->side() == side;
  }));
}

}  // namespace ringside::net
