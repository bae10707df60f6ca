// An accepted connection before it is served: what all of them have in common, which is a transport, a time that it
// has, and an end. Loop thread only.
#pragma once

#include <chrono>
#include <memory>

#include "sidecar/net/connection.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class EarlyConnection : public Connection, public std::enable_shared_from_this<EarlyConnection> {
 public:
  // What the client has sent already is still looked at; one that says nothing soon is closed.
  void drain() override { arm(kDrainAllowance); }
  void close_now() override;

 protected:
  EarlyConnection(Loop& loop, Transport transport, ConnectionEnd on_end);

  // It is closed after this time.
  void arm(std::chrono::milliseconds after);
  // on_readable() follows, unless it is over by then.
  void wait_readable();
  virtual void on_readable() = 0;
  // It goes on elsewhere: on_end does not run.
  void hand_over();
  bool is_over() const { return over_; }
  Transport& transport() { return transport_; }

 private:
  static constexpr std::chrono::milliseconds kDrainAllowance{200};

  Transport transport_;
  ConnectionEnd on_end_;
  Timer timer_;
  bool over_ = false;
};

}  // namespace ringside::net
