// A local listener on loopback before a gateway in the hands of the test.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sidecar/local/local_api.h"
#include "sidecar/net/grpc/grpc_channel.h"
#include "sidecar/net/http1/http1_client.h"
#include "tests/unit/local/fake_gateway.h"
#include "tests/unit/net/net_fixture.h"

namespace ringside::local::testing {

class LocalTest : public ::testing::Test {
 protected:
  LocalTest() {
    gateway.state.host = "10.0.0.7";
    gateway.state.phase = core::Phase::kReady;
    gateway.state.generation = 9;
    LocalOptions options;
    options.calls.timeouts = {std::chrono::seconds(10), std::chrono::minutes(5)};
    options.calls.max_message = 4096;
    options.allow_hosts = {"sidecar.local"};
    options.set_log_level = [this](std::string_view word) {
      if (word != "debug" && word != "info") return false;
      level = word;
      return true;
    };
    options.log_level = [this] { return level; };
    options.calls.on_refusal = [this](core::Reason reason) { counted.push_back(reason); };
    options.version = "1.2.3";
    options.settings = {{"drain-timeout", "25s", "default"}, {"cluster", "a\x1b[2J", "flag --cluster"}};
    options.most_waiting = 3;
    api = std::make_unique<LocalApi>(loop, gateway, json, events, options);
    const auto methods = std::make_shared<net::MethodTable>();
    api->add_methods(*methods);
    auto listen = net::testing::on_loopback(
        {.methods = methods, .guard = [this](const auto&... request) { return api->check_origin(request...); }});
    listen.http1.emplace();
    listen.http1->handler = api->handler();
    listen.http1->shape_error = api->error_shaper();
    listen.http1->max_body = 64 * 1024;
    listener = net::testing::serve(loop, std::move(listen));
    net::Http1ClientOptions to;
    to.endpoint = listener->local_address();
    to.host_header = "localhost";
    client = std::make_unique<net::Http1Client>(loop, to);
  }
  ~LocalTest() override {
    client->close();
    listener->close();
  }

  [[nodiscard]] bool run_until(const std::function<bool()>& happened) {
    const auto give_up = net::Clock::now() + std::chrono::seconds(20);
    while (!happened()) {
      if (net::Clock::now() > give_up) return false;
      loop.run_once(std::chrono::milliseconds(20));
    }
    return true;
  }

  struct Pending {
    std::optional<net::HttpResult> result;
    bool arrived() const { return result.has_value(); }
  };
  std::shared_ptr<Pending> start(std::string method, std::string target, net::Metadata headers = {},
                                 std::string body = {}) {
    const auto pending = std::make_shared<Pending>();
    net::HttpRequest request{std::move(method), std::move(target), std::move(headers), std::move(body), ""};
    last_request = client->request(std::move(request), std::nullopt,
                                   [pending](net::HttpResult result) { pending->result = std::move(result); });
    return pending;
  }
  net::HttpResponse finish(const std::shared_ptr<Pending>& pending) {
    EXPECT_TRUE(run_until([&] { return pending->arrived(); }));
    if (!pending->result) return {};
    EXPECT_EQ(pending->result->outcome, net::HttpOutcome::kAnswered) << pending->result->error;
    return pending->result->response;
  }
  net::HttpResponse ask(std::string method, std::string target, net::Metadata headers = {}, std::string body = {}) {
    return finish(start(std::move(method), std::move(target), std::move(headers), std::move(body)));
  }
  net::HttpResponse post_json(std::string target, std::string body, net::Metadata headers = {}) {
    headers.add("content-type", "application/json");
    return ask("POST", std::move(target), std::move(headers), std::move(body));
  }
  static nlohmann::json body_of(const net::HttpResponse& response) {
    return nlohmann::json::parse(response.body, nullptr, false);
  }
  // The reason of a refusal, which header and problem both give, and its status.
  static std::string refusal(const net::HttpResponse& response) {
    const nlohmann::json body = body_of(response);
    EXPECT_EQ(response.headers.get("content-type"), "application/problem+json") << response.body;
    EXPECT_EQ(body["reason"], response.headers.get("ringside-reason"));
    EXPECT_EQ(body["type"], "urn:ringside:" + std::string(response.headers.get("ringside-outcome")));
    EXPECT_EQ(body["status"], response.status);
    return std::to_string(response.status) + " " + std::string(response.headers.get("ringside-reason"));
  }

  net::Loop loop;
  FakeGateway gateway;
  wire::JsonWork json{loop};
  events::History history{[] { return std::int64_t{1'790'000'000'000}; }};
  events::EventStreams events{loop, history, {.self = "10.0.0.7", .most = 2}};
  std::string level = "info";
  std::vector<core::Reason> counted;  // refusals
  std::unique_ptr<LocalApi> api;
  std::unique_ptr<net::Listener> listener;
  std::unique_ptr<net::Http1Client> client;
  net::Http1Client::RequestId last_request = 0;
};

inline core::Answer applied(std::string result = {}) {
  core::Answer answer;
  answer.outcome = core::Outcome::kApplied;
  answer.result = std::move(result);
  answer.holder = "10.0.0.8";
  return answer;
}

}  // namespace ringside::local::testing
