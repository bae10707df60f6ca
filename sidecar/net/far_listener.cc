#include "sidecar/net/far_listener.h"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace ringside::net {

namespace {

constexpr std::uint32_t kListenState = 10;  // TCP_LISTEN, and its bit in the states that are asked for
constexpr std::size_t kAnswer = std::size_t{32} * 1024;

struct Question {
  nlmsghdr head{};
  inet_diag_req_v2 about{};
};

Question question(int family, std::uint16_t flags) {
  Question one;
  one.head.nlmsg_len = sizeof one;
  one.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  one.head.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  one.about.sdiag_family = static_cast<std::uint8_t>(family);
  one.about.sdiag_protocol = IPPROTO_TCP;
  one.about.idiag_states = 1U << kListenState;
  one.about.id.idiag_cookie[0] = one.about.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return one;
}

// Calls for_each(const inet_diag_msg&); false where this was the last of the messages.
template <typename ForEach>
bool read_messages(const char* data, std::size_t size, ForEach&& for_each) {
  while (size >= sizeof(nlmsghdr)) {
    nlmsghdr head{};
    std::memcpy(&head, data, sizeof head);
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > size || head.nlmsg_type != SOCK_DIAG_BY_FAMILY) return false;
    if (head.nlmsg_len >= NLMSG_HDRLEN + sizeof(inet_diag_msg)) {
      inet_diag_msg message{};
      std::memcpy(&message, data + NLMSG_HDRLEN, sizeof message);
      for_each(message);
    }
    const std::size_t step = std::min(size, static_cast<std::size_t>(NLMSG_ALIGN(head.nlmsg_len)));
    data += step;
    size -= step;
  }
  return true;
}

FarListener listener_of(const inet_diag_msg& message) {
  FarListener found;
  found.cookie = std::uint64_t{message.id.idiag_cookie[1]} << 32 | message.id.idiag_cookie[0];
  found.waiting = message.idiag_rqueue;
  found.backlog = message.idiag_wqueue;
  return found;
}

}  // namespace

bool ListenerLookup::ask(const void* request, std::size_t size) {
  if (!socket_) {
    socket_ = base::Descriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
  }
  return socket_ && ::send(socket_.get(), request, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}

// Not a dump: the kernel looks for the socket as it does for a connection's first packet. It would find an established
// one first, so the other end's port is 0, which nobody has.
std::optional<FarListener> ListenerLookup::at(const SocketAddress& address) {
  const int family = address.protocol().family();
  if (family != AF_INET && family != AF_INET6) return std::nullopt;
  Question one = question(family, 0);
  const auto* raw = reinterpret_cast<const sockaddr*>(address.data());
  if (family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(raw);
    one.about.id.idiag_sport = v4->sin_port;
    one.about.id.idiag_src[0] = v4->sin_addr.s_addr;
  } else {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(raw);
    one.about.id.idiag_sport = v6->sin6_port;
    std::memcpy(one.about.id.idiag_src, &v6->sin6_addr, sizeof v6->sin6_addr);
  }
  if (!ask(&one, sizeof one)) return std::nullopt;
  std::optional<FarListener> found;
  std::array<char, 1024> answer;
  const ssize_t got = ::recv(socket_.get(), answer.data(), answer.size(), 0);
  if (got <= 0) return std::nullopt;
  read_messages(answer.data(), static_cast<std::size_t>(got), [&](const inet_diag_msg& message) {
    if (message.idiag_state == kListenState) found = listener_of(message);
  });
  return found;
}

std::vector<FarListener> ListenerLookup::at_port(std::uint16_t port) {
  std::vector<FarListener> found;
  std::vector<char> answer(kAnswer);
  for (const int family : {AF_INET, AF_INET6}) {
    Question all = question(family, NLM_F_DUMP);
    all.about.id.idiag_sport = htons(port);
    if (!ask(&all, sizeof all)) return found;
    bool more = true;
    while (more) {
      const ssize_t got = ::recv(socket_.get(), answer.data(), answer.size(), 0);
      if (got <= 0) break;
      more = read_messages(answer.data(), static_cast<std::size_t>(got),
                           [&](const inet_diag_msg& message) { found.push_back(listener_of(message)); });
    }
  }
  return found;
}

}  // namespace ringside::net
