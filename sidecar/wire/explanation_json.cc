#include "sidecar/wire/explanation_json.h"

#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "sidecar/base/text.h"
#include "sidecar/core/hash.h"
#include "sidecar/wire/method_call.h"
#include "sidecar/wire/status_json.h"

namespace ringside::wire {
namespace {

using nlohmann::json;

constexpr std::size_t kMostToLookInto = std::size_t{256} << 10;  // of a batch, for a word about it

json whole_ms(core::Duration duration) { return std::floor(static_cast<double>(duration.count()) / 1000.0); }

json or_null(const std::string& text) { return text.empty() ? json(nullptr) : json(base::told(text)); }

const char* to_string(core::RuleCheck::Verdict verdict) {
  switch (verdict) {
    case core::RuleCheck::Verdict::kNo:
      return "no";
    case core::RuleCheck::Verdict::kDecides:
      return "decides";
    case core::RuleCheck::Verdict::kNotAsked:
      return "not-asked";
  }
  return "";
}

json activation_json(core::ActivationFacts activation) {
  put_into_words(activation);
  const core::ActorStatus& state = activation.state;
  json out = actor_json(state);
  out["age_ms"] = activation.age == core::Duration(0) ? json(nullptr) : whole_ms(activation.age);
  out["expires_ms"] = activation.expires_in ? whole_ms(*activation.expires_in) : json(nullptr);
  if (state.busy) {
    out["method"] = or_null(activation.method);
    out["trace_id"] = or_null(activation.trace_id);
  }
  return out;
}

// What one host says.
json explanation_json(const core::Explanation& says) {
  json rules = json::array();
  for (const core::RuleCheck& check : says.rules) {
    rules.push_back(
        {{"rule", base::told(check.rule)}, {"verdict", to_string(check.verdict)}, {"why", or_null(check.why)}});
  }
  return {{"host", says.host},
          {"rules", std::move(rules)},
          {"call_goes", or_null(says.goes)},
          {"reason", or_null(says.reason)},
          {"to", or_null(says.to)},
          {"ring_owner", or_null(says.ring_owner)},
          {"ring", hex(says.ring.value())},
          {"activation", says.activation ? activation_json(*says.activation) : json(nullptr)}};
}

json asked_json(const core::Explained::Asked& asked) {
  json out = asked.problem.empty() ? explanation_json(asked.says) : json{{"host", asked.says.host}};
  out["problem"] = or_null(asked.problem);
  out["took_ms"] =
      asked.problem.empty() ? json(std::round(static_cast<double>(asked.took.count()) / 10.0) / 100.0) : json(nullptr);
  return out;
}

}  // namespace

std::string asked_by(const core::Call& call) {
  if (const auto* method = std::get_if<std::shared_ptr<const core::MethodCall>>(&call.request)) {
    return (*method)->method + " " + (*method)->path;
  }
  const std::string& batch = std::get<std::string>(call.request);
  if (batch.size() <= kMostToLookInto) {
    if (const auto method = unpack_method_call(batch)) return method->method + " " + method->path;
  }
  return "a batch";
}

std::string trace_id_of(const core::Call& call) {
  // 00-<32 hexadecimal digits>-<16>-<2>
  constexpr std::size_t kAt = 3, kLength = 32;
  const std::string id = call.traceparent.size() > kAt + kLength ? call.traceparent.substr(kAt, kLength) : "";
  return id.find_first_not_of("0123456789abcdef") == std::string::npos ? id : "";
}

void put_into_words(core::ActivationFacts& activation) {
  if (activation.call == nullptr) return;
  activation.method = asked_by(*activation.call);
  activation.trace_id = trace_id_of(*activation.call);
}

json explained_json(const core::HostReader& gateway, const core::Explained& explained) {
  json out = placement_json(gateway, explained.place);
  json here = explanation_json(explained.here);
  here.erase("host");  // view_of
  const core::ActivationFacts* activation = explained.activation();
  here["activation"] = activation != nullptr ? activation_json(*activation) : json(nullptr);
  out.update(here);
  out["key"] = hex(core::hash_id(explained.place.id).value());
  out["settled"] = explained.settled;
  out["holder"] = or_null(explained.holder);
  out["asked"] = json::array();
  for (const core::Explained::Asked& asked : explained.asked) out["asked"].push_back(asked_json(asked));
  out["changes"] = json::array();
  for (const core::Explained::Change& change : explained.changes) {
    out["changes"].push_back({{"if", change.event}, {"then", or_null(change.then)}, {"why", change.why}});
  }
  return out;
}

}  // namespace ringside::wire
