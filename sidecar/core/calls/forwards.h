// Calls that were sent to another host and have not been answered. Loop thread only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sidecar/core/call.h"

namespace ringside::core {

struct Forward {
  CallId call;
  std::string host;
  Epoch epoch = 0;  // of the activation that is meant; 0: whichever there is
  bool legacy = false;
  bool bounce = false;  // a legacy host sent it here, and it went to another one (legacy/bounces.h)
  Instant began;
};

class Forwards {
 public:
  void began(ForwardId token, Forward forward);
  // It is over, answered or abandoned; nothing: it was over before.
  std::optional<Forward> end(ForwardId token);

  const Forward* find(ForwardId token) const;
  const Forward& at(ForwardId token) const;                  // one that is under way
  std::vector<ForwardId> to(const std::string& host) const;  // in the order in which they were sent
  std::size_t size() const { return forwards_.size(); }

 private:
  std::unordered_map<ForwardId, Forward> forwards_;
};

}  // namespace ringside::core
