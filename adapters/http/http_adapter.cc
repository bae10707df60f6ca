#include "adapters/http/http_adapter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "adapters/turn_headers.h"

namespace ringside::adapters {
namespace {

constexpr const char* kAllActors = "/actors";
constexpr std::size_t kHealthConnections = 1;
constexpr std::chrono::milliseconds kBetweenEnds{20};
constexpr std::chrono::hours kUntilDeadline{24};  // each of these requests has one
constexpr std::size_t kAllThatWait = 10'000'000;  // the core bounds them
constexpr std::chrono::milliseconds kWatchAfterAnswer{50};

std::size_t end_connections(const HttpAdapterOptions& options) {
  return std::clamp<std::size_t>(options.connections / 3, 1, options.max_in_flight);
}

// All that the descriptors leave, which is more than the core lets begin by itself: turns that others wait for go
// beyond that.
std::size_t turn_connections(const HttpAdapterOptions& options) {
  const std::size_t others = end_connections(options) + kHealthConnections;
  return std::max<std::size_t>(1, options.connections - std::min(options.connections, others));
}

}  // namespace

HttpAdapter::HttpAdapter(net::Loop& loop, HttpAdapterOptions options, wire::JsonWork& json, core::AppSink& sink,
                         log::Log& log)
    : AppAdapter(loop, options.app, sink, log),
      loop_(loop),
      options_(std::move(options)),
      sink_(sink),
      log_(log),
      json_(json),
      exchange_(std::make_shared<const TurnExchange>(options_.json, options_.app)),
      room_(std::make_shared<net::AnswerRoom>(options_.answer_bytes)),
      listener_(options_.app),
      monitor_(loop, {options_.health_interval, options_.down_after, options_.turn_timeout}, health_events()) {
  options_.h2c ? make_clients_over_h2c() : make_clients();
}

HttpAdapter::~HttpAdapter() = default;

// ---- connections ----------------------------------------------------------------------------------------------------

void HttpAdapter::make_clients() {
  turns_ = std::make_unique<net::Http1Client>(loop_, client_options(turn_connections(options_)));
  ends_ = std::make_unique<net::Http1Client>(loop_, brief_options(end_connections(options_), kBetweenEnds));
  health_ = std::make_unique<net::Http1Client>(loop_, health_options());
}

void HttpAdapter::make_clients_over_h2c() {
  net::Http2LinkOptions link;
  link.endpoint = options_.app;
  link.resolver = options_.resolver;
  link.on_connected = [this](net::Transport& transport) { met(listener_.connected(transport)); };
  link.on_lost = [this] { ended_unasked(); };
  link_ = std::make_unique<net::Http2Link>(loop_, std::move(link));
  net::Http2ClientOptions client;
  client.max_body = options_.max_message;
  client.room = room_;
  client.max_waiting = options_.max_in_flight + 100;
  turns_ = std::make_unique<net::Http2Client>(loop_, *link_, client);
  client.max_waiting = kAllThatWait;
  client.urgent = true;
  ends_ = std::make_unique<net::Http2Client>(loop_, *link_, client);
  client.room = nullptr;  // it is heard whatever the turns' answers take
  health_ = std::make_unique<net::Http2Client>(loop_, *link_, client);
}

// The application ended a connection that nobody had asked it to end.
void HttpAdapter::ended_unasked() {
  const auto seen = listener_.look();
  seen == ListenerWatch::Seen::kUnknown ? monitor_.look_now() : met(seen);
}

net::Http1ClientOptions HttpAdapter::client_options(std::size_t connections) {
  net::Http1ClientOptions client;
  client.endpoint = options_.app;
  client.resolver = options_.resolver;
  client.max_connections = connections;
  client.max_waiting = options_.max_in_flight + 100;
  client.max_body = options_.max_message;
  client.room = room_;
  client.watch_after_answer = kWatchAfterAnswer;
  client.on_connected = [this](net::Transport& transport) { met(listener_.connected(transport)); };
  client.on_idle_end = [this] { ended_unasked(); };
  return client;
}

// Not kept for long: a server that serves one connection at a time is kept from turns by an idle one.
net::Http1ClientOptions HttpAdapter::brief_options(std::size_t connections, std::chrono::milliseconds max_idle) {
  net::Http1ClientOptions client = client_options(connections);
  client.max_idle = max_idle;
  client.watch_after_answer = std::min(kWatchAfterAnswer, max_idle / 2);
  client.max_waiting = kAllThatWait;
  client.last_place = true;
  client.gives_way = true;
  return client;
}

net::Http1ClientOptions HttpAdapter::health_options() {
  net::Http1ClientOptions client = brief_options(kHealthConnections, std::chrono::milliseconds(0));
  client.connect_timeout = kUntilDeadline;
  client.room = nullptr;  // it is heard whatever the turns' answers take
  return client;
}

// At each new connection, before anything is written to it, so that no turn reaches another process under an old epoch;
// and where the application ended an idle one, which may be its own end.
void HttpAdapter::met(ListenerWatch::Seen seen) {
  if (seen == ListenerWatch::Seen::kAnother) monitor_.replaced();
  if (seen == ListenerWatch::Seen::kNobody) monitor_.no_listener();
}

// ---- turns ----------------------------------------------------------------------------------------------------------

void HttpAdapter::start_turn(core::StartTurn turn) {
  const std::size_t bytes = exchange_->json_to_write(turn);
  if (!json_.is_for_worker(bytes)) return send(turn, exchange_->write(turn, json_.here()));
  turns_in_flight_[turn.token] = {};  // it has no request yet
  json_.run(
      bytes, [exchange = exchange_, turn](const wire::ApplyJson& json) { return exchange->write(turn, json); },
      life_.bind([this, turn](base::Result<TurnExchange::Written, core::Answer> written) {
        const bool is_wanted = turns_in_flight_.erase(turn.token) != 0;  // it has not been broken or lost meanwhile
        if (is_wanted) send(turn, std::move(written));
      }));
}

void HttpAdapter::send(const core::StartTurn& turn, base::Result<TurnExchange::Written, core::Answer> written) {
  std::optional<core::Answer> refusal;
  if (!written) refusal = std::move(written.error());
  // It does not wait for those under way to end, which may be waiting for it.
  if (!refusal && !options_.h2c && turns_in_flight_.size() >= turn_connections(options_)) {
    refusal = core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kTooManyTurns,
                                   "each of the " + std::to_string(turn_connections(options_)) +
                                       " connections to the application has a turn under way");
  }
  if (refusal) {
    turns_in_flight_[turn.token] = {};
    loop_.post(life_.bind([this, token = turn.token, refusal = std::move(*refusal)] { finish(token, refusal); }));
    return;
  }
  // The turn outlives its caller's deadline: it ends with the app's answer, or is broken after --turn-timeout.
  turns_in_flight_[turn.token] =
      turns_->request_by(written->request, {latest_begin(turn), kTimeLeftHeader},
                         [this, token = turn.token, asked = std::move(written->asked)](net::HttpResult result) {
                           read(token, std::move(result), asked);
                         });
}

void HttpAdapter::read(core::TurnId turn, net::HttpResult result, TurnExchange::Asked asked) {
  note(result);
  const std::size_t bytes = TurnExchange::json_to_read(result, asked);
  if (!json_.is_for_worker(bytes)) return finish(turn, exchange_->read(std::move(result), asked, json_.here()));
  json_.run(
      bytes,
      [exchange = exchange_, result = std::move(result), asked = std::move(asked)](
          const wire::ApplyJson& json) mutable { return exchange->read(std::move(result), asked, json); },
      life_.bind([this, turn](core::Answer answer) { finish(turn, std::move(answer)); }));
}

// What an exchange says of the app's health.
void HttpAdapter::note(const net::HttpResult& result) {
  if (result.outcome == net::HttpOutcome::kAnswered) {
    monitor_.answered();
  } else if (result.no_listener) {
    monitor_.no_listener();
  } else if (!result.timed_out && !result.overloaded) {
    monitor_.look_now();
  }
}

void HttpAdapter::finish(core::TurnId turn, core::Answer answer) {
  if (turns_in_flight_.erase(turn) != 0) sink_.turn_ended(turn, std::move(answer));
}

void HttpAdapter::break_turn(core::TurnId turn) {
  const auto found = turns_in_flight_.find(turn);
  if (found == turns_in_flight_.end()) return;
  std::string detail = turns_->answer_so_far(found->second);
  if (!detail.empty()) detail += " and did not end: an answer is passed on as a whole, never as a stream";
  turns_->cancel(found->second);
  loop_.post(life_.bind([this, turn, detail = std::move(detail)] {
    finish(turn, core::Answer::failed(core::Outcome::kUnknown, core::Reason::kTurnTimeout, detail));
  }));
}

// `tell` may begin turns of new activations; those are none of the lost ones.
void HttpAdapter::lose_all(const std::function<void()>& tell) {
  std::vector<std::pair<core::TurnId, bool>> lost;  // whether it was never sent
  for (const auto& [turn, request] : std::exchange(turns_in_flight_, {})) {
    lost.emplace_back(turn, !request || turns_->cancel(request));
  }
  std::sort(lost.begin(), lost.end());
  // What is still to be forgotten has been; it must not reach a new activation.
  for (const auto& [token, request] : std::exchange(ends_in_flight_, {})) ends_->cancel(request);
  tell();
  for (const auto& [turn, unsent] : lost) {
    const auto outcome = unsent ? core::Outcome::kNotDelivered : core::Outcome::kUnknown;
    sink_.turn_ended(turn, core::Answer::failed(outcome, core::Reason::kAppLost));
  }
}

// ---- deactivation ---------------------------------------------------------------------------------------------------

void HttpAdapter::deactivate(core::DeactivateActor request) {
  net::HttpRequest end;
  end.method = "DELETE";
  end.target = "/actors/" + to_string(request.actor.id);
  add_deactivation_headers(request, end.headers);
  send_end(request.token, end);
}

void HttpAdapter::deactivate_all(core::DeactivateAll request) {
  net::HttpRequest end;
  end.method = "DELETE";
  end.target = kAllActors;
  end.headers.add("ringside-deactivation", std::string(core::kInitialReset));
  send_end(request.token, end);
}

// However long it waits for its connection: what was not sent is not done.
void HttpAdapter::send_end(core::DeactivationId token, const net::HttpRequest& request) {
  ends_in_flight_[token] = ends_->request_within(
      request, options_.turn_timeout,
      [this, token, target = request.target](const net::HttpResult& result) { end_answered(token, target, result); });
}

void HttpAdapter::end_answered(core::DeactivationId token, const std::string& target, const net::HttpResult& result) {
  note(result);
  if (ends_in_flight_.erase(token) == 0) return;
  core::Deactivated said = read_deactivation("DELETE " + target, target == kAllActors, result);
  const int status = result.response.status;
  const bool known = status < 300 || status == 404 || status == 405 || status == 501;
  if (said.kind == core::Deactivated::Kind::kDone && !known && taken_for_done_.insert(status).second) {
    log_.warn("deactivation_taken_for_done",
              {{"status", status}, {"why", said.detail + ": taken for an application that has nothing to do for it"}});
  }
  sink_.deactivated(token, std::move(said));
}

// ---- health ---------------------------------------------------------------------------------------------------------

HealthMonitor::Events HttpAdapter::health_events() {
  HealthMonitor::Events events;
  events.check = [this](net::Clock::time_point deadline, HealthMonitor::Checked checked) {
    check_health(deadline, std::move(checked));
  };
  // A server that serves one connection at a time may be reading an idle one of ours.
  events.hanging = [this] {
    turns_->renew_connections();
    ends_->renew_connections();
  };
  events.working = [this] { return turns_->any_begun() || ends_->any_begun(); };
  events.up = [this] { sink_.app_up(); };
  events.unhealthy = [this](const std::string& why) { sink_.app_unhealthy(why); };
  events.gone = [this](const std::string& why) { lose_all([&] { sink_.app_down(why); }); };
  events.restarted = [this] { lose_all([this] { sink_.app_restarted(); }); };
  return events;
}

void HttpAdapter::check_health(net::Clock::time_point deadline, HealthMonitor::Checked checked) {
  net::HttpRequest request;
  request.method = "GET";
  request.target = options_.health_path;
  health_->request(request, deadline, [this, checked = std::move(checked)](const net::HttpResult& result) {
    HealthResult health;
    health.same_listener = listener_.stays();
    health.no_listener = result.no_listener;
    health.timed_out = result.timed_out;
    if (result.outcome == net::HttpOutcome::kAnswered) {
      const int status = result.response.status;
      // It has no such page, or not for GET: but it answers.
      const bool no_page = status == 404 || status == 405 || status == 501;
      health.healthy = (status >= 200 && status < 300) || no_page;
      health.instance = std::string(result.response.headers.get("ringside-app-instance"));
      health.why = "its health check, GET " + options_.health_path + ", is answered " + std::to_string(status);
    } else if (result.timed_out) {
      health.why = "its health check, GET " + options_.health_path + ", is not answered: " + result.error;
    } else {
      health.why = result.error;
    }
    checked(std::move(health));
  });
}

}  // namespace ringside::adapters
