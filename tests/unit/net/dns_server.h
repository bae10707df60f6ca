// A DNS server by hand on loopback.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/net/udp_server.h"

namespace ringside::net::testing {

inline constexpr std::uint16_t kA = 1, kAaaa = 28, kSrv = 33;

inline std::string short_of(std::uint16_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }

inline std::string dns_name(const std::string& dotted) {
  std::string wire;
  std::size_t start = 0;
  while (start < dotted.size()) {
    std::size_t end = dotted.find('.', start);
    if (end == std::string::npos) end = dotted.size();
    wire.push_back(static_cast<char>(end - start));
    wire += dotted.substr(start, end - start);
    start = end + 1;
  }
  wire.push_back('\0');
  return wire;
}

// Answers questions out of a map (name, type) -> list of RDATA; a name that is nowhere gets NXDOMAIN.
class DnsServer {
 public:
  explicit DnsServer(Loop& loop)
      : socket_(loop, [this](std::string_view question) {
          ++questions;
          return silent ? std::string() : answer(std::string(question));
        }) {}
  std::string address() const { return socket_.address(); }

  std::map<std::pair<std::string, std::uint16_t>, std::vector<std::string>> records;
  bool silent = false;
  std::set<std::uint16_t> silent_about;  // types of records
  bool lies = false;
  int questions = 0;

 private:
  // Empty: none.
  std::string answer(const std::string& question) {
    std::string name;
    std::size_t at = 12;
    while (question[at] != 0) {
      const auto size = std::size_t{static_cast<unsigned char>(question[at])};
      name += (name.empty() ? "" : ".") + question.substr(at + 1, size);
      at += size + 1;
    }
    const auto type = static_cast<std::uint16_t>(static_cast<unsigned char>(question[at + 1]) << 8 |
                                                 static_cast<unsigned char>(question[at + 2]));
    if (silent_about.contains(type)) return {};
    const std::string asked = question.substr(12, at + 5 - 12);
    bool known = false;
    for (const auto& [key, list] : records) known = known || key.first == name;
    const auto& list = records[{name, type}];
    std::string reply = question.substr(0, 2) + std::string("\x81", 1) +
                        std::string(1, static_cast<char>(known ? 0x80 : 0x83)) + short_of(1) +
                        short_of(static_cast<std::uint16_t>(list.size())) + short_of(0) + short_of(0) + asked;
    for (const std::string& data : list) {
      reply += std::string("\xc0\x0c", 2) + short_of(type) + short_of(1) + std::string("\0\0\0\1", 4) +
               short_of(static_cast<std::uint16_t>(data.size())) + data;
    }
    if (lies) reply = reply.substr(0, 20) + std::string(200, '\xff');
    if (!known) records.erase({name, type});
    return reply;
  }

  UdpServer socket_;
};

}  // namespace ringside::net::testing
