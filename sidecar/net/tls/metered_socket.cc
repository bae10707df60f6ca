#include "sidecar/net/tls/metered_socket.h"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

#include "sidecar/base/check.h"

namespace ringside::net {
namespace {

bool to_be_repeated(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

// What OpenSSL calls.
struct MeteredSocket::Methods {
  static MeteredSocket& self(BIO* bio) { return *static_cast<MeteredSocket*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* to, int size) {
    MeteredSocket& socket = self(bio);
    BIO_clear_retry_flags(bio);
    const std::size_t most = std::min(static_cast<std::size_t>(size), socket.left_);
    if (most == 0) {
      socket.read_all_ = false;
      BIO_set_retry_read(bio);
      return -1;
    }
    const ssize_t got = ::recv(socket.descriptor_, to, most, MSG_DONTWAIT);
    if (got > 0) socket.left_ -= static_cast<std::size_t>(got);
    if (got == 0) socket.ended_ = true;
    socket.read_all_ = got < 0 && to_be_repeated(errno);
    if (socket.read_all_) BIO_set_retry_read(bio);
    return static_cast<int>(got);
  }

  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    const ssize_t taken =
        ::send(self(bio).descriptor_, data, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken < 0 && to_be_repeated(errno)) BIO_set_retry_write(bio);
    return static_cast<int>(taken);
  }

  static long control(BIO* bio, int what, long, void*) {
    if (what == BIO_CTRL_EOF) return self(bio).ended_ ? 1 : 0;
    return what == BIO_CTRL_FLUSH ? 1 : 0;
  }

  // As long as the process lives.
  static const BIO_METHOD* get() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* methods = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "metered socket");
      RINGSIDE_CHECK(methods != nullptr);
      BIO_meth_set_read(methods, read);
      BIO_meth_set_write(methods, write);
      BIO_meth_set_ctrl(methods, control);
      return methods;
    }();
    return made;
  }
};

BioHandle MeteredSocket::bio() {
  BioHandle made(BIO_new(Methods::get()));
  RINGSIDE_CHECK(made != nullptr);
  BIO_set_data(made.get(), this);
  BIO_set_init(made.get(), 1);
  return made;
}

}  // namespace ringside::net
