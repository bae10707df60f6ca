// Batches and their results, as bytes and as JSON, of callers and of apps.
#include <string>

#include <nlohmann/json.hpp>

#include "sidecar/base/check.h"
#include "sidecar/wire/apply.h"
#include "sidecar/wire/apply_json.h"
#include "sidecar/wire/json_text.h"
#include "sidecar/wire/json_types.h"
#include "sidecar/wire/method_call.h"
#include "tests/fuzz/target.h"

namespace ringside::fuzz {
namespace {

constexpr std::size_t kMost = 64 * 1024;

const wire::ApplyJson& apply_json() {
  static const wire::ApplyJson json;
  return json;
}

}  // namespace

void batches(std::string_view input) {
  const std::string bytes(input);
  if (const auto id = wire::check_apply(bytes, kMost)) {
    const auto same = wire::check_apply_to(*id, bytes, kMost);
    RINGSIDE_CHECK(same);
    const auto again = wire::check_apply(*same, kMost);
    RINGSIDE_CHECK(again && *again == *id);
  }
  if (const auto call = wire::read_method_call(bytes); call && *call) {
    const auto path = wire::normalize_method_path((*call)->path);
    RINGSIDE_CHECK(path && *path == (*call)->path);
    wire::write_http_request(core::ActorId(42), **call);
  }
  wire::unpack_method_call(bytes);
  if (const auto text = apply_json().write_request(bytes)) RINGSIDE_CHECK(wire::check_json_object(*text));
  RINGSIDE_CHECK(wire::check_json_object(apply_json().write_result(bytes, true)));
  core::Answer answer;
  answer.outcome = core::Outcome::kApplied;
  answer.result = bytes;
  wire::take_method_answer(answer);
}

void batches_json(std::string_view input) {
  if (const auto bytes = apply_json().read_request(input)) {
    static_cast<void>(wire::check_apply(*bytes, kMost));
    const auto text = apply_json().write_request(*bytes);
    RINGSIDE_CHECK(text);
    const auto again = apply_json().read_request(*text);
    RINGSIDE_CHECK(again);
  }
  if (const auto bytes = apply_json().read_result(input)) {
    RINGSIDE_CHECK(wire::check_json_object(apply_json().write_result(*bytes, true)));
  }
}

void json(std::string_view input) {
  if (!wire::check_json_object(input)) return;
  const auto parsed = nlohmann::json::parse(input, nullptr, false);
  RINGSIDE_CHECK(parsed.is_object());
  const auto looked = wire::look_at_types(input);
  if (looked.types_first) RINGSIDE_CHECK(nlohmann::json::parse(*looked.types_first, nullptr, false) == parsed);
  RINGSIDE_CHECK(nlohmann::json::parse(wire::dump(parsed), nullptr, false) == parsed);
}

}  // namespace ringside::fuzz
