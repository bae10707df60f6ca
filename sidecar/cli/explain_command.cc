// explain: where an actor is and why, rule by rule.
#include "sidecar/base/text.h"
#include "sidecar/cli/commands.h"
#include "sidecar/cli/output.h"
#include "sidecar/wire/json_text.h"

namespace ringside::cli {
namespace {

using nlohmann::json;

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

// The rules that were asked, up to the one that decides.
void print_rules(std::ostream& out, const json& view) {
  Table table({"RULE", "VERDICT", "FACTS"});
  for (const json& check : list_of(view, "rules")) {
    const std::string verdict = text_of(check, "verdict");
    if (verdict != "not-asked") table.add({text_of(check, "rule"), verdict, text_of(check, "why")});
  }
  table.print(out);
  const std::string goes = text_of(view, "call_goes");
  const std::string reason = text_of(view, "reason");
  const std::string to = text_of(view, "to");
  out << "so a call ";
  if (goes == "here") {
    out << "is carried out here";
  } else if (goes == "claim") {
    out << "activates it here";
  } else if (goes == "ask") {
    out << "activates it here once its ring owner has granted that";
  } else if (goes == "forward") {
    out << "goes to " << to;
  } else if (goes == "wait") {
    out << "waits" << (to.empty() ? "" : " for " + to);
  } else if (goes == "fail") {
    out << "is not delivered";
  } else {
    out << goes;
  }
  out << (reason.empty() ? "" : " (" + reason + ")") << "\n";
}

std::string turn_of(const json& activation) {
  if (!activation.contains("turn_ms")) return "no turn";
  const std::string method = text_of(activation, "method");
  const std::string trace = text_of(activation, "trace_id");
  return "a turn has run " + age(number_of(activation, "turn_ms")) + (method.empty() ? "" : " for " + method) +
         (trace.empty() ? "" : " (trace " + trace + ")");
}

void print_activation(std::ostream& out, const json& activation, const std::string& holder) {
  const std::string ending = text_of(activation, "ending");
  const double waiting = number_of(activation, "waiting");
  const json& expires = activation["expires_ms"];
  out << "active on " << holder << " under epoch " << text_of(activation, "epoch");
  if (!activation["age_ms"].is_null()) out << ", for " << age(number_of(activation, "age_ms"));
  out << ": " << turn_of(activation) << ", " << base::counted(static_cast<std::uint64_t>(waiting), "call")
      << (waiting == 1 ? " waits" : " wait");
  if (!activation.contains("turn_ms")) out << ", idle for " << age(number_of(activation, "idle_ms"));
  if (!expires.is_null()) out << ", expires in " << age(expires.get<double>());
  if (!ending.empty()) out << ", being deactivated: " << ending;
  out << "\n";
}

}  // namespace

int explain_actor(const Session& session, const std::string& id) {
  if (const auto actor = parse_id(id); !actor) return refuse(actor.error(), session.json, session.terminal);
  const auto body =
      view(session.client.get(address_of(id) + "/explain"), session.client, session.json, session.terminal);
  if (!body) return body.error();
  std::ostream& out = session.terminal.out;
  if (session.json) {
    out << wire::dump(*body) << "\n";
    return kApplied;
  }
  const std::string self = text_of(*body, "view_of");
  const std::string holder = text_of(*body, "holder");
  const bool is_active = body->contains("activation") && (*body)["activation"].is_object();
  out << where_sentence(base::readable(id), *body) << "\n";
  if (is_active) print_activation(out, (*body)["activation"], or_dash(holder));
  out << "\nat " << self << ", key " << text_of(*body, "key") << ", ring " << text_of(*body, "ring")
      << (flag_of(*body, "settled") ? ", settled" : ", not settled") << "\n";
  print_rules(out, *body);
  for (const json& asked : list_of(*body, "asked")) {
    const std::string problem = text_of(asked, "problem");
    out << "\nat " << text_of(asked, "host");
    if (!problem.empty()) {
      out << ": " << problem << "\n";
      continue;
    }
    out << ", asked by " << self << ", ring " << text_of(asked, "ring") << ", answered in "
        << age(number_of(asked, "took_ms")) << "\n";
    print_rules(out, asked);
  }
  if (!list_of(*body, "changes").empty()) out << "\n";
  Table changes({"IF", "THEN", "WHY"});
  for (const json& change : list_of(*body, "changes")) {
    changes.add({text_of(change, "if"), or_dash(text_of(change, "then")), text_of(change, "why")});
  }
  if (!list_of(*body, "changes").empty()) changes.print(out);
  return kApplied;
}

}  // namespace ringside::cli
