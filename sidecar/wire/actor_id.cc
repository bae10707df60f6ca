#include "sidecar/wire/actor_id.h"

#include <cstdint>

#include "sidecar/base/parse.h"
#include "sidecar/base/text.h"
#include "sidecar/base/utf8.h"
#include "sidecar/core/hash.h"
#include "sidecar/wire/invalid.h"

namespace ringside::wire {
namespace {

constexpr std::string_view kNamePrefix = "name:";

base::Error<core::Answer> bad_id(std::string detail) {
  return base::Error(invalid(core::Reason::kBadId, std::move(detail)));
}

}  // namespace

std::optional<core::ActorId> parse_actor_id(std::string_view digits) {
  const auto id = base::parse_whole<std::uint64_t>(digits);
  if (!id || digits.front() == '0') return std::nullopt;
  return core::ActorId(*id);
}

base::Result<ActorRef, core::Answer> parse_actor(std::string_view segment) {
  if (const auto id = parse_actor_id(segment)) return ActorRef{*id, {}};
  const auto text = base::percent_decode(segment);
  if (!text) return bad_id("the actor's id is not well percent-encoded");
  if (!text->starts_with(kNamePrefix)) {
    return bad_id(
        "an actor id is a whole number from 1 to 18446744073709551615, without sign or leading zero, or name:TEXT");
  }
  std::string name = text->substr(kNamePrefix.size());
  if (name.empty()) return bad_id("an actor's name is not empty");
  if (name.size() > kMaxActorName) {
    return bad_id("an actor's name has at most " + std::to_string(kMaxActorName) + " bytes");
  }
  if (!base::is_utf8(name)) return bad_id("an actor's name is UTF-8");
  const core::ActorId id = core::id_of_name(name);
  return ActorRef{id, std::move(name)};
}

}  // namespace ringside::wire
