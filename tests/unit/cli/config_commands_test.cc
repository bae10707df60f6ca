#include "sidecar/cli/cli.h"
#include "sidecar/cli/completion.h"
#include "tests/unit/cli/cli_fixture.h"

namespace ringside::cli::testing {
namespace {

TEST_F(CliTest, ConfigShowsTheSettingsInForceAndWhereTheyCameFrom) {
  EXPECT_EQ(run({"config"}).out,
            "SETTING        VALUE         SOURCE\n"
            "drain-timeout  25s           default\n"
            "tls-key        /run/key.pem  environment RINGSIDE_TLS_KEY\n"
            "join           -             default\n"
            "3 settings of 10.0.0.7, ringside 1.2.3; it logs at info now\n");
  for (const char* word : {"tls-key", "--tls-key"}) {
    const auto body = run({"config", "--json", "--", word}).json();
    ASSERT_EQ(body["settings"].size(), 1U) << word;
    EXPECT_EQ(body["settings"][0]["value"], "/run/key.pem");
  }
  const auto changed = run({"config", "--changed", "--json"}).json()["settings"];
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0]["name"], "tls-key");
  const Ran wrong = run({"config", "drain-timeuot"});
  EXPECT_EQ(wrong.exit, kUsage);
  EXPECT_EQ(
      wrong.err,
      "ringside: there is no setting 'drain-timeuot'; did you mean 'drain-timeout'? (ringside help settings lists "
      "them)\n");
}

TEST_F(CliTest, LogLevelIsToldAndChanged) {
  EXPECT_EQ(run({"log-level"}).out, "info\n");
  EXPECT_EQ(run({"log-level", "debug"}).out, "debug\n");
  EXPECT_EQ(run({"log-level", "--json"}).json()["level"], "debug");
  EXPECT_EQ(run({"log-level", "loud"}).exit, kUsage);
  EXPECT_EQ(level, "debug");
}

TEST_F(CliTest, CompletionKnowsEveryCommandAndItsOptions) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Ran ran = run_at("127.0.0.1:1", {"completion", shell});
    EXPECT_EQ(ran.exit, kApplied) << "it asks no sidecar";
    for (const char* word : {"serve", "explain", "top", "log-level", "drain-timeout", "idempotency-key"}) {
      EXPECT_NE(ran.out.find(word), std::string::npos) << shell << ": " << word;
    }
  }
  EXPECT_EQ(run({"completion", "tcsh"}).exit, kUsage);
  EXPECT_EQ(run({"completion"}).exit, kUsage);
}

TEST(Completion, HelpTextsAreText) {
  const std::string script = completion_script("fish", {{"x", "it's $(touch me)", {"--one", "-n"}, {"a", "b"}}});
  EXPECT_NE(script.find("-a x -d 'it’s $(touch me)'\n"), std::string::npos) << script;
  EXPECT_NE(script.find("-n '__fish_seen_subcommand_from x' -l one\n"), std::string::npos);
  EXPECT_NE(script.find("-n '__fish_seen_subcommand_from x' -s n\n"), std::string::npos);
  EXPECT_NE(script.find("-f -a 'a b'\n"), std::string::npos);
}

}  // namespace
}  // namespace ringside::cli::testing
