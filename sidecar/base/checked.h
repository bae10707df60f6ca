// What surely is in a map or a variant. Where it is not, the process ends (base/check.h): std's own at() and get()
// would throw, and nobody catches that.
#pragma once

#include <variant>

#include "sidecar/base/check.h"

namespace ringside::base {

template <typename Map, typename Key>
auto& at(Map& map, const Key& key) {
  const auto found = map.find(key);
  RINGSIDE_CHECK(found != map.end());
  return found->second;
}

// as<std::string>(result)
template <typename T, typename Variant>
auto& as(Variant& variant) {
  auto* held = std::get_if<T>(&variant);
  RINGSIDE_CHECK(held != nullptr);
  return *held;
}

}  // namespace ringside::base
