#include "sidecar/events/event_streams.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "sidecar/base/check.h"
#include "sidecar/wire/json_text.h"

namespace ringside::events {
namespace {

// Of what happened before, so much is made into text ahead of a reader.
constexpr std::size_t kAhead = std::size_t{16} << 10;
constexpr std::string_view kBegin = "retry: 2000\n\n";
constexpr std::string_view kBeat = ":\n\n";

}  // namespace

EventStreams::EventStreams(net::Loop& loop, History& history, EventStreamsOptions options)
    : history_(history), options_(std::move(options)), heartbeat_(loop) {}

EventStreams::~EventStreams() { history_.forget(watch_); }

// A number that is greater than any of this process is from an earlier one, and what followed there is not known.
std::uint64_t EventStreams::first_of(const EventQuery& query) const {
  const bool here = query.after && *query.after <= history_.newest();
  std::uint64_t first = query.after && here ? *query.after : 0;
  if (query.since) first = std::max(first, history_.before_last(query.since->count()));
  const bool all = query.after || query.since || !query.follow;
  return all ? first : history_.newest();
}

nlohmann::json EventStreams::list(const EventQuery& query, Sight sight) const {
  nlohmann::json events = nlohmann::json::array();
  std::uint64_t last = first_of(query);
  while (const Recorded* one = history_.after(last)) {
    events.push_back(event_json(*one, options_.self, sight));
    last = one->number;
  }
  return {{"events", std::move(events)},
          {"oldest", history_.oldest()},
          {"newest", history_.newest()},
          {"view_of", options_.self}};
}

std::string EventStreams::why_full(const std::string& peer) const {
  const auto full = [](std::size_t most, const std::string& to_whom) {
    return std::to_string(most) + (most == 1 ? " stream of events is" : " streams of events are") + " open" + to_whom +
           ", and no more may be: end one, or ask for the list (Accept: application/json)";
  };
  if (streams_.size() >= options_.most) return full(options_.most, "");
  const auto own = static_cast<std::size_t>(std::count_if(
      streams_.begin(), streams_.end(), [&peer](const auto& entry) { return entry.second.peer == peer; }));
  return own >= options_.most_of_one_address ? full(options_.most_of_one_address, " to " + peer) : "";
}

void EventStreams::follow(const EventQuery& query, Sight sight, const net::HttpRequest& request, net::HttpReply reply) {
  RINGSIDE_CHECK(why_full(request.peer).empty());
  net::HttpResponse head;
  head.headers.add("content-type", "text/event-stream");
  head.headers.add("cache-control", "no-store");
  head.headers.add("x-content-type-options", "nosniff");
  if (request.method == "HEAD") return reply(std::move(head));
  const std::uint64_t id = next_id_++;
  net::HttpStream::Events events;
  events.drained = life_.bind([this, id] { catch_up(id); });
  events.ended = life_.bind([this, id] { end(id); });
  auto body = reply.stream(std::move(head), std::move(events));
  if (!body) return;
  if (streams_.empty()) {
    watch_ = history_.watch([this](const Recorded& news) { tell(news); });
    beat();
  }
  Stream& stream = streams_[id];
  stream = {std::move(body), request.peer, sight, first_of(query), false};
  write(stream, kBegin);
  catch_up(id);
}

std::string EventStreams::encoded(const Recorded& one, Sight sight) const {
  return "id: " + std::to_string(one.number) + "\ndata: " + wire::dump(event_json(one, options_.self, sight)) + "\n\n";
}

void EventStreams::catch_up(std::uint64_t id) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || found->second.caught_up) return;
  Stream& stream = found->second;
  while (stream.body->unsent() < kAhead) {
    const Recorded* next = history_.after(stream.sent);
    stream.caught_up = next == nullptr;
    if (stream.caught_up) return;
    stream.sent = next->number;
    write(stream, encoded(*next, stream.sight));
  }
}

void EventStreams::tell(const Recorded& news) {
  std::array<std::string, 2> text;  // by sight, once for all that have it
  for (auto& [id, stream] : streams_) {
    if (!stream.caught_up) continue;
    std::string& of = text[static_cast<std::size_t>(stream.sight)];
    if (of.empty()) of = encoded(news, stream.sight);
    stream.sent = news.number;
    write(stream, of);
  }
}

// Between events, so that what lies between here and the reader does not take the connection for idle.
void EventStreams::beat() {
  heartbeat_.after(options_.heartbeat, [this] {
    if (streams_.empty()) return;
    for (auto& [id, stream] : streams_) write(stream, kBeat);
    beat();
  });
}

// One that has given up is told to have ended, and goes then.
void EventStreams::write(Stream& stream, std::string_view bytes) const {
  stream.body->write(bytes);
  if (stream.body->unsent() > kMostUnsent) stream.body->give_up();
}

void EventStreams::end(std::uint64_t id) {
  if (streams_.erase(id) == 0 || !streams_.empty()) return;
  history_.forget(watch_);
  heartbeat_.cancel();
}

}  // namespace ringside::events
