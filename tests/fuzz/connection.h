// A connection whose one end is the code that is fed, and whose other end reads whatever is answered.
#pragma once

#include <string_view>

#include "sidecar/net/transport.h"

namespace ringside::fuzz {

class Connection {
 public:
  Connection();
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  net::Loop& loop() { return loop_; }
  // Once.
  net::Transport take_transport();
  // As much as the kernel takes; what is ready runs.
  void send(std::string_view bytes);
  // Nothing more comes from here, and nobody listens: runs what follows from that.
  void finish();

 private:
  void settle();

  net::Loop loop_;
  int ours_ = -1;
  int theirs_ = -1;
};

}  // namespace ringside::fuzz
