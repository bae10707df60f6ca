// How the connections between hosts are secured, as it is told to operators. The core itself does not ask.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace ringside::core {

// --peer-tls, in the order in which a cluster goes through them.
enum class PeerTlsMode : std::uint8_t { kOff, kAccept, kSend, kRequire };
inline constexpr std::array<const char*, 4> kPeerTlsModes{"off", "accept", "send", "require"};
inline const char* to_string(PeerTlsMode mode) { return kPeerTlsModes.at(static_cast<std::size_t>(mode)); }

struct PeerSecurity {
  PeerTlsMode mode = PeerTlsMode::kOff;
  // Empty and 0 where it is off. Times are seconds since 1970.
  std::string certificate;  // this host's: whose, who issued it, when it is valid
  std::string members;      // who may be one
  std::string roots;
  double certificate_begins = 0;
  double certificate_expires = 0;  // the first of the chain that runs out
  double root_begins = 0;          // the one that holds this host's chain
  double root_expires = 0;
  std::string files_problem;  // why what stands in the files is not used; empty: it is
  std::string next_step;      // which one it is, and whether all are ready for it; a sentence
  // By direction ("in", "out"), and whether under TLS.
  std::map<std::pair<std::string, bool>, std::size_t> connections;
  std::map<std::pair<std::string, std::string>, std::uint64_t> handshakes;  // by direction and result
  std::map<std::string, std::uint64_t> floods;   // by direction: connections ended for messages of TLS without data
  std::map<std::string, std::uint64_t> reloads;  // by result: "ok", "refused"
};

}  // namespace ringside::core
