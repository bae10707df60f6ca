// What name servers and the API of Kubernetes say about other hosts.
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "sidecar/base/check.h"
#include "sidecar/core/host_name.h"
#include "sidecar/discovery/endpoint_slices.h"
#include "sidecar/net/resolver.h"
#include "tests/fuzz/target.h"
#include "tests/unit/net/udp_server.h"

namespace ringside::fuzz {
namespace {}  // namespace

void dns(std::string_view input) {
  Input choices(input);
  const bool srv = choices.byte() % 2 == 1;
  net::Loop loop;
  // The bytes behind the number, and those behind the question.
  const std::string_view flags = choices.rest().substr(0, 10);
  const std::string_view answers = choices.rest().substr(flags.size());
  // Answers each question with its own number, and then with what it is given.
  const net::testing::UdpServer server(loop, [flags, answers](std::string_view question) {
    std::string reply(question.substr(0, 2));
    reply += flags;
    if (question.size() > 12) reply += question.substr(12);
    reply += answers;
    return reply;
  });
  net::ResolverOptions options;
  options.servers = {server.address()};
  options.timeout = options.other_family = std::chrono::milliseconds(3);
  net::Resolver resolver(loop, std::move(options));
  std::optional<net::ResolveResult> result;
  const auto done = [&](net::ResolveResult given) {
    RINGSIDE_CHECK(!result);
    result = std::move(given);
  };
  if (srv) {
    resolver.resolve_srv("_s._tcp.a.test", done);
  } else {
    resolver.resolve_all({"a.test", 80, ""}, done);
  }
  const auto late = net::Clock::now() + std::chrono::seconds(5);
  while (!result && net::Clock::now() < late) loop.run_once(std::chrono::milliseconds(1));
  RINGSIDE_CHECK(result);
  if (!*result) return RINGSIDE_CHECK(!result->error().why.empty());
  RINGSIDE_CHECK(!(*result)->empty());
  for (const net::Endpoint& endpoint : **result) RINGSIDE_CHECK(endpoint.is_literal());
}

void endpoint_slices(std::string_view input) {
  discovery::status_message(input);
  std::map<std::string, discovery::Slice> slices;
  if (auto list = discovery::parse_slice_list(input)) slices = std::move(list->slices);
  if (auto event = discovery::parse_watch_event(input)) {
    if (auto* changed = std::get_if<discovery::SliceChanged>(&*event))
      slices[changed->name] = std::move(changed->slice);
  }
  for (const char* self : {"10.0.0.1", "fd00::1"}) {
    for (const std::string& address : discovery::pod_addresses(slices, self)) {
      RINGSIDE_CHECK(core::canonical_ip(address) == address);
      discovery::lists(slices, address);
    }
  }
}

}  // namespace ringside::fuzz
