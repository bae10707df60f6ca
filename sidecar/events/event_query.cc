#include "sidecar/events/event_query.h"

#include <string_view>
#include <utility>

#include "sidecar/base/parse.h"
#include "sidecar/base/text.h"
#include "sidecar/base/units.h"
#include "sidecar/net/accept.h"

namespace ringside::events {
namespace {

base::Result<std::uint64_t, std::string> number_of(const char* where, std::string_view text) {
  const auto number = base::parse_whole<std::uint64_t>(std::string(text));
  if (!number) return base::Error(std::string(where) + ": the number of an event, such as 42");
  return *number;
}

}  // namespace

base::Result<EventQuery, std::string> read_event_query(const net::HttpRequest& request) {
  const std::string_view target = request.target;
  const std::size_t mark = target.find('?');
  const std::string_view query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  if (std::string wrong = base::check_query(query, {"since", "after"}); !wrong.empty()) {
    return base::Error(std::move(wrong));
  }
  EventQuery asked;
  if (const auto since = base::query_parameter(query, "since")) {
    asked.since = base::parse_duration(*since);
    if (!asked.since)
      return base::Error("since: a duration of at most 10000h, such as 1h or 90s; its units are ms, s, m and h");
  }
  if (const auto after = base::query_parameter(query, "after")) {
    const auto number = number_of("after", *after);
    if (!number) return base::Error(number.error());
    asked.after = *number;
  }
  // What a browser sends when it comes back has seen more than the address that it began with.
  if (const std::string* last = request.headers.find("last-event-id"); last != nullptr && !last->empty()) {
    const auto number = number_of("Last-Event-ID", *last);
    if (!number) return base::Error(number.error());
    asked.after = *number;
  }
  const net::Acceptance stream = net::acceptance(request.headers, "text/event-stream");
  const net::Acceptance list = net::acceptance(request.headers, "application/json");
  const auto asks_for = [](const net::Acceptance& type) { return type.is_named && type.quality > 0; };
  asked.follow = stream.quality != list.quality ? stream.quality > list.quality
                                                : asks_for(stream) || (!asks_for(list) && !asked.since);
  return asked;
}

}  // namespace ringside::events
