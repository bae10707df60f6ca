// Writes lines to a file descriptor from a thread of its own, through a bounded buffer.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace ringside::log {

class LogWriter {
 public:
  // Does not own `fd`. Lines that do not fit into `max_bytes` are dropped whole, and counted.
  LogWriter(int fd, std::size_t max_bytes);
  ~LogWriter();  // writes what waits, for a second at most
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  void write(std::string_view line);  // any thread; never blocks on the descriptor

 private:
  void run();
  bool write_out(std::string_view text);

  const int fd_;
  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string waiting_;        // guarded by mutex_, as are the next two
  std::uint64_t dropped_ = 0;  // lines, since the last that were written
  bool stopping_ = false;
  std::thread thread_;  // the last member: it uses all others
};

}  // namespace ringside::log
