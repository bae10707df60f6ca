#include "sidecar/core/membership/own_name.h"

#include <algorithm>

#include "sidecar/base/check.h"

namespace ringside::core {

void OwnName::begin_run(Generation generation) {
  RINGSIDE_CHECK(last_runs_.empty() || generation > last_runs_.back());
  last_runs_.push_back(generation);
  if (last_runs_.size() > kRunsRemembered) last_runs_.pop_front();
}

bool OwnName::is_this_process(Generation run) const {
  return std::find(last_runs_.begin(), last_runs_.end(), run) != last_runs_.end();
}

void OwnName::check(Generation present) const {
  RINGSIDE_CHECK(last_runs_.empty() ? present == 0 : present == last_runs_.back());
}

void OwnName::must_exceed(Generation declared_dead) {
  least_generation_ = std::max(least_generation_, declared_dead.next());
}

bool OwnName::hear_twin(Instant now) {
  const bool is_new = !has_twin(now);
  twin_heard_ = now;
  return is_new;
}

}  // namespace ringside::core
