// One connected byte stream, TCP or Unix, non-blocking, in plaintext or under a SecureLayer. Every listener and client
// moves its bytes through this class and nothing else. Reads and writes never wait (they say would_block); the waits
// say when to try again. Loop thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/system/error_code.hpp>

#include "sidecar/base/descriptor.h"
#include "sidecar/loop/loop.h"
#include "sidecar/loop/readiness.h"
#include "sidecar/loop/timer.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/secure_layer.h"

namespace ringside::net {

using boost::system::error_code;
using loop::Clock;
using loop::Loop;
using loop::Timer;

class Transport {
 public:
  explicit Transport(Loop& loop) : readiness_(loop) {}
  ~Transport() { close_descriptor(); }
  Transport(Transport&&) noexcept = default;
  Transport& operator=(Transport&& other) noexcept;
  // Takes over a connected descriptor, or one that connects; closes it where it cannot.
  static Transport from_fd(Loop& loop, int fd, error_code& ec);

  // From now on every byte passes through it. The handshake is over by then.
  void secure(std::unique_ptr<SecureLayer> layer) { secure_ = std::move(layer); }
  // Null: plaintext.
  SecureLayer* secured() const { return secure_.get(); }

  // 0 bytes with ec = eof at the end of the stream. What would_block refused is written again later, from its
  // beginning.
  std::size_t read_some(char* data, std::size_t size, error_code& ec);
  std::size_t write_some(const char* data, std::size_t size, error_code& ec);
  // The first byte that waits, which stays where it is. Not under a SecureLayer.
  std::optional<std::uint8_t> peek(error_code& ec);

  // One wait of each kind at a time. The handler runs in a later iteration of the loop, or never: a connection that is
  // closed calls nobody.
  void wait_readable(loop::Task handler);
  void wait_writable(loop::Task handler) { readiness_.wait_writable(std::move(handler)); }
  // Whoever reads the descriptor himself, as a TLS handshake does, has found nothing more.
  void read_all() { readiness_.read_all(); }

  // Nothing to read and not closed by the other end: whether an idle pooled connection may be used again.
  bool looks_idle();
  // Tells the other end that nothing more will come; reading goes on.
  void shutdown_write();
  // Makes close() reset a TCP connection: what the kernel has not sent yet never arrives.
  void drop_unsent();
  // Safe to repeat.
  void close();
  bool is_open() const { return static_cast<bool>(descriptor_); }

  // TCP: no delay, and a peer that acknowledges nothing for `silence` ends the connection
  // (TCP_USER_TIMEOUT).
  void tune(std::chrono::milliseconds silence);
  // Sends the acknowledgement of what has been read now: a server that writes an answer in two pieces may wait for
  // that of the first (Nagle), and the kernel holds it back for 40 ms. TCP.
  void acknowledge_now();
  // How much of what was written the other end's kernel has acknowledged, on a connection that we made. Nothing where
  // it is not known (Unix sockets).
  std::optional<std::uint64_t> bytes_acknowledged() const;
  // At most about so many bytes wait in the kernel to be sent; it chooses for itself otherwise, up to megabytes.
  void bound_send_buffer(int bytes);
  // The other end's address; nothing where it is not connected.
  std::optional<SocketAddress> remote() const;
  // The other end's IP as text (IPv4-mapped shown as IPv4); "unix" for Unix sockets and socketpairs.
  std::string peer_address() const;
  int descriptor() const { return descriptor_.get(); }

 private:
  std::optional<SocketAddress> name(bool of_the_other_end) const;
  void close_descriptor();

  base::Descriptor descriptor_;
  loop::Readiness readiness_;
  std::unique_ptr<SecureLayer> secure_;
  bool drops_unsent_ = false;
};

}  // namespace ringside::net
