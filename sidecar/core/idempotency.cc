#include "sidecar/core/idempotency.h"

namespace ringside::core {

const Remembered* IdempotencyWindow::find(std::string_view key) const {
  for (const Remembered& entry : entries_) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

void IdempotencyWindow::remember(Remembered entry) {
  if (size_of(entry) > kMaxBytes || find(entry.key) != nullptr) return;
  bytes_ += size_of(entry);
  entries_.push_back(std::move(entry));
  while (entries_.size() > kMaxEntries || bytes_ > kMaxBytes) {
    bytes_ -= size_of(entries_.front());
    entries_.pop_front();
  }
}

}  // namespace ringside::core
