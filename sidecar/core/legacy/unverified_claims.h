// What is said in the name of a legacy host that is known by a DNS name. A legacy host says no generation, and where a
// name leads this host cannot tell: the host itself is asked what it holds, and only what its own list bears out
// counts.
//
// Invariants
//  1. One question to a host is under way at a time; it answers all that was said before it.
//  2. Of one host at most kMost announcements wait, and kMostIds ids in them.
//  3. Of the host's list, which may be long, no more is kept than what was asked about.
// Loop thread only.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "sidecar/core/call.h"
#include "sidecar/core/peer_messages.h"

namespace ringside::core {

class UnverifiedClaims {
 public:
  static constexpr std::size_t kMost = 256;
  static constexpr std::size_t kMostIds = 32'768;

  struct Said {
    ReplyId token;        // to whoever says it
    bool expiry = false;  // it is to hold these no more
    std::vector<Claim> claims;

    // Of claims, those count that it holds; of expiries, those that it does not. (What it claimed may have ended
    // since.)
    std::vector<Claim> borne_out_by(const std::unordered_set<ActorId>& held) const;
  };
  enum class Next { kRefuse, kWait, kAsk };  // too many wait; a question is under way; the host is to be asked

  Next add(const std::string& host, Said said);
  // It says that it holds these: a slice of its list, of which there may be more.
  void holds(const std::string& host, const std::vector<ActorId>& ids);
  // The host has answered, or will not: what was said before it was asked, and which of those ids it has named.
  struct Answered {
    std::vector<Said> said;
    std::unordered_set<ActorId> held;
  };
  Answered answered(const std::string& host);
  // Afterwards: whether it is to be asked again, for what was said meanwhile.
  bool ask_again(const std::string& host);

  std::size_t hosts() const { return about_.size(); }
  void check() const;  // ends the process if an invariant does not hold

 private:
  struct About {
    std::vector<Said> asked;  // came before the question that is under way
    std::vector<Said> later;
    std::unordered_set<ActorId> asked_ids, held;  // of `asked`
    std::size_t waiting_ids = 0;                  // of both
  };
  static void ask(About& about, Said said);
  std::map<std::string, About> about_;
};

}  // namespace ringside::core
