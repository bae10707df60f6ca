// Buffers that all connections of one loop share, since only one of them is read or written at a time: an idle
// connection then owns no buffer at all. A user has them only until it returns to the loop.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "sidecar/net/transport.h"

namespace ringside::net {

class LoopScratch {
 public:
  static constexpr std::size_t kSize = 256 * 1024;

  explicit LoopScratch(Loop&) : input_(std::make_unique<char[]>(kSize)) {}

  char* input() { return input_.get(); }
  // Empty when taken.
  std::string& output() {
    output_.clear();
    return output_;
  }

 private:
  std::unique_ptr<char[]> input_;
  std::string output_;
};

}  // namespace ringside::net
