// One GET over TLS whose answer is handed on as it arrives, for streams that go on for minutes. It has its own
// connection. Loop thread only. Dropping it ends the connection, and nothing is called any more; it may be
// dropped from within `ended` and `body`. Nothing is called inside the constructor.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sidecar/base/result.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/metadata.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class Resolver;

struct HttpsRequest {
  Endpoint endpoint;
  std::string ca_file;  // PEM; the server's certificate must come from one of these and name the endpoint's host
  std::string target;
  Metadata headers;                       // without Host and Connection
  std::chrono::milliseconds head{5'000};  // from the start to the end of the answer's head
  std::chrono::milliseconds silence{0};   // between bytes of the answer's body
};

class HttpsGet {
 public:
  struct Events {
    std::function<void(int status)> head;
    std::function<void(std::string_view bytes)> body;
    // Last. The error says why the answer is not whole.
    std::function<void(const base::Result<void, std::string>& whole)> ended;
  };

  HttpsGet(Loop& loop, std::shared_ptr<Resolver> resolver, HttpsRequest request, Events events);
  ~HttpsGet();
  HttpsGet(const HttpsGet&) = delete;
  HttpsGet& operator=(const HttpsGet&) = delete;

 private:
  class Exchange;
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace ringside::net
