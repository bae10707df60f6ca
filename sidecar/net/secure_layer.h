// What lies between a Transport and its socket where bytes are encrypted on the way. net/tls/ has the one that there
// is. Loop thread only.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/system/error_code.hpp>

namespace ringside::net {

// Whom the other end's certificate shows it to be. It has been checked.
struct SecurePeer {
  std::string identity;            // its SPIFFE id; "dns:NAME" where it has none
  bool member = false;             // else one that may call, and nothing more
  std::vector<std::string> names;  // its DNS names, in lower case, and its IP addresses
};

class SecureLayer {
 public:
  virtual ~SecureLayer() = default;
  // As Transport's.
  virtual std::size_t read_some(char* data, std::size_t size, boost::system::error_code& ec) = 0;
  virtual std::size_t write_some(const char* data, std::size_t size, boost::system::error_code& ec) = 0;
  // Bytes that have been read from the socket and not been given on: the socket does not become readable for them.
  virtual bool holds_input() const = 0;
  // The last read found nothing more in the socket either.
  virtual bool has_read_all() const = 0;
  // Tells the other end that this is the orderly end of the stream, where the socket takes it at once.
  virtual void say_end() = 0;
  virtual std::shared_ptr<const SecurePeer> peer() const = 0;
  // What broke in the layer itself, as a sentence; empty: nothing, or what the error code of a read or write says.
  virtual const std::string& failure() const = 0;

  // What happens to the connection when it is time to leave it: a certificate runs out, a root was removed, it is old.
  struct Owner {
    std::function<void()> leave;                        // nothing new on it; what is under way may end
    std::function<void(const std::string& why)> close;  // at once
  };
  virtual void set_owner(Owner owner) = 0;
};

}  // namespace ringside::net
