// top: which actors have the most calls, turn time and waiting.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>
#include <thread>

#include "sidecar/base/text.h"
#include "sidecar/base/units.h"
#include "sidecar/cli/commands.h"
#include "sidecar/cli/output.h"
#include "sidecar/wire/json_text.h"

namespace ringside::cli {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kRedraw{1'000};
constexpr std::chrono::milliseconds kAtLeast{1'000};  // recorded, where nobody says how long

std::string plus(const std::string& amount, bool has_error, const std::string& error) {
  return has_error ? amount + " (-" + error + ")" : amount;
}

std::string turn_of(const json& row) { return row.contains("turn_ms") ? age(number_of(row, "turn_ms")) : "-"; }

std::string name_of(const json& row) {
  const std::string name = text_of(row, "name");
  const std::string id = text_of(row, "id") + (name.empty() ? "" : " (" + name + ")");
  return flag_of(row, "active") ? id : id + ", not active any more";
}

std::string per_second(double number, double milliseconds) {
  if (milliseconds <= 0) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", number * 1000 / milliseconds);
  return text;
}

void print_busiest(std::ostream& out, const json& list, double recorded) {
  Table table({"BUSIEST", "CALLS", "PER SECOND", "WAITING", "TURN"});
  for (const json& row : list_of(list, "actors")) {
    table.add({name_of(row), plus(text_of(row, "calls"), number_of(row, "error") > 0, text_of(row, "error")),
               per_second(number_of(row, "calls"), recorded), text_of(row, "waiting"), turn_of(row)});
  }
  table.print(out);
}

void print_times(std::ostream& out, const json& list, const char* what, const char* times) {
  Table table({what, "TIME", std::string(times) == "turns" ? "TURNS" : "CALLS", "LONGEST", "WAITING", "TURN"});
  for (const json& row : list_of(list, "actors")) {
    table.add({name_of(row),
               plus(age(number_of(row, "total_ms")), number_of(row, "error_ms") > 0, age(number_of(row, "error_ms"))),
               text_of(row, times), age(number_of(row, "longest_ms")), text_of(row, "waiting"), turn_of(row)});
  }
  table.print(out);
}

std::string tables(const json& body) {
  std::ostringstream out;
  const double recorded = number_of(body, "recorded_ms");
  const json& busiest = body["busiest"];
  if (list_of(busiest, "actors").empty() && list_of(body["slowest"], "actors").empty()) {
    out << "no calls came to actors of this host meanwhile\n";
  } else {
    print_busiest(out, busiest, recorded);
    out << "\n";
    print_times(out, body["slowest"], "SLOWEST", "turns");
    if (!list_of(body["most_waited"], "actors").empty()) {
      out << "\n";
      print_times(out, body["most_waited"], "MOST WAITED FOR", "calls");
    }
    out << "\n";
  }
  out << text_of(busiest, "total") << " calls in " << age(recorded) << " at " << text_of(body, "view_of");
  if (number_of(busiest, "others_at_most") > 0) {
    out << "; (-N): at most so much too high; actors that are not among the " << text_of(body, "counters")
        << " kept have at most " << text_of(busiest, "others_at_most") << " calls";
  }
  out << "; recorded from the first look on, until " << age(number_of(body, "stops_after_ms")) << " after the last\n";
  return out.str();
}

bool is_whole(const json& body) {
  const auto has = [&](const char* list) { return body.contains(list) && body[list].is_object(); };
  return has("busiest") && has("slowest") && has("most_waited");
}

base::Result<json, int> look(const Session& session, const std::string& target) {
  auto body = view(session.client.get(target), session.client, session.json, session.terminal);
  if (body && !is_whole(*body)) {
    session.terminal.err << "ringside: the sidecar's answer is not that of /v1/top\n";
    return base::Error(static_cast<int>(kUnknown));
  }
  return body;
}

}  // namespace

int top(const Session& session, const TopArguments& arguments) {
  const std::string target = "/v1/top?n=" + std::to_string(arguments.rows);
  const bool is_live = session.terminal.out_is_seen && !session.json && arguments.record_for.empty();
  if (is_live) {
    for (std::size_t drawn = 0; arguments.count == 0 || drawn < arguments.count; ++drawn) {
      if (drawn > 0) std::this_thread::sleep_for(kRedraw);
      const auto body = look(session, target);
      if (!body) return body.error();
      session.terminal.out << "\x1b[2J\x1b[H" << tables(*body);
      session.terminal.out.flush();
      if (!session.terminal.out) break;  // nobody reads it any more
    }
    return kApplied;
  }
  auto body = look(session, target);
  if (!body) return body.error();
  const auto wanted = base::parse_duration(arguments.record_for).value_or(kAtLeast);
  const auto recorded = std::chrono::milliseconds(static_cast<std::int64_t>(number_of(*body, "recorded_ms")));
  // Somebody else may have looked before.
  if (recorded < wanted) {
    std::this_thread::sleep_for(wanted - recorded);
    body = look(session, target);
    if (!body) return body.error();
  }
  session.terminal.out << (session.json ? wire::dump(*body) + "\n" : tables(*body));
  return kApplied;
}

}  // namespace ringside::cli
