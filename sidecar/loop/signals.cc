#include "sidecar/loop/signals.h"

#include <csignal>
#include <utility>

#include <sys/signalfd.h>
#include <unistd.h>

#include "sidecar/base/check.h"

namespace ringside::loop {

Signals::Signals(Loop& loop, std::initializer_list<int> which) : readiness_(loop) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : which) sigaddset(&set, number);
  RINGSIDE_CHECK(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  descriptor_ = base::Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  RINGSIDE_CHECK(descriptor_ && readiness_.open(descriptor_.get()));
}

void Signals::hear(std::function<void(int)> arrived) {
  arrived_ = std::move(arrived);
  await();
}

void Signals::await() {
  readiness_.wait_readable([this] {
    signalfd_siginfo one{};
    const bool read = ::read(descriptor_.get(), &one, sizeof one) == sizeof one;
    if (!read) readiness_.read_all();
    await();
    if (read) arrived_(static_cast<int>(one.ssi_signo));
  });
}

}  // namespace ringside::loop
