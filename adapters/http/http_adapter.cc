#include "adapters/http/http_adapter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

namespace ringside::adapters {
namespace {

constexpr std::size_t kTurnConnections = 64;
constexpr std::size_t kDeactivationsAtOnce = 8;
constexpr std::size_t kHealthConnections = 1;
constexpr std::chrono::milliseconds kHealthTimeout{1'000};

net::Http1ClientOptions client_options(const HttpAdapterOptions& options, std::size_t connections) {
  net::Http1ClientOptions client;
  client.endpoint = options.app;
  client.resolver = options.resolver;
  client.max_connections = connections;
  client.max_waiting = options.max_in_flight + 100;
  client.max_body = options.max_message;
  return client;
}

std::size_t end_connections(const HttpAdapterOptions& options) {
  return std::clamp<std::size_t>(options.connections / 4, 1, kDeactivationsAtOnce);
}

std::size_t turn_connections(const HttpAdapterOptions& options) {
  const std::size_t others = end_connections(options) + kHealthConnections;
  return std::clamp<std::size_t>(options.connections - std::min(options.connections, others), 1, kTurnConnections);
}

// An app that does not know of deactivation has nothing to do for it.
bool deactivation_done(const net::HttpResult& result) {
  if (result.outcome != net::HttpOutcome::kAnswered) return false;
  const int status = result.response.status;
  return status < 400 || status == 404 || status == 405 || status == 501;
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
      ends_(loop, client_options(options_, end_connections(options_))),
      health_(loop, client_options(options_, kHealthConnections)),
      monitor_(
          loop, options_.health_interval, options_.down_after,
          {[this](HealthMonitor::Checked checked) { check_health(std::move(checked)); }, [this] { sink_.app_up(); },
           [this](const std::string& why) { lose_turns([&] { sink_.app_down(why); }); },
           [this] { lose_turns([this] { sink_.app_restarted(); }); }}) {}

HttpAdapter::~HttpAdapter() = default;

void HttpAdapter::start() { monitor_.start(); }

// ---- turns ----------------------------------------------------------------------------------------------------------

void HttpAdapter::start_turn(core::StartTurn turn) {
  const auto now = net::Clock::now();
  const auto deadline = net::Clock::time_point(turn.call->deadline.time_since_epoch());
  TurnExchange::Written written;
  const auto time_left = std::chrono::duration_cast<core::Duration>(deadline - now);
  if (auto refusal = exchange_.write(turn, time_left, written)) {
    under_way_[turn.token] = 0;
    boost::asio::post(loop_, [this, token = turn.token, refusal = std::move(*refusal)] { finish(token, refusal); });
    return;
  }
  // The turn outlives its caller's deadline: it ends with the app's answer, or is broken after --turn-timeout.
  under_way_[turn.token] =
      turns_.request(written.request, std::nullopt,
                     [this, token = turn.token, method_call = written.method_call](const net::HttpResult& result) {
                       turn_answered(token, method_call, result);
                     });
}

void HttpAdapter::turn_answered(core::Token turn, bool method_call, const net::HttpResult& result) {
  core::Answer answer = exchange_.read(result, method_call);
  if (result.outcome != net::HttpOutcome::kAnswered) monitor_.look_now();
  finish(turn, std::move(answer));
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
void HttpAdapter::lose_turns(const std::function<void()>& tell) {
  std::vector<core::Token> lost;
  for (const auto& [turn, request] : std::exchange(under_way_, {})) {
    turns_.cancel(request);
    lost.push_back(turn);
  }
  std::sort(lost.begin(), lost.end());
  tell();
  for (const core::Token turn : lost) {
    sink_.turn_ended(turn, core::Answer::failed(core::Outcome::kUnknown, core::Reason::kAppLost));
  }
}

// ---- deactivation ---------------------------------------------------------------------------------------------------

void HttpAdapter::deactivate(core::DeactivateActors request) {
  const auto work = std::make_shared<Deactivation>();
  work->token = request.token;
  work->all = request.all;
  work->deadline = net::Clock::now() + options_.turn_timeout;
  for (const core::Claim& actor : request.actors) work->left.push_back(actor.id);
  if (work->all) work->left.assign(1, 0);
  boost::asio::post(loop_, [this, work] {
    if (work->left.empty()) return sink_.deactivated(work->token);
    deactivations_.push_back(work);
    next_deactivations();
  });
}

// No more at once than there are connections, so that none is ever refused by a bound and taken for done.
void HttpAdapter::next_deactivations() {
  while (!deactivations_.empty() && ends_under_way_ < kDeactivationsAtOnce) {
    const auto work = std::move(deactivations_.front());
    deactivations_.pop_front();
    net::HttpRequest request;
    request.method = "DELETE";
    request.target = work->all ? "/actors" : "/actors/" + std::to_string(work->left.front());
    work->left.pop_front();
    ++work->unanswered;
    ++ends_under_way_;
    ends_.request(request, work->deadline,
                  [this, work](const net::HttpResult& result) { deactivation_answered(*work, result); });
    if (!work->left.empty()) deactivations_.push_back(work);
  }
}

void HttpAdapter::deactivation_answered(Deactivation& work, const net::HttpResult& result) {
  // An app that cannot be asked has lost the actor, or is about to be found down; nothing is gained by waiting.
  if (!deactivation_done(result)) {
    log_.warn("deactivation_failed", {{"status", result.response.status}, {"why", result.error}});
    monitor_.look_now();
  }
  --ends_under_way_;
  if (--work.unanswered == 0 && work.left.empty()) sink_.deactivated(work.token);
  next_deactivations();
}

// ---- health ---------------------------------------------------------------------------------------------------------

void HttpAdapter::check_health(HealthMonitor::Checked checked) {
  net::HttpRequest request;
  request.method = "GET";
  request.target = options_.health_path;
  health_.request(request, net::Clock::now() + kHealthTimeout,
                  [checked = std::move(checked)](const net::HttpResult& result) {
                    HealthResult health;
                    health.refused = result.refused;
                    if (result.outcome == net::HttpOutcome::kAnswered) {
                      const int status = result.response.status;
                      health.healthy =
                          (status >= 200 && status < 300) || status == 404;  // 404: it has no such page, but it answers
                      health.instance = std::string(result.response.headers.get("ringside-app-instance"));
                      health.why = "its health check answers " + std::to_string(status);
                    } else {
                      health.why = result.error;
                    }
                    checked(std::move(health));
                  });
}

}  // namespace ringside::adapters
