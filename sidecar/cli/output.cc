#include "sidecar/cli/output.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "sidecar/base/text.h"
#include "sidecar/core/outcome.h"
#include "sidecar/wire/json_text.h"
#include "sidecar/wire/outcome.h"
#include "sidecar/wire/problem_json.h"

namespace ringside::cli {
namespace {

std::string printed(const char* format, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

// Characters, not bytes, as far as a terminal tells them apart.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

int exit_of(core::Outcome outcome) {
  switch (outcome) {
    case core::Outcome::kApplied:
      return kApplied;
    case core::Outcome::kRefused:
      return kRefused;
    case core::Outcome::kNotDelivered:
    case core::Outcome::kOverloaded:
    case core::Outcome::kExpired:
      return kNotDelivered;
    case core::Outcome::kInvalid:
      return kUsage;
    case core::Outcome::kUnknown:
      return kUnknown;
  }
  return kUnknown;
}

int no_sidecar(const Client& client, const std::string& why, const Terminal& terminal) {
  terminal.err << "ringside: no sidecar at " << client.addresses() << " (" << base::readable(why)
               << "); --local or RINGSIDE_LOCAL says where it is\n";
  return kNoSidecar;
}

void print_problem(core::Outcome outcome, const nlohmann::json& problem, const Terminal& terminal) {
  terminal.err << "ringside: " << core::to_string(outcome) << ": " << text_of(problem, "detail") << " ("
               << text_of(problem, "reason") << ", " << text_of(problem, "blame") << ")\n";
}

}  // namespace

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - width(row[i]) + 2, ' ');
    }
    out << line << "\n";
  }
}

std::string percent(double share) { return printed("%.1f%%", share * 100); }

std::string age(double milliseconds) {
  if (milliseconds < 1) return printed("%.2fms", milliseconds);
  if (milliseconds < 1'000) return printed("%.0fms", milliseconds);
  if (milliseconds < 60'000) return printed("%.1fs", milliseconds / 1'000);
  if (milliseconds < 3'600'000) return printed("%.0fm", milliseconds / 60'000);
  return printed("%.1fh", milliseconds / 3'600'000);
}

std::string text_of(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return "";
  return base::readable(found->is_string() ? found->get<std::string>() : wire::dump(*found));
}

double number_of(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return 0;
  // Older sidecars write counts as strings.
  if (found->is_string()) return std::strtod(found->get_ref<const std::string&>().c_str(), nullptr);
  return found->is_number() ? found->get<double>() : 0;
}

bool flag_of(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

const nlohmann::json& list_of(const nlohmann::json& json, const char* key) {
  static const nlohmann::json kNone = nlohmann::json::array();
  const auto found = json.find(key);
  return found != json.end() && found->is_array() ? *found : kNone;
}

int explain(const Reply& reply, const Client& client, bool json, bool changes, const Terminal& terminal) {
  if (reply.kind == Reply::Kind::kNobody) return no_sidecar(client, reply.error, terminal);
  if (reply.kind == Reply::Kind::kLost) {
    if (!changes) return no_sidecar(client, reply.error, terminal);
    terminal.err << "ringside: unknown: sent, and then no answer (" << base::readable(reply.error) << ")\n";
    return kUnknown;
  }
  const auto outcome = core::parse_outcome(reply.response.headers.get("ringside-outcome"));
  const auto problem = nlohmann::json::parse(reply.response.body, nullptr, false);
  if (!outcome || !problem.is_object()) return no_sidecar(client, "what answers there is none", terminal);
  if (json) {
    terminal.out << reply.response.body;
  } else {
    print_problem(*outcome, problem, terminal);
  }
  return exit_of(*outcome);
}

int refuse(const core::Answer& refusal, bool json, const Terminal& terminal) {
  const auto problem = wire::problem_json(refusal, wire::http_status(refusal));
  if (json) {
    terminal.out << wire::dump(problem) << "\n";
  } else {
    print_problem(refusal.outcome, problem, terminal);
  }
  return exit_of(refusal.outcome);
}

base::Result<nlohmann::json, int> view(const Reply& reply, const Client& client, bool json, const Terminal& terminal) {
  if (reply.kind != Reply::Kind::kAnswered || reply.response.status / 100 != 2) {
    return base::Error(explain(reply, client, json, false, terminal));
  }
  auto body = nlohmann::json::parse(reply.response.body, nullptr, false);
  if (!body.is_object() || !body.contains("view_of")) {
    return base::Error(no_sidecar(client, "what answers there is none", terminal));
  }
  return body;
}

}  // namespace ringside::cli
