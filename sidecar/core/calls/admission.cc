#include "sidecar/core/calls/admission.h"

#include "sidecar/base/check.h"

namespace ringside::core {
namespace {

constexpr std::size_t kUncountedPart = 4;  // of --queue-bytes

}  // namespace

Admission::Entry Admission::admit(const Call& call) {
  Entry entry;
  bytes_ += call.weight();
  if (bytes_ > queue_bytes_) {
    entry.may_go_on = base::Error(Answer::failed(Outcome::kOverloaded, Reason::kQueueBytesFull));
    return entry;
  }
  if (bytes_ <= queue_bytes_ / kUncountedPart) return entry;
  std::size_t& share = shares_[call.id];
  share += call.weight();
  entry.counted = true;
  if (share == call.weight() || share <= queue_bytes_ - bytes_) return entry;
  entry.may_go_on =
      base::Error(Answer::failed(Outcome::kOverloaded, Reason::kActorQueueFull,
                                 "calls of " + std::to_string(share) + " bytes wait for actor " + to_string(call.id) +
                                     ", and the other actors need what is left of "
                                     "--queue-bytes"));
  return entry;
}

void Admission::release(const Call& call, bool counted) {
  RINGSIDE_CHECK(bytes_ >= call.weight());
  bytes_ -= call.weight();
  if (!counted) return;
  const auto share = shares_.find(call.id);
  RINGSIDE_CHECK(share != shares_.end() && share->second >= call.weight());
  share->second -= call.weight();
  if (share->second == 0) shares_.erase(share);
}

}  // namespace ringside::core
