// A Kubernetes API server in the hands of a test: TLS on loopback with a certificate of its own making, on the test's
// loop.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "sidecar/net/endpoint.h"
#include "sidecar/net/transport.h"
#include "tests/unit/net/asio_guest.h"

namespace ringside::discovery::testing {

class FakeApiServer {
 public:
  // One request that has come in; the test answers it, in pieces, now or later.
  struct Request {
    std::string target;
    std::string token;
    bool is_watch() const { return target.find("watch=1") != std::string::npos; }
    std::function<void(const std::string&)> write;  // raw bytes
    std::function<void()> close;
    std::shared_ptr<bool> closed = std::make_shared<bool>(false);  // by the other end

    void answer(int status, const std::string& body) const;
    void begin() const;  // the head of a watch
    void event(const std::string& type, const std::string& object) const;
  };

  // `name`: the address that the certificate is for.
  FakeApiServer(net::Loop& loop, const std::string& directory, const std::string& name = "127.0.0.1");

  ~FakeApiServer() { requests.clear(); }  // before what their connections live on

  net::Endpoint endpoint() const;
  std::vector<Request> requests;  // all, in their order

  static void make_certificate(const std::string& directory, const std::string& name);  // ca.crt and server.key

 private:
  struct Connection;
  void accept();

  net::testing::AsioGuest asio_;
  boost::asio::ssl::context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
};

// A slice's JSON. Each endpoint: address, or address!, for a pod that is ending.
std::string slice(const std::string& name, const std::string& version, const std::vector<std::string>& endpoints);
std::string slice_list(const std::string& version, const std::vector<std::string>& slices);

}  // namespace ringside::discovery::testing
