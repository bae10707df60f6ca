// A socket as OpenSSL reads and writes it: a read gives a limited number of bytes in each loop iteration, whatever
// waits there. OpenSSL goes on reading by itself as long as what comes carries no data. Loop thread only.
#pragma once

#include <cstddef>

#include <openssl/bio.h>

#include "sidecar/net/tls/openssl_handles.h"

namespace ringside::net {

class MeteredSocket {
 public:
  explicit MeteredSocket(int descriptor) : descriptor_(descriptor) {}
  MeteredSocket(const MeteredSocket&) = delete;
  MeteredSocket& operator=(const MeteredSocket&) = delete;

  // What may be read from now on. Once that has been read, a read says that there is nothing now.
  void allow(std::size_t most) { left_ = most; }
  // The last read found nothing in the socket.
  bool has_read_all() const { return read_all_; }
  // For OpenSSL; *this must live as long as it.
  BioHandle bio();

 private:
  struct Methods;
  int descriptor_;
  std::size_t left_ = 0;
  bool read_all_ = false;
  bool ended_ = false;  // the other end has said all
};

}  // namespace ringside::net
