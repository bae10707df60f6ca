#include "sidecar/wire/problem_json.h"

#include <chrono>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "sidecar/wire/outcome.h"

namespace ringside::wire {
namespace {

using core::Outcome;

std::string_view title(Outcome outcome) {
  switch (outcome) {
    case Outcome::kApplied:
      return "Applied";
    case Outcome::kRefused:
      return "The application refused";
    case Outcome::kNotDelivered:
      return "Not delivered; safe to repeat";
    case Outcome::kOverloaded:
      return "Refused by a bound; not delivered, safe to repeat";
    case Outcome::kExpired:
      return "The deadline passed before the application got it";
    case Outcome::kInvalid:
      return "Not a request that can be carried out; nothing changed";
    case Outcome::kUnknown:
      return "Sent, and then no answer: it may have happened";
  }
  return "";
}

}  // namespace

nlohmann::json problem_json(const core::Answer& answer, int status) {
  nlohmann::json body;
  body["type"] = "urn:ringside:" + std::string(core::to_string(answer.outcome));
  body["title"] = title(answer.outcome);
  body["status"] = status;
  body["detail"] = answer.detail.empty() ? std::string(core::to_string(answer.reason)) : answer.detail;
  body["reason"] = core::to_string(answer.reason);
  body["blame"] = core::to_string(core::blame(answer.reason));
  if (!answer.holder.empty()) body["owner"] = answer.holder;
  if (repeatable(answer.outcome)) {
    body["retry_after_ms"] = std::chrono::ceil<std::chrono::milliseconds>(retry_after(answer)).count();
  }
  return body;
}

}  // namespace ringside::wire
