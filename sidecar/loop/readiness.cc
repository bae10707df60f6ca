#include "sidecar/loop/readiness.h"

#include <poll.h>
#include <sys/epoll.h>

namespace ringside::loop {

bool Readiness::open(int descriptor) {
  close();
  registered_ = loop_->add(descriptor);
  return registered_ != nullptr;
}

void Readiness::close() {
  if (const auto registered = std::exchange(registered_, nullptr)) loop_->forget(*registered);
}

void Readiness::wait_readable(Task task) {
  registered_ ? loop_->wait_readable(*registered_, std::move(task)) : loop_->bury(std::move(task));
}

void Readiness::wait_writable(Task task) {
  registered_ ? loop_->wait_writable(*registered_, std::move(task)) : loop_->bury(std::move(task));
}

void Readiness::look_again() {
  pollfd looked_at{registered_->descriptor, POLLIN, 0};
  if (::poll(&looked_at, 1, 0) == 0) read_all();
}

void Readiness::release() {
  if (!registered_) return;
  ::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_DEL, registered_->descriptor, nullptr);
  close();
}

}  // namespace ringside::loop
