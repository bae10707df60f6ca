#include "sidecar/tls/migration.h"

#include <algorithm>

#include "sidecar/base/text.h"

namespace ringside::tls {
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

std::optional<PeerTlsMode> read_mode(std::string_view word) {
  const auto found = std::find(core::kPeerTlsModes.begin(), core::kPeerTlsModes.end(), word);
  if (found == core::kPeerTlsModes.end()) return std::nullopt;
  return static_cast<PeerTlsMode>(found - core::kPeerTlsModes.begin());
}

}  // namespace

void Migration::heard(const std::string& host, bool under_tls, std::string_view mode) {
  if (peers_.size() >= kMost && !peers_.contains(host)) return;
  Peer& peer = peers_[host];
  peer.dials_tls = under_tls;
  if (!mode.empty()) peer.mode = read_mode(mode);
}

std::string Migration::next_step(PeerTlsMode mode, const std::vector<std::string>& peers) {
  std::erase_if(peers_,
                [&](const auto& entry) { return std::find(peers.begin(), peers.end(), entry.first) == peers.end(); });
  if (mode == PeerTlsMode::kOff) return "";
  if (mode == PeerTlsMode::kRequire) return "";
  std::vector<std::string> silent;
  std::vector<std::string> behind;
  for (const std::string& host : peers) {
    const auto found = peers_.find(host);
    if (found == peers_.end()) {
      silent.push_back(host);
    } else if (mode == PeerTlsMode::kSend) {
      if (!found->second.dials_tls) behind.push_back(host);
    } else if (!found->second.dials_tls && found->second.mode.value_or(PeerTlsMode::kOff) == PeerTlsMode::kOff) {
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
  if (peers.empty()) return "there are no peers; " + next + " is the next step";
  return (sends ? "all peers dial TLS: " : "all peers accept TLS: ") + next + " is safe, if every host says so";
}

}  // namespace ringside::tls
