#include "sidecar/log/log_writer.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace ringside::log {

LogWriter::LogWriter(int fd, std::size_t max_bytes) : fd_(fd), max_bytes_(max_bytes), thread_([this] { run(); }) {}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void LogWriter::write(std::string_view line) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + line.size() > max_bytes_) {
      ++dropped_;
      return;
    }
    waiting_ += line;
  }
  changed_.notify_one();
}

void LogWriter::run() {
  std::string batch;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    batch.clear();
    std::swap(batch, waiting_);
    if (const auto dropped = std::exchange(dropped_, 0); dropped > 0) {
      batch += "level=warn event=log_lines_dropped count=" + std::to_string(dropped) + "\n";
    }
    lock.unlock();
    const bool written = write_out(batch);
    lock.lock();
    if (!written) return;
  }
}

// Polls before each write: a pipe that polls writable takes PIPE_BUF bytes without blocking. False: stopping, and the
// reader does not read, or the descriptor is broken.
bool LogWriter::write_out(std::string_view text) {
  constexpr std::size_t kChunk = 4096;
  constexpr int kPollMs = 100;
  constexpr auto kLastWait = std::chrono::seconds(1);
  auto last_progress = std::chrono::steady_clock::now();
  while (!text.empty()) {
    pollfd ready{fd_, POLLOUT, 0};
    const int events = poll(&ready, 1, kPollMs);
    if (events == 0 || (events < 0 && errno == EINTR)) {
      const std::lock_guard lock(mutex_);
      if (stopping_ && std::chrono::steady_clock::now() - last_progress >= kLastWait) return false;
      continue;
    }
    const ssize_t written = ::write(fd_, text.data(), std::min(text.size(), kChunk));
    if (written < 0 && errno != EINTR && errno != EAGAIN) return false;
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
      last_progress = std::chrono::steady_clock::now();
    }
  }
  return true;
}

}  // namespace ringside::log
