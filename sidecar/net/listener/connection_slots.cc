#include "sidecar/net/listener/connection_slots.h"

#include <algorithm>
#include <utility>

namespace ringside::net {

namespace {

// A connection that has asked nothing for so long gives its slot to a new one.
constexpr std::chrono::milliseconds kSilent{1'000};

}  // namespace

ConnectionSlots::ConnectionSlots(std::shared_ptr<Budget> slots, std::function<void(Id)> drop)
    : slots_(std::move(slots)), drop_(std::move(drop)) {}

bool ConnectionSlots::take(Id id, Client client, const std::string& address, Clock::time_point now) {
  const bool stranger = client == Client::kStranger;
  if (stranger) {
    const auto there = strangers_at_.find(address);
    const std::size_t of_address = std::max<std::size_t>(slots_->limit() / 2, 1);
    if (there != strangers_at_.end() && there->second.connections >= of_address) {
      if (!drop_oldest(there->second.silent, now)) return false;
    }
    const std::size_t of_strangers = std::max<std::size_t>(slots_->limit() - slots_->limit() / 4, 1);
    if (strangers_ >= of_strangers && !drop_oldest(silent_, now)) return false;
  }
  if (!slots_->take(1) && !(drop_oldest(silent_, now) && slots_->take(1))) return false;
  holders_[id] = {client, address, now};
  if (client != Client::kKnown) silent_.insert(id);
  if (stranger) {
    ++strangers_;
    Address& there = strangers_at_[address];
    ++there.connections;
    there.silent.insert(id);
  }
  return true;
}

void ConnectionSlots::has_asked(Id id) {
  silent_.erase(id);
  const auto holder = holders_.find(id);
  if (holder != holders_.end() && holder->second.client == Client::kStranger) {
    strangers_at_.at(holder->second.address).silent.erase(id);
  }
}

void ConnectionSlots::give_back(Id id) {
  const auto holder = holders_.find(id);
  if (holder == holders_.end()) return;
  has_asked(id);
  if (holder->second.client == Client::kStranger) {
    --strangers_;
    const auto there = strangers_at_.find(holder->second.address);
    if (--there->second.connections == 0) strangers_at_.erase(there);
  }
  holders_.erase(holder);
  slots_->give_back(1);
}

bool ConnectionSlots::drop_oldest(const std::set<Id>& silent, Clock::time_point now) {
  if (silent.empty() || now - holders_.at(*silent.begin()).since < kSilent) return false;
  drop_(*silent.begin());
  return true;
}

}  // namespace ringside::net
