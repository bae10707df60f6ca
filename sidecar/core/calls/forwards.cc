#include "sidecar/core/calls/forwards.h"

#include <algorithm>
#include <utility>

#include "sidecar/base/check.h"

namespace ringside::core {

void Forwards::began(ForwardId token, Forward forward) {
  const bool fresh = forwards_.emplace(token, std::move(forward)).second;
  RINGSIDE_CHECK(fresh);
}

std::optional<Forward> Forwards::end(ForwardId token) {
  auto found = forwards_.extract(token);
  if (found.empty()) return std::nullopt;
  return std::move(found.mapped());
}

const Forward* Forwards::find(ForwardId token) const {
  const auto found = forwards_.find(token);
  return found == forwards_.end() ? nullptr : &found->second;
}

const Forward& Forwards::at(ForwardId token) const {
  const Forward* forward = find(token);
  RINGSIDE_CHECK(forward != nullptr);
  return *forward;
}

std::vector<ForwardId> Forwards::to(const std::string& host) const {
  std::vector<ForwardId> tokens;
  for (const auto& [token, forward] : forwards_) {
    if (forward.host == host) tokens.push_back(token);
  }
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

}  // namespace ringside::core
