#include "sidecar/log/log_writer.h"

#include <array>
#include <string>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace ringside::log {
namespace {

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() { EXPECT_EQ(pipe(ends.data()), 0); }
  ~Pipe() {
    close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
  }
  // Everything up to the end of file.
  std::string rest() {
    close(std::exchange(ends[1], -1));
    std::string out;
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = read(ends[0], buffer.data(), buffer.size())) > 0;) {
      out.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return out;
  }
};

TEST(LogWriter, WritesInOrderAndAllOfItAtTheEnd) {
  Pipe pipe;
  std::string expected;
  {
    LogWriter writer(pipe.ends[1], 1 << 20);
    for (int i = 0; i < 1000; ++i) {
      const std::string line = "line " + std::to_string(i) + "\n";
      expected += line;
      writer.write(line);
    }
  }
  EXPECT_EQ(pipe.rest(), expected);
}

// Nobody reads: the writer's caller goes on, lines beyond the bound are dropped, and the end does not hang.
TEST(LogWriter, AReaderThatHangsStopsNobody) {
  Pipe pipe;
  const int size = fcntl(pipe.ends[1], F_SETPIPE_SZ, 4096);
  ASSERT_GT(size, 0);
  const std::string full(static_cast<std::size_t>(size), 'f');
  ASSERT_EQ(write(pipe.ends[1], full.data(), full.size()), size);
  const std::string line(1000, 'x');
  {
    LogWriter writer(pipe.ends[1], 10'000);
    for (int i = 0; i < 1000; ++i) writer.write(line);
  }
  EXPECT_EQ(pipe.rest(), full);
}

TEST(LogWriter, SaysHowManyWereDropped) {
  Pipe pipe;
  {
    LogWriter writer(pipe.ends[1], 100);
    writer.write(std::string(200, 'x'));
    writer.write("fits\n");
  }
  EXPECT_EQ(pipe.rest(), "fits\nlevel=warn event=log_lines_dropped count=1\n");
}

}  // namespace
}  // namespace ringside::log
