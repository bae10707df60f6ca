#include "adapters/http/http_adapter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

#include "adapters/turn_headers.h"

namespace ringside::adapters {
namespace {

constexpr std::size_t kTurnConnections = 64;
constexpr std::size_t kEndConnections = 64;
constexpr std::size_t kHealthConnections = 1;
constexpr std::chrono::milliseconds kBetweenEnds{20};
constexpr std::chrono::hours kUntilDeadline{24};  // each of these requests has one

net::Http1ClientOptions client_options(const HttpAdapterOptions& options, std::size_t connections) {
  net::Http1ClientOptions client;
  client.endpoint = options.app;
  client.resolver = options.resolver;
  client.max_connections = connections;
  client.max_waiting = options.max_in_flight + 100;
  client.max_body = options.max_message;
  return client;
}

// Not kept for long: a server that serves one connection at a time is kept from turns by an idle one.
net::Http1ClientOptions brief_options(const HttpAdapterOptions& options, std::size_t connections,
                                      std::chrono::milliseconds max_idle) {
  net::Http1ClientOptions client = client_options(options, connections);
  client.max_idle = max_idle;
  client.connect_timeout = kUntilDeadline;
  return client;
}

std::size_t end_connections(const HttpAdapterOptions& options) {
  return std::clamp<std::size_t>(options.connections / 4, 1, kEndConnections);
}

std::size_t turn_connections(const HttpAdapterOptions& options) {
  const std::size_t others = end_connections(options) + kHealthConnections;
  return std::clamp<std::size_t>(options.connections - std::min(options.connections, others), 1, kTurnConnections);
}

// An app that does not know of deactivation has nothing to do for it.
bool deactivation_done(const net::HttpResult& result) {
  if (result.outcome != net::HttpOutcome::kAnswered) return false;
  const int status = result.response.status;
  return (status >= 200 && status < 300) || status == 404 || status == 405 || status == 501;
}

}  // namespace

HttpAdapter::HttpAdapter(net::Loop& loop, HttpAdapterOptions options, const wire::ApplyJson& json, core::AppSink& sink,
                         runtime::Log& log)
    : loop_(loop),
      options_(std::move(options)),
      sink_(sink),
      log_(log),
      exchange_(json, options_.json),
      turns_(loop, client_options(options_, turn_connections(options_))),
      ends_(loop, brief_options(options_, end_connections(options_), kBetweenEnds)),
      health_(loop, brief_options(options_, kHealthConnections, std::chrono::milliseconds(0))),
      monitor_(loop, {options_.health_interval, options_.down_after, options_.turn_timeout}, health_events()) {}

HttpAdapter::~HttpAdapter() = default;

void HttpAdapter::start() { monitor_.start(); }

// ---- turns ----------------------------------------------------------------------------------------------------------

void HttpAdapter::start_turn(core::StartTurn turn) {
  TurnExchange::Written written;
  if (auto refusal = exchange_.write(turn, written)) {
    under_way_[turn.token] = 0;
    boost::asio::post(loop_, [this, token = turn.token, refusal = std::move(*refusal)] { finish(token, refusal); });
    return;
  }
  // The turn outlives its caller's deadline: it ends with the app's answer, or is broken after --turn-timeout.
  under_way_[turn.token] =
      turns_.request_by(written.request, {latest_begin(turn), kTimeLeftHeader},
                        [this, token = turn.token, method_call = written.method_call](const net::HttpResult& result) {
                          turn_answered(token, method_call, result);
                        });
}

void HttpAdapter::turn_answered(core::Token turn, bool method_call, const net::HttpResult& result) {
  core::Answer answer = exchange_.read(result, method_call);
  note(result);
  finish(turn, std::move(answer));
}

// What an exchange says of the app's health.
void HttpAdapter::note(const net::HttpResult& result) {
  if (result.outcome == net::HttpOutcome::kAnswered) {
    monitor_.answered();
  } else if (result.refused) {
    monitor_.refused();
  } else if (!result.timed_out && !result.overloaded) {
    monitor_.look_now();
  }
}

void HttpAdapter::finish(core::Token turn, core::Answer answer) {
  if (under_way_.erase(turn) != 0) sink_.turn_ended(turn, std::move(answer));
}

void HttpAdapter::break_turn(core::Token turn) {
  const auto found = under_way_.find(turn);
  if (found == under_way_.end()) return;
  turns_.cancel(found->second);
  boost::asio::post(
      loop_, [this, turn] { finish(turn, core::Answer::failed(core::Outcome::kUnknown, core::Reason::kTurnTimeout)); });
}

// `tell` may begin turns of new activations; those are none of the lost ones.
void HttpAdapter::lose_all(const std::function<void()>& tell) {
  std::vector<core::Token> lost;
  for (const auto& [turn, request] : std::exchange(under_way_, {})) {
    turns_.cancel(request);
    lost.push_back(turn);
  }
  std::sort(lost.begin(), lost.end());
  // What is still to be forgotten has been; it must not reach a new activation.
  for (const auto& [token, request] : std::exchange(ends_under_way_, {})) ends_.cancel(request);
  tell();
  for (const core::Token turn : lost) {
    sink_.turn_ended(turn, core::Answer::failed(core::Outcome::kUnknown, core::Reason::kAppLost));
  }
}

// ---- deactivation ---------------------------------------------------------------------------------------------------

void HttpAdapter::deactivate(core::DeactivateActor request) {
  net::HttpRequest end;
  end.method = "DELETE";
  end.target = "/actors/" + std::to_string(request.actor.id);
  send_end(request.token, end);
}

void HttpAdapter::deactivate_all(core::DeactivateAll request) {
  net::HttpRequest end;
  end.method = "DELETE";
  end.target = "/actors";
  send_end(request.token, end);
}

void HttpAdapter::send_end(core::Token token, const net::HttpRequest& request) {
  const auto deadline = net::Clock::now() + options_.turn_timeout;
  ends_under_way_[token] =
      ends_.request(request, deadline, [this, token](const net::HttpResult& result) { end_answered(token, result); });
}

void HttpAdapter::end_answered(core::Token token, const net::HttpResult& result) {
  note(result);
  if (ends_under_way_.erase(token) == 0) return;
  core::Deactivated said;
  said.detail = result.outcome == net::HttpOutcome::kAnswered
                    ? "the application answered " + std::to_string(result.response.status)
                    : result.error;
  using Kind = core::Deactivated::Kind;
  if (deactivation_done(result)) {
    said.kind = Kind::kDone;
  } else if (result.outcome == net::HttpOutcome::kAnswered && result.response.status == 409) {
    said.kind = Kind::kNotNow;
  } else {
    said.kind = result.timed_out ? Kind::kSilent : Kind::kFailed;
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
    turns_.renew_connections();
    ends_.renew_connections();
  };
  events.working = [this] { return turns_.any_begun() || ends_.any_begun(); };
  events.up = [this] { sink_.app_up(); };
  events.unhealthy = [this](const std::string& why) { sink_.app_sick(why); };
  events.gone = [this](const std::string& why) { lose_all([&] { sink_.app_down(why); }); };
  events.restarted = [this] { lose_all([this] { sink_.app_restarted(); }); };
  return events;
}

void HttpAdapter::check_health(net::Clock::time_point deadline, HealthMonitor::Checked checked) {
  net::HttpRequest request;
  request.method = "GET";
  request.target = options_.health_path;
  health_.request(request, deadline, [checked = std::move(checked)](const net::HttpResult& result) {
    HealthResult health;
    health.refused = result.refused;
    health.timed_out = result.timed_out;
    if (result.outcome == net::HttpOutcome::kAnswered) {
      const int status = result.response.status;
      health.healthy = (status >= 200 && status < 300) || status == 404;  // 404: it has no such page, but it answers
      health.instance = std::string(result.response.headers.get("ringside-app-instance"));
      health.why = "its health check answers " + std::to_string(status);
    } else {
      health.why = result.error;
    }
    checked(std::move(health));
  });
}

}  // namespace ringside::adapters
