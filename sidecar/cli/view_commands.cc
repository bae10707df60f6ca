// where, members, actors, status
#include <sstream>

#include "sidecar/base/text.h"
#include "sidecar/cli/commands.h"
#include "sidecar/cli/output.h"
#include "sidecar/wire/json_text.h"
#include "sidecar/wire/status_json.h"

namespace ringside::cli {
namespace {

using nlohmann::json;

base::Result<json, int> ask(const Session& session, const std::string& target) {
  return view(session.client.get(target), session.client, session.json, session.terminal);
}

void print_json(const Session& session, const json& body) { session.terminal.out << wire::dump(body) << "\n"; }

std::string failures_of(const json& actor) {
  const double times = number_of(actor, "not_forgotten");
  return times == 0 ? "" : text_of(actor, "not_forgotten") + (times == 1 ? " time" : " times");
}

std::string ending_of(const json& actor) {
  const std::string ending = text_of(actor, "ending");
  const std::string failed = failures_of(actor);
  return ending + (ending.empty() || failed.empty() ? "" : ", ") + (failed.empty() ? "" : "failed " + failed);
}

// What goes on in an actor, as its owner tells it; empty: nothing, or it is elsewhere.
std::string activity(const json& actor) {
  std::string text;
  if (actor.contains("turn_ms")) text += " A turn has run " + age(number_of(actor, "turn_ms")) + ".";
  const double waiting = number_of(actor, "waiting");
  if (waiting > 0) text += " " + text_of(actor, "waiting") + (waiting == 1 ? " call waits." : " calls wait.");
  const std::string failed = failures_of(actor);
  if (!text_of(actor, "ending").empty()) {
    text += " It is being deactivated: " + ending_of(actor) + ".";
  } else if (!failed.empty()) {
    text += " The application has failed " + failed + " in a row to forget it while it was idle.";
  }
  return text;
}

std::string settled(const json& body) {
  return "ring " + text_of(body, "ring") + (flag_of(body, "settled") ? ", settled" : ", not settled");
}

void print_security(std::ostream& out, const json& security) {
  const std::string certificate = text_of(security, "certificate");
  out << "peer tls " << text_of(security, "mode") << (certificate.empty() ? "" : ", as " + certificate) << "\n";
  for (const char* line : {"files_problem", "next_step"}) {
    if (const std::string text = text_of(security, line); !text.empty()) out << "         " << text << "\n";
  }
}

}  // namespace

std::string where_sentence(const std::string& id, const json& place) {
  const std::string owner = text_of(place, "owner");
  const std::string rule = text_of(place, "rule");
  const std::string epoch = text_of(place, "epoch");
  const double old = number_of(place, "age_ms");
  const std::string view =
      ", as " + text_of(place, "view_of") + (old > 0 ? " saw it " + age(old) + " ago." : " sees it.");
  const std::string name = text_of(place, "name");
  const std::string subject = "Actor " + id + (name.empty() || id.starts_with("name:") ? "" : " (" + name + ")");
  if (owner.empty()) return subject + " is nowhere: " + text_of(place, "why") + view;
  std::string text = subject + (rule == "ring" ? " belongs to " : " is active on ") + owner;
  if (flag_of(place, "local")) text += " (this host)";
  if (!epoch.empty() && epoch != "0") text += ", epoch " + epoch;
  return text + ", by " + (rule == "ring" ? "the ring" : "its " + rule) + ": " + text_of(place, "why") + view +
         activity(place);
}

int where(const Session& session, const std::string& id) {
  if (const auto actor = parse_id(id); !actor) return refuse(actor.error(), session.json, session.terminal);
  const auto place = ask(session, address_of(id));
  if (!place) return place.error();
  if (session.json) {
    print_json(session, *place);
  } else {
    const bool elsewhere = !flag_of(*place, "local") && !text_of(*place, "owner").empty();
    session.terminal.out << where_sentence(base::readable(id), *place)
                         << (elsewhere ? " What it does there is told by " + text_of(*place, "owner") + " itself." : "")
                         << "\n";
  }
  return kApplied;
}

std::string members_text(const json& body) {
  std::ostringstream out;
  Table table({"HOST", "PHASE", "RING", "SHARE", "WEIGHT", "ACTORS", "STRAYS", "RTT", "HEARD", "ZONE", "VERSION"});
  for (const json& member : list_of(body, "members")) {
    const bool self = flag_of(member, "self");
    const bool legacy = flag_of(member, "legacy");
    table.add({text_of(member, "host") + (self ? " *" : ""), legacy ? "legacy" : text_of(member, "phase"),
               flag_of(member, "on_ring") ? "on" : "off", percent(number_of(member, "share")),
               member.contains("weight") ? text_of(member, "weight") : "-", legacy ? "-" : text_of(member, "actors"),
               text_of(member, "strays"), self ? "-" : age(number_of(member, "rtt_ms")),
               self ? "-" : age(number_of(member, "age_ms")) + " ago",
               text_of(member, "zone").empty() ? "-" : text_of(member, "zone"),
               legacy ? "-" : text_of(member, "version")});
  }
  table.print(out);
  for (const json& other : list_of(body, "others")) {
    out << "note: " << wire::about_other(text_of(other, "host"), text_of(other, "problem")) << "\n";
  }
  const std::string because = text_of(body, "not_ready_because");
  if (!because.empty()) out << "this host is not ready: " << because << "\n";
  out << settled(body) << "; as " << text_of(body, "view_of") << " (*) sees it\n";
  return out.str();
}

int members(const Session& session) {
  const auto body = ask(session, "/v1/members");
  if (!body) return body.error();
  if (session.json) {
    print_json(session, *body);
    return kApplied;
  }
  session.terminal.out << members_text(*body);
  return kApplied;
}

int actors(const Session& session, std::size_t limit) {
  constexpr std::size_t kPage = 1000;
  json all = json::array();
  std::string token;
  std::string host;
  do {
    const std::size_t page = limit == 0 ? kPage : std::min(kPage, limit - all.size());
    const auto body = ask(session, "/v1/actors?limit=" + std::to_string(page) + "&page_token=" + token);
    if (!body) return body.error();
    for (const json& actor : list_of(*body, "actors")) all.push_back(actor);
    token = text_of(*body, "next_page_token");
    host = text_of(*body, "view_of");
  } while (!token.empty() && (limit == 0 || all.size() < limit));
  if (session.json) {
    print_json(session, {{"actors", all}, {"next_page_token", token}, {"view_of", host}});
    return kApplied;
  }
  const auto or_none = [](const std::string& text) { return text.empty() ? "-" : text; };
  Table table({"ID", "NAME", "EPOCH", "IDLE", "TURN", "WAITING", "ENDING"});
  for (const json& actor : all) {
    table.add({text_of(actor, "id"), or_none(text_of(actor, "name")), text_of(actor, "epoch"),
               age(number_of(actor, "idle_ms")), actor.contains("turn_ms") ? age(number_of(actor, "turn_ms")) : "-",
               or_none(text_of(actor, "waiting")), or_none(ending_of(actor))});
  }
  table.print(session.terminal.out);
  session.terminal.out << (token.empty() ? "" : "more than ") << base::counted(all.size(), "actor") << " at " << host
                       << "\n";
  return kApplied;
}

int status(const Session& session) {
  const auto body = ask(session, "/v1/status");
  if (!body) return body.error();
  if (session.json) {
    print_json(session, *body);
    return kApplied;
  }
  std::ostream& out = session.terminal.out;
  const std::string zone = text_of(*body, "zone");
  out << text_of(*body, "host") << " of cluster " << text_of(*body, "cluster")
      << (zone.empty() ? "" : ", in zone " + zone)
      << (number_of(*body, "weight") == 0 || number_of(*body, "weight") == 1 ? ""
                                                                             : ", weight " + text_of(*body, "weight"))
      << ", ringside " << text_of(*body, "version") << ", generation " << text_of(*body, "generation") << "\n";
  const std::string because = text_of(*body, "not_ready_because");
  out << "phase    " << text_of(*body, "phase") << (because.empty() ? "" : ", not ready: " + because) << "\n";
  out << "app      " << text_of(*body, "app") << "\n";
  out << "members  " << list_of(*body, "members").size() << ", " << settled(*body) << "\n";
  out << "actors   " << text_of(*body, "actors") << " here, " << text_of(*body, "strays") << " strays elsewhere\n";
  out << "calls    " << base::counted(static_cast<std::uint64_t>(number_of(*body, "turns_under_way")), "turn")
      << " under way, " << text_of(*body, "turns_waiting") << " waiting, " << text_of(*body, "held") << " held, "
      << text_of(*body, "queued_bytes") << " bytes\n";
  // A host of an earlier version does not tell.
  if (body->contains("peer_tls")) print_security(out, (*body)["peer_tls"]);
  return kApplied;
}

}  // namespace ringside::cli
