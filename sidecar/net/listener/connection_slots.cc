#include "sidecar/net/listener/connection_slots.h"

#include <algorithm>

namespace ringside::net {

bool ConnectionSlots::take(Id id, Client client, const std::string& address) {
  const bool stranger = client == Client::kStranger;
  if (stranger) {
    const auto there = strangers_at_.find(address);
    const std::size_t of_address = std::max<std::size_t>(limit() / 2, 1);
    const bool has_its_part = there != strangers_at_.end() && there->second >= of_address;
    if (has_its_part && !yields_->free_slot_of(address)) return false;
    const std::size_t of_strangers = std::max<std::size_t>(limit() - limit() / 4, 1);
    if (strangers_ >= of_strangers && !yields_->free_slot()) return false;
  }
  if (!slots_->take(1) && !(yields_->free_slot() && slots_->take(1))) return false;
  holders_[id] = {client, address};
  if (stranger) {
    ++strangers_;
    ++strangers_at_[address];
  }
  return true;
}

void ConnectionSlots::give_back(Id id) {
  const auto holder = holders_.find(id);
  if (holder == holders_.end()) return;
  if (holder->second.client == Client::kStranger) {
    --strangers_;
    const auto there = strangers_at_.find(holder->second.address);
    if (--there->second == 0) strangers_at_.erase(there);
  }
  holders_.erase(holder);
  slots_->give_back(1);
}

}  // namespace ringside::net
