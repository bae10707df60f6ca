// A sidecar's local listener on a thread of its own, before a gateway that the test has prepared; commands run against
// it.
#pragma once

#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sidecar/cli/cli.h"
#include "sidecar/local/local_api.h"
#include "sidecar/net/listener/listener.h"
#include "tests/unit/local/fake_gateway.h"

namespace ringside::cli::testing {

class CliTest : public ::testing::Test {
 protected:
  struct Ran {
    int exit = -1;
    std::string out;
    std::string err;
    nlohmann::json json() const { return nlohmann::json::parse(out, nullptr, false); }
  };

  CliTest();
  ~CliTest() override;

  Ran run(std::vector<std::string> arguments, const std::string& input = {});
  Ran run_at(const std::string& local, std::vector<std::string> arguments, const std::string& input = {});
  // On the sidecar's thread, and waits for it.
  void there(const std::function<void()>& act);
  // On the sidecar's thread, after what it is doing now.
  void later(std::function<void()> act);

  const events::EventStreams& streams() const { return events_; }  // there()

  std::string address;
  std::string level = "info";
  events::History history{[] { return std::int64_t{1'790'000'000'000}; }};  // likewise
  local::testing::FakeGateway gateway;  // to be touched before a command runs, or there()

 private:
  net::Loop loop_;
  wire::JsonWork json_{loop_};
  events::EventStreams events_{loop_, history, {.self = "10.0.0.7"}};
  std::unique_ptr<local::LocalApi> api_;
  std::unique_ptr<net::Listener> listener_;
  std::thread thread_;
};

}  // namespace ringside::cli::testing
