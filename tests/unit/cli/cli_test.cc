#include "sidecar/cli/cli.h"

#include <fstream>
#include <map>
#include <streambuf>

#include <nghttp2/nghttp2.h>

#include "sidecar/cli/version.h"
#include "sidecar/wire/actor_id.h"
#include "sidecar/wire/call_headers.h"
#include "sidecar/wire/method_call.h"
#include "tests/unit/cli/cli_fixture.h"

namespace ringside::cli::testing {
namespace {

using core::Outcome;
using core::Reason;

constexpr char kNowhere[] = "unix:/nonexistent/ringside.sock";
constexpr char kMessage[] = R"({"@type":"type.googleapis.com/google.protobuf.StringValue","value":"hi"})";

core::Answer answered(int status, std::string body, net::HttpRequest* seen, const core::Call& call) {
  if (seen != nullptr) {
    *seen = wire::write_http_request(call.id, *std::get<std::shared_ptr<const core::MethodCall>>(call.request));
  }
  net::HttpResponse response;
  response.status = status;
  response.headers = {{"content-type", "text/plain"}};
  response.body = std::move(body);
  core::Answer answer;
  answer.outcome = Outcome::kApplied;
  answer.holder = "10.0.0.8";
  answer.result = wire::make_method_answer(std::move(response));
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
  EXPECT_EQ(seen.target, "/actors/" + to_string(gateway.calls[0].id) + "/method/cart/add?n=1");
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
    std::vector<std::string> between{command[0], "--json", "--local", address};
    between.insert(between.end(), command.begin() + 1, command.end());
    EXPECT_EQ(run_at("127.0.0.1:1", between).exit, kApplied) << command[0];
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

TEST_F(CliTest, OptionsOfACommandStandBeforeItsWordsToo) {
  net::HttpRequest seen;
  gateway.on_call = [&](const core::Call& call) { return answered(200, "7", &seen, call); };
  EXPECT_EQ(run({"call", "-X", "PUT", "--timeout", "3s", "42", "set", "--content-type", "a/b", "x"}).exit, kApplied);
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.body, "x");
  EXPECT_EQ(run({"actors", "--limit", "2", "--local", address}).exit, kApplied);
  EXPECT_EQ(run({"where", "--local", kNowhere, "--local", address, "42"}).exit, kApplied);
}

TEST_F(CliTest, ABodyMayComeFromAFile) {
  net::HttpRequest seen;
  gateway.on_call = [&](const core::Call& call) { return answered(200, "7", &seen, call); };
  const std::string path = ::testing::TempDir() + "ringside_cli_body";
  std::ofstream(path, std::ios::binary) << R"({"a":1})";
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"call", "42", "set", "-d", "@" + path}, {"call", "-d", "@" + path, "42", "set"}}) {
    EXPECT_EQ(run(words).exit, kApplied);
    EXPECT_EQ(seen.body, R"({"a":1})");
    EXPECT_EQ(seen.headers.get("content-type"), "application/json");
  }
  EXPECT_EQ(run({"call", "42", "set", "--data", "@-"}, "from elsewhere").exit, kApplied);
  EXPECT_EQ(seen.body, "from elsewhere");
  for (const char* text : {"plain", "-", ""}) {
    EXPECT_EQ(run({"call", "42", "set", "-d", text}).exit, kApplied) << text;
    EXPECT_EQ(seen.body, text);
  }
  const Ran ran = run({"call", "42", "set", "-d", "@" + path + ".missing"});
  EXPECT_EQ(ran.exit, kUsage);
  EXPECT_NE(ran.err.find(path + ".missing cannot be read"), std::string::npos) << ran.err;

  gateway.on_call = [](const core::Call&) {
    core::Answer answer;
    answer.outcome = Outcome::kApplied;
    return answer;
  };
  std::ofstream(path, std::ios::binary) << kMessage;
  EXPECT_EQ(run({"apply", "42", "-d", "@" + path}).exit, kApplied);
  EXPECT_EQ(run({"apply", "42", "-d", "@-"}, kMessage).exit, kApplied);
  EXPECT_EQ(run({"apply", "42", "-d", kMessage}).exit, kApplied);
}

TEST_F(CliTest, Deactivate) {
  core::Answer answer;
  answer.outcome = Outcome::kApplied;
  answer.holder = "10.0.0.8";
  gateway.on_call = [&](const core::Call&) { return answer; };
  Ran ran = run({"deactivate", "42", "--timeout", "3s"});
  EXPECT_EQ(ran.exit, kApplied) << ran.err;
  EXPECT_EQ(ran.out, "Actor 42 is not active any more on 10.0.0.8.\n");
  EXPECT_EQ(gateway.calls[0].kind, core::Call::Kind::kDeactivate);
  EXPECT_EQ(gateway.calls[0].id, core::ActorId(42));
  EXPECT_EQ(gateway.calls[0].deadline, gateway.now().mono + std::chrono::seconds(3));
  ran = run({"--json", "deactivate", "--local", address, "name:anna"});
  EXPECT_EQ(gateway.calls[1].actor_name, "anna");
  EXPECT_EQ(ran.json()["active"], false);
  EXPECT_EQ(ran.json()["id"], to_string(gateway.calls[1].id));

  answer = core::Answer::failed(Outcome::kRefused, Reason::kAppRefused);
  EXPECT_EQ(run({"deactivate", "42"}).exit, kRefused);
  answer = core::Answer::failed(Outcome::kNotDelivered, Reason::kAppDown);
  EXPECT_EQ(run({"deactivate", "42"}).exit, kNotDelivered);
  answer = core::Answer::failed(Outcome::kUnknown, Reason::kAppLost);
  EXPECT_EQ(run({"deactivate", "42"}).exit, kUnknown);
  EXPECT_EQ(run_at(kNowhere, {"deactivate", "42"}).exit, kNoSidecar);
}

TEST_F(CliTest, FailTellsWhatTheApplicationThoughtOfIt) {
  for (const auto& [status, exit] :
       std::map<int, int>{{200, 0}, {302, 0}, {399, 0}, {400, 1}, {404, 1}, {500, 1}, {503, 1}}) {
    gateway.on_call = [status = status](const core::Call& call) { return answered(status, "text", nullptr, call); };
    for (const char* flag : {"--fail", "-f"}) {
      const Ran ran = run({"call", flag, "42", "get"});
      EXPECT_EQ(ran.exit, exit) << status;
      EXPECT_EQ(ran.out, "text\n") << "what the application says about it is worth reading";
      EXPECT_EQ(run({"call", "42", "get", flag, "--json"}).exit, exit) << status;
    }
    EXPECT_EQ(run({"call", "42", "get"}).exit, kApplied) << status;
  }
  gateway.on_call = [](const core::Call&) { return core::Answer::failed(Outcome::kUnknown, Reason::kAppLost); };
  EXPECT_EQ(run({"call", "--fail", "42", "get"}).exit, kUnknown);
}

TEST_F(CliTest, AMistypedCommandGetsTheNearestOne) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> slips = {{{"memebrs"}, "members"},
                                                                               {{"Members"}, "members"},
                                                                               {{"--json", "wehre", "42"}, "where"},
                                                                               {{"help", "deactivte"}, "deactivate"},
                                                                               {{"server"}, "serve"},
                                                                               {{"stats"}, "status"}};
  for (const auto& [words, meant] : slips) {
    const Ran ran = run_at(kNowhere, words);
    EXPECT_EQ(ran.exit, kUsage);
    EXPECT_NE(ran.err.find("did you mean '" + meant + "'?"), std::string::npos) << ran.err;
  }
  const Ran ran = run_at(kNowhere, {"frobnicate"});
  EXPECT_EQ(ran.exit, kUsage);
  EXPECT_EQ(ran.err, "ringside: there is no command 'frobnicate' (ringside help lists them)\n");
}

TEST_F(CliTest, AMistypedOptionGetsTheNearestOne) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> slips = {
      {{"actors", "--limt", "5"}, "'actors' has no option --limt; did you mean --limit? (ringside help actors"},
      {{"drain", "--nowait"}, "'drain' has no option --nowait; did you mean --no-wait? (ringside help drain"},
      {{"call", "42", "x", "--timout=3s"}, "'call' has no option --timout=3s; did you mean --timeout? (ringside help"},
      {{"members", "--jsn"}, "'members' has no option --jsn; did you mean --json? (ringside help members"},
      {{"where", "42", "--frobnicate"}, "'where' has no option --frobnicate (ringside help where lists"},
      {{"call", "42", "x", "-z"}, "'call' has no option -z (ringside help call"},
      {{"status", "now"}, "there are more words than 'status' takes (ringside help status lists"},
  };
  for (const auto& [words, said] : slips) {
    const Ran ran = run_at(kNowhere, words);
    EXPECT_EQ(ran.exit, kUsage);
    EXPECT_NE(ran.err.find(said), std::string::npos) << ran.err;
  }
}

// Takes so many letters and no more, as a full disk does.
class FullDisk : public std::streambuf {
 public:
  explicit FullDisk(int left) : left_(left) {}
  int overflow(int letter) override { return left_-- > 0 ? letter : traits_type::eof(); }

 private:
  int left_;
};

TEST_F(CliTest, WhatCouldNotBeWrittenIsNoSuccess) {
  gateway.on_call = [&](const core::Call& call) { return answered(200, "7", nullptr, call); };
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{},
                                                                                     {"help"},
                                                                                     {"--help"},
                                                                                     {"help", "call"},
                                                                                     {"version"},
                                                                                     {"--version"},
                                                                                     {"call", "42", "get"},
                                                                                     {"where", "42"},
                                                                                     {"members"},
                                                                                     {"actors"},
                                                                                     {"ring"},
                                                                                     {"status"},
                                                                                     {"watch"},
                                                                                     {"uncordon"}}) {
    for (const bool json : {false, true}) {
      if (json && words.empty()) continue;  // --json alone is not a command
      FullDisk disk(1);
      std::ostream out(&disk);
      std::istringstream in;
      std::ostringstream err;
      std::vector<std::string> given = words;
      if (json) given.insert(given.begin(), "--json");
      const Terminal terminal{in, out, err, [this](const std::string&) { return address; }};
      EXPECT_EQ(cli::run(given, terminal), kNotWritten) << ::testing::PrintToString(given) << err.str();
      EXPECT_NE(err.str().find("could not be written"), std::string::npos) << err.str();
    }
  }
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
  const std::string long_key(wire::kMaxIdempotencyKey + 1, 'k');
  const std::vector<std::vector<std::string>> wrong = {
      {"nonsense"},
      {"call"},
      {"call", "42"},
      {"call", "42", "x", "body", "more"},
      {"call", "42", ""},
      {"call", "42", "../x"},
      {"call", "42", "/x"},
      {"call", "42", "x", "-X", "NO SUCH"},
      {"call", "42", "x", "-X", "CONNECT"},
      {"call", "42", "x", "{}", "--content-type", "a\nb"},
      {"call", "42", "x", "{}", "--content-type", ""},
      {"call", "42", "x", "--timeout", "soon"},
      {"call", "42", "x", "--timeout", "-1s"},
      {"call", "42", "x", "--timeout", "0s"},
      {"call", "42", "x", "--timeout", ""},
      {"call", "42", "x", "--idempotency-key", "a\nb"},
      {"call", "42", "x", "--idempotency-key", ""},
      {"call", "42", "x", "--idempotency-key", long_key},
      {"call", "42", "x", "-d", "@"},
      {"call", "42", "x", "-d", "@/nonexistent/file"},
      {"call", "42", "x", "-d", "@/"},
      {"call", "42", "x", "body", "-d", "body"},
      {"apply", "42", kMessage, "-d", kMessage},
      {"apply", "42", "-d", "@/nonexistent/file"},
      {"deactivate"},
      {"deactivate", "abc"},
      {"deactivate", "42", "more"},
      {"deactivate", "42", "--timeout", "soon"},
      {"apply", "42", "not json"},
      {"apply", "42", "[]"},
      {"apply", "42", "{}"},
      {"apply", "42", "3"},
      {"apply", "42", R"({"messages":[{}]})"},
      {"apply", "42", R"({"id":"43","messages":[)" + std::string(kMessage) + "]}"},
      {"apply", "42", std::string(100'000, '[')},
      {"apply", "42", kMessage, "--timeout", "99999999999h"},
      {"apply", "42", kMessage, "--idempotency-key", long_key},
      {"where"},
      {"members", "--nonsense"},
      {"members", "more"},
      {"ring", "--join", "a", "--leave", "b"},
      {"ring", "--join", "not a host"},
      {"ring", "--leave", "not a host"},
      {"ring", "--join", ""},
      {"ring", "--leave", ""},
      {"actors", "--limit", "x"},
      {"actors", "--limit", "-1"},
      {"actors", "--limit", "010"},
      {"watch", "--count", "-1"},
      {"watch", "--count", "18446744073709551616"},
      {"drain", "now"},
      {"--local", "127.0.0.1:x", "members"},
  };
  for (const std::string& local : {address, std::string(kNowhere)}) {
    for (const auto& command : wrong) {
      const Ran ran = run_at(local, command);
      EXPECT_EQ(ran.exit, kUsage) << ::testing::PrintToString(command) << ran.out << ran.err;
      EXPECT_NE(ran.err + ran.out, "");
    }
  }
  EXPECT_TRUE(gateway.calls.empty());
}

TEST_F(CliTest, AWrongAddressSaysWhereItCameFrom) {
  const Ran ran = run_at("127.0.0.1:x", {"members"});
  EXPECT_EQ(ran.exit, kUsage);
  EXPECT_NE(ran.err.find("RINGSIDE_LOCAL 127.0.0.1:x"), std::string::npos) << ran.err;
  EXPECT_NE(run({"members", "--local", "127.0.0.1:x"}).err.find("--local 127.0.0.1:x"), std::string::npos);
}

TEST_F(CliTest, AnIdThatIsNoneNeedsNoSidecar) {
  for (const std::string& id :
       {std::string(""), std::string("0"), std::string("abc"), std::string("+1"), std::string("-1"), std::string("042"),
        std::string("1.0"), std::string(" 42"), std::string("42\n"), std::string("0x2a"), std::string("4%32"),
        std::string("18446744073709551616"), std::string("name:"), std::string("Name:anna"), std::string("name:\xff"),
        "name:" + std::string(wire::kMaxActorName + 1, 'x')}) {
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"where", "--", id}, {"call", "--", id, "get"}, {"apply", "--", id, kMessage}}) {
      for (const std::string& local : {address, std::string(kNowhere)}) {
        const Ran ran = run_at(local, words);
        EXPECT_EQ(ran.exit, kUsage) << words[0] << " " << id << ran.out << ran.err;
        EXPECT_NE(ran.err.find("(bad-id, caller)"), std::string::npos) << ran.err;
      }
    }
  }
  // Scripts read the same as from a sidecar.
  const Ran there = run({"where", "abc", "--json"});
  EXPECT_EQ(there.json()["reason"], "bad-id");
  EXPECT_EQ(run_at(kNowhere, {"where", "abc", "--json"}).out, there.out);
  EXPECT_EQ(run_at(kNowhere, {"where", "-1"}).exit, kUsage) << "as an option that there is not";
  for (const char* id : {"1", "18446744073709551615", "name:caf\xc3\xa9", "name:a/b%"}) {
    EXPECT_EQ(run_at(kNowhere, {"where", id}).exit, kNoSidecar) << id;
    EXPECT_EQ(run({"where", id}).exit, kApplied) << id;
  }
}

TEST_F(CliTest, TypesThatOnlyTheSidecarMayKnowAreItsOwnToRefuse) {
  const std::string unknown = R"({"@type":"type.googleapis.com/shop.Order"})";
  EXPECT_EQ(run_at(kNowhere, {"apply", "42", unknown}).exit, kNoSidecar);
  EXPECT_EQ(run({"apply", "42", unknown}).exit, kUsage);
}

TEST_F(CliTest, Help) {
  for (const std::vector<std::string>& asked : std::vector<std::vector<std::string>>{{}, {"--help"}, {"help"}}) {
    const Ran ran = run(asked);
    EXPECT_EQ(ran.exit, 0);
    for (const char* command : {"serve", "call", "apply", "deactivate", "where", "members", "actors", "ring", "drain",
                                "uncordon", "status", "watch", "version"}) {
      EXPECT_NE(ran.out.find(command), std::string::npos) << command;
    }
  }
  EXPECT_NE(run({"call", "--help"}).out.find("METHOD"), std::string::npos);
}

TEST_F(CliTest, TheVersionsOfThisProgramAndOfItsLibraries) {
  const std::string ours = "ringside " + std::string(kVersion) + "\n";
  EXPECT_EQ(run_at("", {"--version"}).out, ours);
  const std::string told = run_at("", {"version"}).out;
  EXPECT_TRUE(told.starts_with(ours + "loaded: OpenSSL 3.")) << told;
  EXPECT_NE(told.find("\nbuilt with: protobuf 3."), std::string::npos) << told;
  const auto json = run_at("", {"version", "--json"}).json();
  EXPECT_EQ(json["version"], kVersion);
  EXPECT_EQ(json["loaded"]["nghttp2"], nghttp2_version(0)->version_str);
  for (const char* kind : {"loaded", "built_with"}) {
    for (const auto& [name, version] : json[kind].items()) {
      EXPECT_THAT(std::string(version), ::testing::MatchesRegex("[1-9][0-9.]*")) << name;
      EXPECT_NE(told.find(name + " " + std::string(version)), std::string::npos) << name;
    }
  }
}

TEST_F(CliTest, NoSidecar) {
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"call", "42", "x"}, {"apply", "42", kMessage}, {"members"}, {"drain"}, {"watch"}, {"status"}}) {
    const Ran ran = run_at(kNowhere, command);
    EXPECT_EQ(ran.exit, kNoSidecar) << command[0];
    EXPECT_NE(ran.err.find(kNowhere), std::string::npos) << ran.err;
  }
  // The first that answers is taken; --local goes before the environment.
  EXPECT_EQ(run_at(std::string(kNowhere) + " " + address, {"members"}).exit, kApplied);
  EXPECT_EQ(run_at(kNowhere, {"members", "--local", address}).exit, kApplied);
}

}  // namespace
}  // namespace ringside::cli::testing
