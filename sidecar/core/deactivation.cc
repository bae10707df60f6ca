#include "sidecar/core/deactivation.h"

#include <array>

namespace ringside::core {

std::string_view to_string(Deactivation why) {
  static constexpr std::array<std::string_view, kDeactivations> kWords = {
      "idle", "drain", "fenced", "turn-timeout", "yielded", "app-lost", "app-asked", "operator"};
  return kWords[static_cast<std::size_t>(why)];
}

}  // namespace ringside::core
