// One accepted connection, as its listener sees it. Loop thread only.
#pragma once

#include <string_view>

#include <absl/functional/any_invocable.h>

namespace ringside::net {

class Connection {
 public:
  virtual ~Connection() = default;
  // Finish what runs, take nothing new, then end.
  virtual void drain() = 0;
  // End now; on_end still runs, later.
  virtual void close_now() = 0;
};

// Runs once, when the connection has ended. `incident` is empty, or says what the client did to deserve it.
using ConnectionEnd = absl::AnyInvocable<void(std::string_view incident)>;

}  // namespace ringside::net
