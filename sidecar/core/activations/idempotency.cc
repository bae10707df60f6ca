#include "sidecar/core/activations/idempotency.h"

#include <cstring>

namespace ringside::core {
namespace {

constexpr char kStep = '\x1f';           // callers' keys are of printable characters
constexpr unsigned kMaxSteps = 16;       // clients follow fewer
constexpr std::size_t kAllocation = 16;  // what the allocator adds to each piece, and rounds up by

std::size_t held_by(const std::string& text) {
  const bool in_itself = text.capacity() < 16;
  return in_itself ? 0 : text.capacity() + kAllocation;
}

}  // namespace

struct IdempotencyWindow::Head {
  Fingerprint fingerprint = 0;
  std::uint32_t key = 0;     // bytes
  std::uint32_t result = 0;  // bytes
  Place leads_to = kNoPlace;
  Outcome outcome = Outcome::kApplied;
};

// Visits the entries, oldest first, until one is enough: `visit` returns true then.
template <typename Visit>
void IdempotencyWindow::each(Visit&& visit) const {
  std::string_view rest = entries_;
  while (!rest.empty()) {
    Head head;
    std::memcpy(&head, rest.data(), sizeof head);
    const std::string_view key = rest.substr(sizeof head, head.key);
    const std::string_view result = rest.substr(sizeof head + head.key, head.result);
    if (visit(head, key, result)) return;
    rest.remove_prefix(sizeof head + head.key + head.result);
  }
}

std::optional<Remembered> IdempotencyWindow::find(std::string_view key) const {
  std::optional<Remembered> found;
  each([&](const Head& head, std::string_view known, std::string_view result) {
    if (known != key) return false;
    found = {std::string(key), head.outcome, std::string(result), head.fingerprint, head.leads_to};
    return true;
  });
  return found;
}

std::string IdempotencyWindow::key_of(const Call& call) const {
  std::string key = call.idempotency_key;
  std::optional<Head> before;  // of the step that led here
  for (unsigned steps = 0; steps < kMaxSteps; ++steps) {
    const std::optional<Head> known = head_of(key);
    if (!known) return !before || before->leads_to == call.place ? key : call.idempotency_key;
    if (known->fingerprint == call.fingerprint || known->leads_to == kNoPlace) return key;
    before = known;
    key += kStep;
  }
  return call.idempotency_key;
}

std::optional<IdempotencyWindow::Head> IdempotencyWindow::head_of(std::string_view key) const {
  std::optional<Head> found;
  each([&](const Head& head, std::string_view known, std::string_view) {
    if (known == key) found = head;
    return found.has_value();
  });
  return found;
}

void IdempotencyWindow::remember(const Remembered& entry) {
  const std::size_t size = sizeof(Head) + entry.key.size() + entry.result.size();
  if (head_of(entry.key)) return;
  if (size > kMaxBytes) return remember({entry.key, Outcome::kUnknown, {}, entry.fingerprint, kNoPlace});
  std::size_t over = 0;
  std::size_t left = count_;
  each([&](const Head& head, std::string_view, std::string_view) {
    if (left < kMaxEntries && entries_.size() - over + size <= kMaxBytes) return true;
    over += sizeof head + head.key + head.result;
    --left;
    return false;
  });
  entries_.erase(0, over);
  count_ = left + 1;
  const Head head{entry.fingerprint, static_cast<std::uint32_t>(entry.key.size()),
                  static_cast<std::uint32_t>(entry.result.size()), entry.leads_to, entry.outcome};
  entries_.reserve(entries_.size() + size);
  entries_.append(reinterpret_cast<const char*>(&head), sizeof head).append(entry.key).append(entry.result);
}

std::vector<Remembered> IdempotencyWindow::all() const {
  std::vector<Remembered> out;
  out.reserve(count_);
  each([&](const Head& head, std::string_view key, std::string_view result) {
    out.push_back({std::string(key), head.outcome, std::string(result), head.fingerprint, head.leads_to});
    return false;
  });
  return out;
}

std::size_t IdempotencyWindow::held() const { return sizeof *this + kAllocation + held_by(entries_); }

std::size_t held_by(const Remembered& entry) { return sizeof entry + held_by(entry.key) + held_by(entry.result); }

}  // namespace ringside::core
