// A UDP socket on loopback that answers each datagram with what it is told. On the loop of a test.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "sidecar/base/check.h"
#include "sidecar/base/descriptor.h"
#include "sidecar/net/transport.h"

namespace ringside::net::testing {

class UdpServer {
 public:
  // `answer` is asked for each; an empty answer is not sent.
  UdpServer(Loop& loop, std::function<std::string(std::string_view)> answer)
      : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
        readiness_(loop),
        answer_(std::move(answer)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    auto* const raw = reinterpret_cast<sockaddr*>(&name);
    RINGSIDE_CHECK(::bind(socket_.get(), raw, size) == 0 && ::getsockname(socket_.get(), raw, &size) == 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(name.sin_port));
    RINGSIDE_CHECK(readiness_.open(socket_.get()));
    receive();
  }

  const std::string& address() const { return address_; }

 private:
  void receive() {
    readiness_.wait_readable([this] {
      sockaddr_storage from{};
      auto* const raw = reinterpret_cast<sockaddr*>(&from);
      socklen_t size = sizeof from;
      std::array<char, 512> input;
      for (ssize_t got; (got = ::recvfrom(socket_.get(), input.data(), input.size(), 0, raw, &size)) >= 0;) {
        const std::string reply = answer_({input.data(), static_cast<std::size_t>(got)});
        if (!reply.empty()) ::sendto(socket_.get(), reply.data(), reply.size(), 0, raw, size);
      }
      readiness_.read_all();
      receive();
    });
  }

  base::Descriptor socket_;
  loop::Readiness readiness_;
  std::function<std::string(std::string_view)> answer_;
  std::string address_;
};

}  // namespace ringside::net::testing
