// A descriptor of which the loop tells when it can be read or written. It does not own the descriptor; whoever does
// calls close() before he closes it. Loop thread only.
#pragma once

#include <memory>
#include <utility>

#include "sidecar/loop/loop.h"

namespace ringside::loop {

class Readiness {
 public:
  explicit Readiness(Loop& loop) : loop_(&loop) {}
  ~Readiness() { close(); }
  Readiness(Readiness&& other) noexcept = default;
  Readiness& operator=(Readiness&& other) noexcept {
    close();
    loop_ = other.loop_;
    registered_ = std::move(other.registered_);
    return *this;
  }

  // A non-blocking descriptor. False, with errno: the kernel does not take it (a regular file, too many of them).
  bool open(int descriptor);
  bool is_open() const { return registered_ != nullptr; }
  // Handlers that wait never run.
  void close();
  // The same for a descriptor that stays open, or that somebody else closes.
  void release();

  // One wait of each kind at a time; on one that is closed, a wait never ends. Whoever is told that it can be read
  // reads until a read finds nothing, or waits again.
  void wait_readable(Task task);
  void wait_writable(Task task);
  // A read has found nothing, or less than it asked for: the next wait is for what comes after that. Whoever says
  // nothing is told again that there may be something.
  void read_all() {
    if (registered_ && !registered_->ended) registered_->readable = false;
  }

  // Asks the kernel whether that is so: for descriptors that a library reads, which does not say.
  void look_again();

  Loop& loop() const { return *loop_; }

 private:
  Loop* loop_;
  std::shared_ptr<Loop::Registered> registered_;
};

}  // namespace ringside::loop
