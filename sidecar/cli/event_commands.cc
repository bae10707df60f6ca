// events, watch
#include <algorithm>
#include <deque>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "sidecar/base/text.h"
#include "sidecar/cli/commands.h"
#include "sidecar/cli/output.h"
#include "sidecar/wire/json_text.h"
#include "sidecar/wire/status_json.h"

namespace ringside::cli {
namespace {

using nlohmann::json;

constexpr std::string_view kEvents = "/v1/events";
constexpr std::size_t kRecent = 10;  // events below the table
constexpr std::chrono::milliseconds kLongest{10'000};

std::string target_of(const EventArguments& arguments) {
  std::string target(kEvents);
  // All that is kept, unless somebody says otherwise.
  return target + (arguments.since.empty() ? "?after=0" : "?since=" + base::percent_encode(arguments.since));
}

// "2026-11-23T14:03:11.482Z  member_died  10.0.0.8  it has not answered for 2.5 s; ... (by 10.0.0.7; after 3.0h)"
std::string line_of(const json& event) {
  std::string line = text_of(event, "time") + "  " + text_of(event, "kind") + "  " + text_of(event, "host");
  if (const std::string actor = text_of(event, "actor"); !actor.empty()) line += "  actor " + actor;
  if (event.contains("count")) line += "  " + text_of(event, "count") + " times";
  line += "  " + text_of(event, "why");
  std::string beside;
  if (const std::string by = text_of(event, "by"); by != text_of(event, "host")) beside = "by " + by;
  if (event.contains("lasted_ms")) {
    beside += (beside.empty() ? "after " : "; after ") + age(number_of(event, "lasted_ms"));
  }
  return line + (beside.empty() ? "" : " (" + beside + ")");
}

int follow(const Session& session, const EventArguments& arguments) {
  std::size_t shown = 0;
  const net::HttpRequest request{"GET", target_of(arguments), {{"accept", "text/event-stream"}}, {}, {}};
  const Reply reply = session.client.follow(request, [&](std::string_view data) {
    const json event = json::parse(data, nullptr, false);
    if (!event.is_object()) return true;
    session.terminal.out << (session.json ? wire::dump(event) : line_of(event)) << "\n";
    session.terminal.out.flush();
    return session.terminal.out && (arguments.count == 0 || ++shown < arguments.count);
  });
  const bool whole = reply.kind == Reply::Kind::kAnswered && reply.response.status == 200;
  return whole ? kApplied : explain(reply, session.client, session.json, false, session.terminal);
}

base::Result<json, int> list(const Session& session, const std::string& target) {
  const Reply reply = session.client.request({"GET", target, {{"accept", "application/json"}}, {}, {}}, kLongest);
  return view(reply, session.client, session.json, session.terminal);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// As many characters of a line as the screen is wide.
std::string fitted(const std::string& line, std::size_t columns) {
  const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  if (static_cast<std::size_t>(std::ranges::count_if(line, begins)) <= columns) return line;
  std::size_t end = 0;
  for (std::size_t characters = 0; end < line.size(); ++end) {
    if (begins(line[end]) && characters++ == columns - 1) break;
  }
  return line.substr(0, end) + "…";
}

// The members, and what happened last, drawn anew on a cleared screen: never more than it has room for. Where there are
// many members, the events leave most of it to them.
std::string screen(const json& members, const std::deque<std::string>& recent, std::optional<TerminalSize> size) {
  std::vector<std::string> lines = lines_of(members_text(members));
  std::vector<std::string> events(recent.begin(), recent.end());
  constexpr std::size_t kLeast = 6;  // rows, with one of each
  if (size && size->rows >= kLeast && size->columns > 1) {
    constexpr std::size_t kFewest = 3;        // events, however many members there are
    const std::size_t room = size->rows - 2;  // an empty line between them, and one for the cursor
    const std::size_t left = room - std::min(room, lines.size());
    const std::size_t shown = std::min({events.size(), std::max(left, kFewest), room - 1});
    events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(shown));
    if (const std::size_t most = room - shown; lines.size() > most) {
      const std::size_t hidden = lines.size() - most + 1;
      lines.resize(most - 1);
      lines.push_back("... " + base::counted(hidden, "more line") + " (ringside members)");
    }
    for (std::string& line : lines) line = fitted(line, size->columns);
    for (std::string& line : events) line = fitted(line, size->columns);
  }
  std::string text = "\x1b[2J\x1b[H";
  for (const std::string& line : lines) text += line + "\n";
  text += "\n";
  for (const std::string& line : events) text += line + "\n";
  return text;
}

// Once a second, as ages change, and at each change of the view.
int watch_on_terminal(const Session& session, const EventArguments& arguments) {
  std::string version;
  std::string target = target_of(arguments);
  std::deque<std::string> recent;
  for (std::size_t drawn = 0; arguments.count == 0 || drawn < arguments.count; ++drawn) {
    const std::string wait = version.empty() ? "" : "?wait=" + base::percent_encode(version);
    const Reply reply =
        session.client.request({"GET", "/v1/members" + wait, {{"ringside-timeout", "1s"}}, {}, {}}, kLongest);
    const auto members = view(reply, session.client, session.json, session.terminal);
    if (!members) return members.error();
    version = text_of(*members, "version");
    const auto news = list(session, target);
    if (!news) return news.error();
    target = std::string(kEvents) + "?after=" + text_of(*news, "newest");
    for (const json& event : list_of(*news, "events")) recent.push_back(line_of(event));
    while (recent.size() > kRecent) recent.pop_front();
    const auto size = session.terminal.size ? session.terminal.size() : std::nullopt;
    session.terminal.out << screen(*members, recent, size);
    session.terminal.out.flush();
    if (!session.terminal.out) break;  // nobody reads it any more
  }
  return kApplied;
}

}  // namespace

int events(const Session& session, const EventArguments& arguments) {
  if (arguments.follow) return follow(session, arguments);
  auto body = list(session, target_of(arguments));
  if (!body) return body.error();
  if (auto& found = (*body)["events"]; found.is_array() && arguments.count != 0 && found.size() > arguments.count) {
    found.erase(found.begin() + static_cast<std::ptrdiff_t>(arguments.count), found.end());
  }
  if (session.json) {
    session.terminal.out << wire::dump(*body) << "\n";
    return kApplied;
  }
  const json& all = list_of(*body, "events");
  for (const json& event : all) session.terminal.out << line_of(event) << "\n";
  if (all.empty()) {
    session.terminal.out << "nothing has happened to " << text_of(*body, "view_of")
                         << (arguments.since.empty() ? "" : " in the last " + base::readable(arguments.since)) << "\n";
  }
  return kApplied;
}

int watch(const Session& session, const EventArguments& arguments) {
  if (session.terminal.out_is_seen && !session.json) return watch_on_terminal(session, arguments);
  return follow(session, arguments);
}

}  // namespace ringside::cli
