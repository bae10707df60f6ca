#include "sidecar/core/calls/forwards.h"

#include <algorithm>
#include <utility>

#include "sidecar/core/check.h"

namespace ringside::core {

void Forwards::began(Token token, Forward forward) {
  const bool fresh = forwards_.emplace(token, std::move(forward)).second;
  RINGSIDE_CHECK(fresh);
}

std::optional<Forward> Forwards::end(Token token) {
  auto found = forwards_.extract(token);
  if (found.empty()) return std::nullopt;
  return std::move(found.mapped());
}

const Forward* Forwards::find(Token token) const {
  const auto found = forwards_.find(token);
  return found == forwards_.end() ? nullptr : &found->second;
}

const Forward& Forwards::at(Token token) const {
  const Forward* forward = find(token);
  RINGSIDE_CHECK(forward != nullptr);
  return *forward;
}

std::vector<Token> Forwards::to(const std::string& host) const {
  std::vector<Token> tokens;
  for (const auto& [token, forward] : forwards_) {
    if (forward.host == host) tokens.push_back(token);
  }
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

}  // namespace ringside::core
