// An entry that has been taken out of a map, where it was: neither copied nor moved. Empty: the map did not have it.
#pragma once

#include <utility>

namespace ringside::core {

template <typename Map>
class TakenOut {
 public:
  explicit TakenOut(typename Map::node_type node) : node_(std::move(node)) {}

  explicit operator bool() const { return !node_.empty(); }
  typename Map::mapped_type& operator*() const { return node_.mapped(); }
  typename Map::mapped_type* operator->() const { return &node_.mapped(); }

 private:
  typename Map::node_type node_;
};

}  // namespace ringside::core
