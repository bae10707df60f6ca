// Counts what hosts send one another. Nobody may ever send in a loop, and a change must cost no more than its share.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sidecar/core/peer_messages.h"

namespace ringside::sim {

inline constexpr std::size_t kKindsOfQuestion = std::variant_size_v<core::PeerRequest>;
inline constexpr std::array<std::string_view, kKindsOfQuestion> kKindNames{
    "ping", "negotiate", "ids",       "ownership", "legacy expiry", "closing",
    "join", "leave",     "inventory", "probe",     "ended"};

// What one host has sent in a run, all its processes together.
struct Sent {
  std::array<std::uint64_t, kKindsOfQuestion> questions{};  // by the kind of the request
  std::uint64_t asked = 0;     // questions for the sake of changes: all but pings, and but the ends of activations
  std::uint64_t answered = 0;  // answers to such questions

  std::uint64_t pings() const { return questions[0]; }
};

class Traffic {
 public:
  // Each with so many points on the ring.
  Traffic(std::size_t hosts, std::uint32_t points)
      : hosts_(hosts), points_(points), this_second_(hosts), most_(hosts), sent_(hosts) {}

  void question(std::size_t from, const core::PeerRequest& request, std::int64_t now);
  void answer(std::size_t from, const core::PeerAnswer& says);
  void forward() { ++forwards_; }
  // So many hosts began, or were heard again. Or ended, said that they would, or fell silent to some others.
  void start(std::size_t hosts = 1) { starts_ += hosts; }
  void end(std::size_t hosts = 1) { ends_ += hosts; }
  // So many stood still for a while, or were so busy when they began that their answers came late.
  void hardship(std::size_t hosts = 1) { hardships_ += hosts; }
  void moved(std::size_t ids) { moved_ += ids; }

  std::uint64_t pings() const { return pings_; }
  std::uint64_t questions() const { return questions_; }  // all but pings
  std::uint64_t forwards() const { return forwards_; }
  std::uint64_t starts() const { return starts_; }
  std::uint64_t ends() const { return ends_; }
  const std::vector<Sent>& sent() const { return sent_; }

  // The formulas of docs/guarantees.md. Empty: they hold. Where nothing gets lost, changes have their own bound.
  std::string broken(bool nothing_lost) const;
  // What changes may cost one host that is there all the time, where nothing else happens.
  std::uint64_t allowed_questions() const;
  std::uint64_t allowed_pings(std::int64_t run_us) const;
  std::string broken_by_changes(std::int64_t run_us) const;

 private:
  struct Second {
    std::int64_t second = 0;
    std::uint64_t sent = 0;
  };

  std::uint64_t changes() const { return starts_ + ends_; }

  std::size_t hosts_;
  std::uint64_t points_;
  std::vector<Second> this_second_;
  std::vector<std::uint64_t> most_;  // questions of one host in one second
  std::vector<Sent> sent_;           // by each host
  std::uint64_t pings_ = 0;
  std::uint64_t questions_ = 0;
  std::uint64_t expiries_ = 0;
  std::uint64_t forwards_ = 0;
  std::uint64_t starts_ = 0;
  std::uint64_t ends_ = 0;
  std::uint64_t hardships_ = 0;
  std::uint64_t moved_ = 0;
};

}  // namespace ringside::sim
