// Whether a request that names a host as its sender comes from that host.
//
// Whoever reaches the peer port may write any name into ringside-source. A host whose name is an address speaks from
// that address, or shows a certificate that has that name or address in it. Where the name is a DNS name, or addresses
// are translated on the way, the sender proves itself: every request to a host carries a number that it has drawn for
// that host alone (ringside-proof). The receiver asks the sender, by its own connection to that name, whether the
// number is its own. Whoever only reads what hosts answer to anybody learns no such number. After the address
// validation of QUIC (RFC 9000, section 8).
//
//   b, to a:  Expire, ringside-source "b;7;...", ringside-proof 5f3a   -> unproven so far: the answer is "unverified"
//   a, to b:  Ping, ringside-proof-of 5f3a                             -> b answers: ringside-proof "yes"
//   b, to a:  Expire once more, with the same two                      -> b has said so itself
//
// A host of an earlier version proves nothing: its name is believed, as long as its own answers do not say otherwise.
// Under TLS it is believed only from the address where this host has reached it.
// Invariant: what has been proven for a host is of one generation, and was confirmed by its own connection. Loop thread
// only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "sidecar/core/peer_messages.h"
#include "sidecar/net/secure_layer.h"

namespace ringside::peer {

class Speakers {
 public:
  static constexpr std::size_t kMost = 4096;  // hosts, as many as may be candidates

  // Asks that host itself whether it has drawn that number; answered by was_asked(). Only of hosts that are known here.
  using Ask = std::function<void(const std::string& host, const std::string& proof)>;

  // The IP at which a host was reached last; empty where that is not known.
  using ReachedAt = std::function<std::string(const std::string& host)>;

  // random: 64 bits that nobody can foretell.
  Speakers(std::function<std::uint64_t()> random, Ask ask, ReachedAt reached_at)
      : random_(std::move(random)), ask_(std::move(ask)), reached_at_(std::move(reached_at)) {}

  // ---- this host speaks ----
  // The number that requests to that host carry: 16 hexadecimal digits. Empty: there are too many hosts.
  std::string proof_for(const std::string& host);
  bool has_drawn(const std::string& host, const std::string& proof) const;

  // ---- others speak ----
  // Where a request has come from.
  struct Origin {
    std::string ip;
    const net::SecurePeer* certificate = nullptr;  // null: plaintext
    std::string proof;                             // empty: it has none
  };
  // False: it comes from elsewhere, or from that host and it is yet to be asked, which is done here if `asks`.
  bool is_from(const core::Sender& sender, const Origin& origin, bool asks = true);
  // Its address, its certificate or its number proves it; nobody is asked.
  bool is_proven(const core::Sender& sender, const Origin& origin) const;
  // The host has answered a ping of ours, and knows of proofs.
  void proves(const std::string& host);
  // It has been asked whether that is its number. A failure to ask is a no.
  void was_asked(const std::string& host, const std::string& proof, bool yes);
  void forget(const std::string& host);  // it is not connected to any more

 private:
  struct Known {
    std::string drawn;  // by this host, for that one
    bool proves = false;
    core::Generation proven_in;
    std::string proven;
    core::Generation asked_in;
    std::string asked;  // not empty: a question is under way
  };

  std::function<std::uint64_t()> random_;
  Ask ask_;
  ReachedAt reached_at_;
  std::map<std::string, Known> hosts_;
};

}  // namespace ringside::peer
