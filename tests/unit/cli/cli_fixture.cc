#include "tests/unit/cli/cli_fixture.h"

#include <future>

#include "tests/unit/net/net_fixture.h"

namespace ringside::cli::testing {

CliTest::CliTest() {
  gateway.state.host = "10.0.0.7";
  gateway.state.phase = core::Phase::kReady;
  gateway.state.ring = gateway.ring().fingerprint();
  gateway.state.settled = true;
  history.happened({.kind = core::EventKind::kStarted, .why = "it begins to run"});
  local::LocalOptions options;
  options.calls.timeouts = {std::chrono::seconds(10), std::chrono::minutes(5)};
  options.version = "1.2.3";
  options.settings = {{"drain-timeout", "25s", "default"},
                      {"tls-key", "/run/key.pem", "environment RINGSIDE_TLS_KEY"},
                      {"join", "", "default"}};
  options.log_level = [this] { return level; };
  options.set_log_level = [this](std::string_view word) {
    level = word;
    return true;
  };
  api_ = std::make_unique<local::LocalApi>(loop_, gateway, json_, events_, options);
  auto listen = net::testing::on_loopback();
  listen.http1.emplace();
  listen.http1->handler = api_->handler();
  listen.http1->shape_error = api_->error_shaper();
  listener_ = net::testing::serve(loop_, std::move(listen));
  address = listener_->local_address().to_string();
  thread_ = std::thread([this] { loop_.run(); });
}

CliTest::~CliTest() {
  there([this] { listener_->close(); });
  loop_.stop();
  thread_.join();
}

void CliTest::there(const std::function<void()>& act) {
  std::promise<void> done;
  loop_.post_from_thread([&] {
    act();
    done.set_value();
  });
  done.get_future().wait();
}

void CliTest::later(std::function<void()> act) { loop_.post_from_thread(std::move(act)); }

CliTest::Ran CliTest::run(std::vector<std::string> arguments, const std::string& input) {
  return run_at(address, std::move(arguments), input);
}

CliTest::Ran CliTest::run_at(const std::string& local, std::vector<std::string> arguments, const std::string& input) {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  Ran ran;
  ran.exit = cli::run(arguments, {in, out, err, [&local](const std::string& name) {
                                    return name == "RINGSIDE_LOCAL" ? local : std::string();
                                  }});
  ran.out = out.str();
  ran.err = err.str();
  return ran;
}

}  // namespace ringside::cli::testing
