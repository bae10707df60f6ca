#include "sidecar/core/life/initial_reset.h"

#include <algorithm>

#include "sidecar/core/spacing.h"

namespace ringside::core {
namespace {

constexpr Duration kFirstPause{50'000};
constexpr Duration kLastPause{1'000'000};
constexpr unsigned kFailuresBetweenLines = 32;  // in the log

}  // namespace

InitialReset::Next InitialReset::answered(const Deactivated& said) {
  question_ = DeactivationId();
  done_ = said.kind == Deactivated::Kind::kDone;
  detail_ = said.detail;
  if (done_) {
    detail_.clear();
    failures_ = 0;
    return {};
  }
  const bool to_be_logged = failures_ % kFailuresBetweenLines == 0;
  ++failures_;
  return {to_be_logged, std::max(said.retry_after, backoff(kFirstPause, failures_, kLastPause))};
}

void InitialReset::begin_anew() {
  question_ = DeactivationId();
  failures_ = 0;
  done_ = false;
  detail_.clear();
}

}  // namespace ringside::core
