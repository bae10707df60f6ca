// What hosts ask and answer one another. What was read is written in one way, which reads as the same again.
#include <string>
#include <variant>

#include "sidecar/base/check.h"
#include "sidecar/peer/codec.h"
#include "tests/fuzz/target.h"

namespace ringside::fuzz {
namespace {

template <std::size_t... kIndex>
core::PeerRequest question(std::size_t index, std::index_sequence<kIndex...>) {
  core::PeerRequest made;
  static_cast<void>(((index == kIndex ? (made.emplace<kIndex>(), true) : false) || ...));
  return made;
}

}  // namespace

void peer_requests(std::string_view input) {
  Input choices(input);
  const peer::Rpc& rpc = peer::rpcs()[choices.byte() % peer::rpcs().size()];
  const auto request = rpc.decode(std::string(choices.rest()));
  if (!request) {
    RINGSIDE_CHECK(!request.error().empty());
    return;
  }
  RINGSIDE_CHECK(&peer::rpc_of(*request) == &rpc);
  const std::string written = rpc.encode(*request);
  const auto again = rpc.decode(written);
  RINGSIDE_CHECK(again && rpc.encode(*again) == written);
}

void peer_answers(std::string_view input) {
  Input choices(input);
  constexpr std::size_t kQuestions = std::variant_size_v<core::PeerRequest>;
  const core::PeerRequest asked = question(choices.byte() % kQuestions, std::make_index_sequence<kQuestions>());
  const std::string body(choices.rest());
  const auto answer = peer::decode_answer(asked, body);
  if (answer && !std::holds_alternative<core::InventoryAnswer>(*answer)) {
    const std::string written = peer::encode_answer(*answer);
    const auto again = peer::decode_answer(asked, written);
    RINGSIDE_CHECK(again && peer::encode_answer(*again) == written);
  }
  if (const auto part = peer::decode_inventory_part(body)) {
    for (const std::string& written : peer::encode_inventory(part->answer)) {
      RINGSIDE_CHECK(peer::decode_inventory_part(written));
    }
  }
}

}  // namespace ringside::fuzz
