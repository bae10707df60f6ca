#include "sidecar/local/problem.h"

#include "sidecar/wire/json_text.h"
#include "sidecar/wire/outcome.h"
#include "sidecar/wire/problem_json.h"

namespace ringside::local {
namespace {

using core::Outcome;
using core::Reason;

net::HttpResponse make_problem(const core::Answer& answer, int status, std::string_view more) {
  std::string text = wire::dump(wire::problem_json(answer, status));
  if (!more.empty()) text.insert(text.size() - 1, "," + std::string(more));
  net::HttpResponse response = json_response(status, std::move(text));
  response.headers.set("content-type", "application/problem+json");
  response.headers.append(wire::http_headers(answer));
  if (wire::repeatable(answer.outcome)) {
    const auto wait = std::chrono::ceil<std::chrono::seconds>(wire::retry_after(answer));
    response.headers.add("retry-after", std::to_string(wait.count()));
  }
  return response;
}

}  // namespace

net::HttpResponse json_response(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.add("content-type", "application/json");
  response.headers.add("cache-control", "no-store");
  response.body = std::move(body);
  response.body += '\n';
  return response;
}

net::HttpResponse json_response(int status, const nlohmann::json& body) {
  return json_response(status, wire::dump(body));
}

net::HttpResponse problem(const core::Answer& answer, std::string_view more) {
  return make_problem(answer, wire::http_status(answer), more);
}

net::HttpResponse problem_of_status(int status, const core::Answer& answer) { return make_problem(answer, status, {}); }

core::Answer connection_refusal(int status, std::string_view detail) {
  core::Answer answer = core::Answer::failed(Outcome::kInvalid, Reason::kMalformed, std::string(detail));
  if (status == 413 || status == 431) {
    answer.reason = Reason::kTooLarge;
  } else if (status == 429) {
    answer.outcome = Outcome::kOverloaded;
    answer.reason = Reason::kTooManyConnections;
  } else if (status == 503) {
    answer.outcome = Outcome::kNotDelivered;
    answer.reason = Reason::kQueueBytesFull;
  } else if (status >= 500) {
    // Nobody answered although the request had been taken: this process is going down.
    answer.outcome = Outcome::kUnknown;
    answer.reason = Reason::kShuttingDown;
  }
  return answer;
}

}  // namespace ringside::local
