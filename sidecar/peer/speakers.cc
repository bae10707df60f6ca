#include "sidecar/peer/speakers.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "sidecar/core/host_name.h"

namespace ringside::peer {

std::string Speakers::proof_for(const std::string& host) {
  auto found = hosts_.find(host);
  if (found == hosts_.end()) {
    if (hosts_.size() >= kMost) return "";
    found = hosts_.emplace(host, Known()).first;
  }
  std::string& drawn = found->second.drawn;
  if (drawn.empty()) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(random_()));
    drawn = text;
  }
  return drawn;
}

bool Speakers::has_drawn(const std::string& host, const std::string& proof) const {
  const auto found = hosts_.find(host);
  return found != hosts_.end() && !proof.empty() && found->second.drawn == proof;
}

bool Speakers::is_proven(const core::Sender& sender, const Origin& origin) const {
  const auto name = core::parse_host_name(sender.host);
  if (name && name->is_ip && name->address == origin.ip) return true;
  if (name && origin.certificate != nullptr) {
    const auto& names = origin.certificate->names;
    if (std::find(names.begin(), names.end(), name->address) != names.end()) return true;
  }
  const auto found = hosts_.find(sender.host);
  if (found == hosts_.end() || origin.proof.empty()) return false;
  return found->second.proven == origin.proof && found->second.proven_in == sender.generation;
}

bool Speakers::is_from(const core::Sender& sender, const Origin& origin, bool asks) {
  if (is_proven(sender, origin)) return true;
  const auto name = core::parse_host_name(sender.host);
  const std::string& proof = origin.proof;
  const auto found = hosts_.find(sender.host);
  if (found == hosts_.end()) return !(name && name->is_ip);  // nobody here has asked it anything
  if (!found->second.proves) {                               // it could not prove it
    return origin.certificate == nullptr || origin.ip == reached_at_(sender.host);
  }
  Known& known = found->second;
  if (proof.empty()) return false;
  if (asks && known.asked.empty()) {
    known.asked = proof;
    known.asked_in = sender.generation;
    ask_(sender.host, proof);
  }
  return false;
}

void Speakers::proves(const std::string& host) {
  if (const auto found = hosts_.find(host); found != hosts_.end()) found->second.proves = true;
}

void Speakers::was_asked(const std::string& host, const std::string& proof, bool yes) {
  const auto found = hosts_.find(host);
  if (found == hosts_.end() || found->second.asked != proof) return;
  Known& known = found->second;
  known.asked.clear();
  if (!yes) return;
  known.proven = proof;
  known.proven_in = known.asked_in;
}

void Speakers::forget(const std::string& host) { hosts_.erase(host); }

}  // namespace ringside::peer
