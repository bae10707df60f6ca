#include "sidecar/peer_tls/migration.h"

#include <algorithm>
#include <set>

#include "sidecar/base/text.h"
#include "sidecar/core/host_name.h"

namespace ringside::peer_tls {
namespace {

using core::PeerTlsMode;

constexpr std::size_t kNamed = 5;

std::string list(const std::vector<std::string>& hosts) {
  std::string out;
  for (std::size_t i = 0; i < std::min(kNamed, hosts.size()); ++i) out += (i == 0 ? "" : ", ") + hosts[i];
  return hosts.size() > kNamed ? out + ", ..." : out;
}

// "2 of 7 peers"
std::string part(std::size_t some, std::size_t all) {
  return std::to_string(some) + " of " + base::counted(all, "peer");
}

// The IP or DNS name in a host's name, without its port.
std::string address_of(const std::string& host) {
  const auto name = core::parse_host_name(host);
  return name ? name->address : host;
}

std::optional<PeerTlsMode> read_mode(std::string_view word) {
  const auto found = std::find(core::kPeerTlsModes.begin(), core::kPeerTlsModes.end(), word);
  if (found == core::kPeerTlsModes.end()) return std::nullopt;
  return static_cast<PeerTlsMode>(found - core::kPeerTlsModes.begin());
}

}  // namespace

bool Migration::heard(const std::string& host, const std::string& ip, bool under_tls, std::string_view mode) {
  const std::string& name = host.empty() ? ip : host;
  if (callers_.size() >= kMost && !callers_.contains(name)) return false;
  Caller& caller = callers_[name];
  caller.dials_tls = under_tls;
  if (!mode.empty()) caller.mode = read_mode(mode);
  return true;
}

void Migration::keep_only(const std::vector<std::string>& peers) {
  std::set<std::string> known;
  for (const std::string& peer : peers) known.insert({peer, address_of(peer)});
  std::erase_if(callers_, [&known](const auto& entry) { return !known.contains(entry.first); });
}

const Migration::Caller* Migration::find(const std::string& peer) const {
  auto found = callers_.find(peer);
  if (found == callers_.end()) found = callers_.find(address_of(peer));
  return found == callers_.end() ? nullptr : &found->second;
}

std::string Migration::next_step(PeerTlsMode mode, const std::vector<std::string>& peers, std::size_t plaintext) const {
  if (mode == PeerTlsMode::kOff || mode == PeerTlsMode::kRequire) return "";
  std::vector<std::string> silent;
  std::vector<std::string> behind;
  for (const std::string& host : peers) {
    const Caller* caller = find(host);
    if (caller == nullptr) {
      silent.push_back(host);
    } else if (!caller->dials_tls &&
               (mode == PeerTlsMode::kSend || caller->mode.value_or(PeerTlsMode::kOff) == PeerTlsMode::kOff)) {
      behind.push_back(host);
    }
  }
  const bool sends = mode == PeerTlsMode::kSend;
  const std::string next = sends ? "--peer-tls require" : "--peer-tls send";
  if (!behind.empty()) {
    const bool one = behind.size() == 1;
    const std::string what = sends ? (one ? " still dials plaintext: " : " still dial plaintext: ")
                                   : (one ? " does not accept TLS yet: " : " do not accept TLS yet: ");
    return part(behind.size(), peers.size()) + what + list(behind) + "; " + next + " is not safe before";
  }
  if (!silent.empty()) {
    return part(silent.size(), peers.size()) + (silent.size() == 1 ? " has" : " have") +
           " not called this host yet: " + list(silent) + "; wait before " + next;
  }
  // Whoever that is, it is no peer: those dial TLS.
  const std::string others = sends && plaintext > 0
                                 ? ", and ends " + base::counted(plaintext, "plaintext connection") +
                                       " of somebody who is not a member (a caller without TLS, perhaps)"
                                 : "";
  if (peers.empty()) return "there are no peers; " + next + " is the next step" + others;
  return (sends ? "all peers dial TLS: " : "all peers accept TLS: ") + next + " is safe, if every host says so" +
         others;
}

}  // namespace ringside::peer_tls
