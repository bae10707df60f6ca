// What the tests of the network code share: a loop that is run until something has happened, and sockets and HTTP/2
// frames that are handled by hand.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include "sidecar/net/endpoint.h"
#include "sidecar/net/metadata.h"
#include "sidecar/net/transport.h"

namespace ringside::net::testing {

// One loop, turned by the test's own thread until what it waits for has happened. The limit is only there so
// that a broken test ends.
class LoopTest : public ::testing::Test {
 protected:
  [[nodiscard]] bool run_until(const std::function<bool()>& happened) {
    const auto give_up = Clock::now() + std::chrono::seconds(60);  // a sanitizer takes ten times the time
    while (!happened()) {
      if (Clock::now() > give_up) return false;
      loop.run_once(std::chrono::milliseconds(20));
    }
    return true;
  }
  template <typename T>
  T& await(std::optional<T>& result) {
    EXPECT_TRUE(run_until([&result] { return result.has_value(); }));
    return result ? *result : result.emplace();
  }
  // Lets everything that is ready now run.
  void settle() { loop.poll(); }

  Loop loop;
};

// A plain socket in the hands of a test: one end of a connection, non-blocking.
class RawSocket {
 public:
  // `from`: an IPv4 address of this machine; empty: whichever.
  static RawSocket connect_to(const Endpoint& endpoint, const std::string& from = {});
  // The kernel holds kilobytes for this one, at both ends, and not megabytes: a server soon sees that nothing is read.
  static RawSocket connect_narrow(const Endpoint& endpoint);
  explicit RawSocket(int fd) : fd_(fd) {}
  RawSocket(RawSocket&& other) noexcept : fd_(other.fd_), ended_(other.ended_), in_(std::move(other.in_)) {
    other.fd_ = -1;
  }
  RawSocket& operator=(RawSocket&&) = delete;
  ~RawSocket();

  // As much as the kernel takes now; how much that was (0: full or broken).
  std::size_t send(std::string_view bytes);
  void half_close();
  void close();
  void reset();  // breaks the connection
  // Reads what is there; then input() and ended() tell.
  void pump();
  std::string& input() { return in_; }
  bool ended() const { return ended_; }
  bool was_reset() const { return reset_; }
  bool has(std::string_view text) {
    pump();
    return in_.find(text) != std::string::npos;
  }
  bool over() {
    pump();
    return ended_;
  }

 private:
  static RawSocket connect(int fd, const Endpoint& endpoint);

  int fd_ = -1;
  bool ended_ = false;
  bool reset_ = false;
  std::string in_;
};

// A listening socket in the hands of a test, on an ephemeral loopback port.
class RawListener {
 public:
  explicit RawListener(int backlog = 64);
  ~RawListener();
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;
  Endpoint endpoint() const { return endpoint_; }
  // Null when nobody has connected yet.
  std::unique_ptr<RawSocket> accept();

 private:
  Endpoint endpoint_;  // set while fd_ is
  int fd_ = -1;
};

// Where on loopback nobody listens until the test does.
Endpoint unused_endpoint();

// HTTP/2 frames by hand.
struct Frame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
};
inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr std::uint8_t kData = 0, kHeaders = 1, kRstStream = 3, kSettings = 4, kPing = 6, kGoaway = 7,
                              kWindowUpdate = 8, kContinuation = 9;
inline constexpr std::uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4;

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload);
std::string number(std::uint32_t value);
// Literal fields without indexing.
std::string hpack(const Metadata& headers);
std::string grpc_request(std::uint32_t stream, const std::string& path, const Metadata& more = {});
std::string grpc_message(std::string_view message);
// Reads the blocks of headers of one connection, in their order.
class HeaderReader {
 public:
  HeaderReader();
  ~HeaderReader();
  HeaderReader(const HeaderReader&) = delete;
  HeaderReader& operator=(const HeaderReader&) = delete;
  Metadata read(std::string_view block);

 private:
  nghttp2_hd_inflater* inflater_ = nullptr;
};
// All header fields of these frames, which are all the HEADERS that a connection has carried.
Metadata decode_headers(const std::vector<Frame>& frames);
// Takes the whole frames off the front.
std::vector<Frame> take_frames(std::string& input);

}  // namespace ringside::net::testing
