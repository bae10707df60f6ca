// Names of hosts and places to listen on or to connect to, paths, durations and sizes: what people write, and peers
// tell. Whatever is read is written in one spelling, which reads as the same again.
#include <string>
#include <variant>

#include "adapters/http/app_links.h"
#include "sidecar/base/check.h"
#include "sidecar/base/text.h"
#include "sidecar/base/units.h"
#include "sidecar/config/values.h"
#include "sidecar/core/host_name.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/reference.h"
#include "sidecar/wire/actor_id.h"
#include "sidecar/wire/method_call.h"
#include "tests/fuzz/target.h"

namespace ringside::fuzz {
namespace {

// `read` of what was read and written again.
template <typename Read>
void keeps_its_spelling(Read read, std::string_view input) {
  const auto first = read(input);
  if (!first) return;
  const std::string spelt = first->to_string();
  const auto again = read(spelt);
  RINGSIDE_CHECK(again && again->to_string() == spelt);
}

template <typename Read>
void setting_keeps_its_spelling(Read read, std::string_view input) {
  const auto first = read(input);
  if (!first) {
    RINGSIDE_CHECK(!first.error().empty());
    return;
  }
  const std::string spelt = config::to_string(*first);
  const auto again = read(spelt);
  RINGSIDE_CHECK(again && config::to_string(*again) == spelt);
}

}  // namespace

void names(std::string_view input) {
  keeps_its_spelling(core::parse_host_name, input);
  if (const auto name = core::parse_host_name(input)) core::kind_of(*name);
  if (const auto ip = core::canonical_ip(input)) RINGSIDE_CHECK(core::canonical_ip(*ip) == ip);
  keeps_its_spelling([](std::string_view text) { return net::parse_endpoint(text, 80); }, input);
  if (const auto endpoint = net::parse_endpoint(input, 0)) {
    if (const auto address = net::to_socket_address(*endpoint)) net::address_text(*address);
  }
  setting_keeps_its_spelling(config::read_tcp_listen, input);
  setting_keeps_its_spelling(config::read_listen, input);
  // A list of names is not among them: one that is called "dns" reads as a prefix once it is written.
  if (const auto source = config::read_join(input); !source || !std::holds_alternative<config::JoinStatic>(*source)) {
    setting_keeps_its_spelling(config::read_join, input);
  }
  setting_keeps_its_spelling(config::read_app, input);
  keeps_its_spelling(
      [](std::string_view text) -> std::optional<core::HostName> {
        const auto read = config::read_announced_host(text);
        return read ? std::optional(read->name) : std::nullopt;
      },
      input);
  for (const auto read : {config::read_allowed_host, config::read_dns_server}) {
    if (const auto first = read(input)) {
      const auto again = read(*first);
      RINGSIDE_CHECK(again && *again == *first);
    }
  }
}

void paths(std::string_view input) {
  if (const auto path = wire::normalize_method_path(input)) {
    const auto again = wire::normalize_method_path(*path);
    RINGSIDE_CHECK(again && *again == *path);
  }
  if (const auto actor = wire::parse_actor(input)) RINGSIDE_CHECK(actor->id != core::ActorId(0));
  RINGSIDE_CHECK(base::percent_decode(base::percent_encode(input)) == input);
  base::query_parameter(input, "wait");
  const std::string shown = base::readable(input, 40);
  RINGSIDE_CHECK(shown.size() <= 43 && base::readable(shown) == shown);
  const net::Reference reference = net::split_reference(input);
  if (!reference.path.empty())
    RINGSIDE_CHECK(net::resolve_path("/actors/42/method/a/b", reference.path).starts_with('/'));
  core::Call call;
  call.id = 42;
  const adapters::AppLinks links({"127.0.0.1", 8080, ""});
  RINGSIDE_CHECK(net::is_header_value(links.for_caller(input, "/actors/42/method/add", "shop.test", call)) ||
                 !net::is_header_value(input));
}

void units(std::string_view input) {
  if (const auto duration = base::parse_duration(input)) {
    RINGSIDE_CHECK(base::parse_duration(base::format_duration(*duration)) == duration);
  }
  if (const auto size = base::parse_size(input)) RINGSIDE_CHECK(base::parse_size(base::format_size(*size)) == size);
}

}  // namespace ringside::fuzz
