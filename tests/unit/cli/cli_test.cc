#include "sidecar/cli/cli.h"

#include "sidecar/wire/method_call.h"
#include "tests/unit/cli/cli_fixture.h"

namespace ringside::cli::testing {
namespace {

using core::Outcome;
using core::Reason;

constexpr char kMessage[] = R"({"@type":"type.googleapis.com/google.protobuf.StringValue","value":"hi"})";

core::Answer answered(int status, std::string body, net::HttpRequest* seen, const core::Call& call) {
  if (seen != nullptr) {
    EXPECT_EQ(wire::read_method_call(call.request, *seen), std::nullopt);
  }
  net::HttpResponse response;
  response.status = status;
  response.headers = {{"content-type", "text/plain"}};
  response.body = std::move(body);
  core::Answer answer;
  answer.outcome = Outcome::kApplied;
  answer.owner = "10.0.0.8";
  answer.result = wire::write_method_answer(response);
  return answer;
}

TEST_F(CliTest, Call) {
  net::HttpRequest seen;
  gateway.on_call = [&](const core::Call& call) { return answered(200, "7", &seen, call); };
  Ran ran =
      run({"call", "name:caf\xc3\xa9", "cart/add?n=1", R"({"a":1})", "--timeout", "3s", "--idempotency-key", "k"});
  EXPECT_EQ(ran.exit, kApplied) << ran.err;
  EXPECT_EQ(ran.out, "7\n");
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/actors/" + std::to_string(gateway.calls[0].id) + "/method/cart/add?n=1");
  EXPECT_EQ(seen.headers.get("content-type"), "application/json");
  EXPECT_EQ(seen.body, R"({"a":1})");
  EXPECT_EQ(gateway.calls[0].actor_name, "caf\xc3\xa9");
  EXPECT_EQ(gateway.calls[0].idempotency_key, "k");
  EXPECT_EQ(gateway.calls[0].deadline, gateway.now().mono + std::chrono::seconds(3));

  ran = run({"call", "42", "get", "-X", "GET"});
  EXPECT_EQ(ran.exit, kApplied);
  EXPECT_EQ(seen.method, "GET");
  ran = run({"call", "42", "set", "-"}, "from elsewhere");
  EXPECT_EQ(ran.exit, kApplied);
  EXPECT_EQ(seen.body, "from elsewhere");
  EXPECT_EQ(seen.headers.get("content-type"), "text/plain; charset=utf-8");

  gateway.on_call = [&](const core::Call& call) { return answered(404, "none", nullptr, call); };
  ran = run({"--json", "call", "42", "get"});
  EXPECT_EQ(ran.exit, kApplied);
  EXPECT_EQ(ran.json()["status"], 404);
  EXPECT_EQ(ran.json()["body"], "none");
  EXPECT_EQ(ran.json()["owner"], "10.0.0.8");
}

TEST(CommandAt, FlagsOfEveryCommandMayComeFirst) {
  EXPECT_EQ(command_at({"drain"}), 0U);
  EXPECT_EQ(command_at({"--local", "127.0.0.1:1", "drain"}), 2U);
  EXPECT_EQ(command_at({"--json", "--local=unix:/x", "members"}), 2U);
  EXPECT_EQ(command_at({"--json", "--help"}), 1U);
  EXPECT_EQ(command_at({}), std::nullopt);
  EXPECT_EQ(command_at({"--local", "drain"}), std::nullopt) << "serve, on an address of that name";
  EXPECT_EQ(command_at({"--host", "drain"}), std::nullopt);
  EXPECT_EQ(command_at({"--local", "127.0.0.1:1", "--app", "http://127.0.0.1:2"}), std::nullopt);
}

TEST_F(CliTest, EveryCommandTakesItsFlagsBeforeOrAfter) {
  gateway.on_call = [&](const core::Call& call) { return answered(200, "7", nullptr, call); };
  const std::vector<std::vector<std::string>> commands = {
      {"call", "42", "get"},    {"where", "42"}, {"members"}, {"actors"},  {"ring"},
      {"drain", "--no-wait"},   {"uncordon"},    {"status"},  {"version"}, {"apply", "42", kMessage},
      {"watch", "--count", "1"}};
  for (const auto& command : commands) {
    std::vector<std::string> words{"--local", address, "--json"};
    words.insert(words.end(), command.begin(), command.end());
    Ran ran = run_at("127.0.0.1:1", words);
    EXPECT_EQ(ran.exit, kApplied) << command[0] << ": " << ran.err;
    words = command;
    words.insert(words.end(), {"--local=" + address, "--json"});
    ran = run_at("127.0.0.1:1", words);
    EXPECT_EQ(ran.exit, kApplied) << command[0] << ": " << ran.err;
  }
  EXPECT_NE(run({"--json", "help", "call"}).out.find("METHOD"), std::string::npos);
}

TEST_F(CliTest, Apply) {
  gateway.on_call = [](const core::Call&) {
    core::Answer answer;
    answer.outcome = Outcome::kApplied;
    return answer;
  };
  for (const std::string& batch :
       {std::string(kMessage), "[" + std::string(kMessage) + "]", R"({"messages":[)" + std::string(kMessage) + "]}"}) {
    EXPECT_EQ(run({"apply", "42", batch}).exit, kApplied) << batch;
    EXPECT_EQ(run({"apply", "42"}, batch).exit, kApplied) << batch;
    EXPECT_EQ(run({"apply", "42", "-"}, batch).exit, kApplied) << batch;
  }
  EXPECT_EQ(gateway.calls.size(), 9u);
  const Ran ran = run({"apply", "42", kMessage, "--json"});
  EXPECT_EQ(ran.json(), nlohmann::json::parse(R"({"accepted":true,"replies":[]})"));
}

TEST_F(CliTest, ExitStatusTellsTheOutcome) {
  core::Answer answer;
  gateway.on_call = [&](const core::Call&) { return answer; };
  const std::vector<std::pair<core::Answer, int>> cases = {
      {core::Answer::failed(Outcome::kRefused, Reason::kAppRefused), kRefused},
      {core::Answer::failed(Outcome::kNotDelivered, Reason::kAppDown), kNotDelivered},
      {core::Answer::failed(Outcome::kOverloaded, Reason::kActorQueueFull), kNotDelivered},
      {core::Answer::failed(Outcome::kExpired, Reason::kDeadline), kNotDelivered},
      {core::Answer::failed(Outcome::kUnknown, Reason::kAppLost), kUnknown},
  };
  for (const auto& [given, exit] : cases) {
    answer = given;
    const std::string reason(core::to_string(given.reason));
    Ran ran = run({"apply", "42", kMessage});
    EXPECT_EQ(ran.exit, exit) << reason;
    EXPECT_NE(ran.err.find(reason), std::string::npos) << ran.err;
    ran = run({"call", "42", "x", "--json"});
    EXPECT_EQ(ran.exit, exit) << reason;
    EXPECT_EQ(ran.json()["reason"], reason);
  }
}

TEST_F(CliTest, Usage) {
  for (const std::vector<std::string>& bad : std::vector<std::vector<std::string>>{
           {},
           {"nonsense"},
           {"call"},
           {"call", "42"},
           {"call", "42", "x", "body", "more"},
           {"where"},
           {"members", "--nonsense"},
           {"ring", "--join", "a", "--leave", "b"},
           {"where", "0"},
           {"where", "x"},
           {"call", "42", "../x"},
           {"apply", "42", "not json"},
           {"apply", "042", kMessage},
           {"call", "42", "x", "--timeout", "soon"},
           {"actors", "--limit", "x"},
           {"--local", "127.0.0.1:x", "members"},
       }) {
    const Ran ran = run(bad);
    EXPECT_EQ(ran.exit, kUsage) << (bad.empty() ? "" : bad[0]) << ran.out << ran.err;
    EXPECT_NE(ran.err + ran.out, "");
  }
  EXPECT_TRUE(gateway.calls.empty());
}

TEST_F(CliTest, Help) {
  for (const std::vector<std::string>& asked : std::vector<std::vector<std::string>>{{"--help"}, {"help"}}) {
    const Ran ran = run(asked);
    EXPECT_EQ(ran.exit, 0);
    for (const char* command : {"serve", "call", "apply", "where", "members", "actors", "ring", "drain", "uncordon",
                                "status", "watch", "version"}) {
      EXPECT_NE(ran.out.find(command), std::string::npos) << command;
    }
  }
  EXPECT_NE(run({"call", "--help"}).out.find("METHOD"), std::string::npos);
  EXPECT_EQ(run_at("", {"version"}).out, "ringside " RINGSIDE_VERSION "\n");
  EXPECT_EQ(run_at("", {"version", "--json"}).json()["version"], RINGSIDE_VERSION);
}

TEST_F(CliTest, NoSidecar) {
  const std::string nowhere = "unix:/nonexistent/ringside.sock";
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"call", "42", "x"}, {"apply", "42", kMessage}, {"members"}, {"drain"}, {"watch"}, {"status"}}) {
    const Ran ran = run_at(nowhere, command);
    EXPECT_EQ(ran.exit, kNoSidecar) << command[0];
    EXPECT_NE(ran.err.find(nowhere), std::string::npos) << ran.err;
  }
  // The first that answers is taken; --local goes before the environment.
  EXPECT_EQ(run_at(nowhere + " " + address, {"members"}).exit, kApplied);
  EXPECT_EQ(run_at(nowhere, {"members", "--local", address}).exit, kApplied);
}

}  // namespace
}  // namespace ringside::cli::testing
