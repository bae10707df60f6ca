#include "sidecar/config/load.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sidecar/config/schema.h"

namespace ringside::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

// A machine to load settings on: load().flag(...).env(...).file(...).
struct Machine {
  Sources sources;
  std::map<std::string, std::string> files;

  Machine() {
    sources.machine_name = "node-7";
    sources.read_file = [this](const std::string& path) -> base::Result<std::string, std::string> {
      const auto found = files.find(path);
      if (found != files.end()) return found->second;
      return base::Error("no such file, or not readable");
    };
  }
  Machine& flags(std::vector<std::string> arguments) {
    sources.arguments = std::move(arguments);
    return *this;
  }
  Machine& env(const std::string& name, const std::string& value) {
    sources.environment.emplace_back(name, value);
    return *this;
  }
  Machine& file(const std::string& text) {
    files["/etc/ringside.toml"] = text;
    sources.arguments.insert(sources.arguments.end(), {"--config", "/etc/ringside.toml"});
    return *this;
  }
  Loaded good() const {
    auto result = load(sources);
    if (result) return std::move(*result);
    for (const auto& error : result.error()) ADD_FAILURE() << error;
    return {};
  }
  Errors bad() const {
    auto result = load(sources);
    if (!result) return result.error();
    ADD_FAILURE() << "was accepted";
    return {};
  }
};

TEST(Load, AZoneIsANameAsKubernetesLabelsHaveIt) {
  EXPECT_EQ(Machine().flags({"--zone", "europe-west1-b"}).good().settings.zone, "europe-west1-b");
  EXPECT_EQ(Machine().file("zone = \"rack_7.2\"").good().settings.zone, "rack_7.2");
  EXPECT_EQ(Machine().good().settings.zone, "");
  for (const std::string& wrong : {std::string("a zone"), std::string("a/b"), std::string(64, 'z')}) {
    EXPECT_THAT(Machine().flags({"--zone", wrong}).bad(), ElementsAre(HasSubstr("is not a name that is allowed")));
  }
}

TEST(Load, AWeightIsReadExactly) {
  const auto weight = [](const std::string& text) {
    return Machine().flags({"--weight", text}).good().settings.weight;
  };
  EXPECT_EQ(Machine().good().settings.weight, 1000U);
  EXPECT_EQ(weight("0.1"), 100U);
  EXPECT_EQ(weight("0.125"), 125U);
  EXPECT_EQ(weight("2"), 2000U);
  EXPECT_EQ(weight("10.0"), 10'000U);
  for (const char* wrong : {".5", "1.", "0.1234", "1e1", "-1", "+1", "1,5", "x", "0x1", "100"}) {
    EXPECT_THAT(Machine().flags({"--weight", wrong}).bad(), ElementsAre(HasSubstr("is not such a number"))) << wrong;
  }
  for (const char* wrong : {"0", "0.099", "10.001", "99"}) {
    EXPECT_THAT(Machine().flags({"--weight", wrong}).bad(), ElementsAre(HasSubstr("is out of range"))) << wrong;
  }
}

TEST(Load, DefaultsAreThoseOfTheContract) {
  const Settings s = Machine().good().settings;
  EXPECT_EQ(s.host.address, "node-7");
  EXPECT_EQ(s.cluster, "default");
  EXPECT_EQ(s.points, 512u);
  EXPECT_EQ(to_string(s.peer), "[::]:1337");
  ASSERT_EQ(s.local.size(), 2u);
  EXPECT_EQ(to_string(s.local[0]), "127.0.0.1:1380");
  EXPECT_EQ(to_string(s.local[1]), "[::1]:1380");
  EXPECT_EQ(to_string(s.admin), "[::]:9137");
  EXPECT_TRUE(s.join.empty());
  EXPECT_FALSE(s.app.has_value());
  EXPECT_EQ(s.actor_idle_timeout, 30min);
  EXPECT_EQ(s.ping_interval, 500ms);
  EXPECT_EQ(s.dead_after, 2500ms);
  EXPECT_EQ(s.join_timeout, 10s);
  EXPECT_EQ(s.min_members, 1u);
  EXPECT_EQ(s.quorum, 0u);
  EXPECT_EQ(s.hold_timeout, 2s);
  EXPECT_EQ(s.drain_timeout, 25s);
  EXPECT_EQ(s.default_timeout, 10s);
  EXPECT_EQ(s.max_timeout, 5min);
  EXPECT_EQ(s.turn_timeout, 60s);
  EXPECT_EQ(s.app_health_interval, 1s);
  EXPECT_EQ(s.app_down_after, 3s);
  EXPECT_EQ(s.app_health_path, "/healthz");
  EXPECT_EQ(s.max_message, 4u << 20);
  EXPECT_EQ(s.queue_per_actor, 1000u);
  EXPECT_EQ(s.queue_bytes, 64u << 20);
  EXPECT_EQ(s.peer_apply, PeerApply::kRoute);
  EXPECT_EQ(s.legacy_peers, LegacyPeers::kAccept);
  EXPECT_EQ(s.app_body, AppBody::kJson);
  EXPECT_EQ(s.log_level, core::Level::kInfo);
  EXPECT_EQ(s.log_format, LogFormat::kLogfmt);
}

TEST(Load, FlagBeforeEnvironmentBeforeFileBeforeDefault) {
  Machine machine;
  machine.file("drain-timeout = \"1s\"\nturn-timeout = \"1s\"\nhold-timeout = \"1s\"\n");
  machine.env("RINGSIDE_DRAIN_TIMEOUT", "2s").env("RINGSIDE_TURN_TIMEOUT", "2s");
  machine.sources.arguments.push_back("--drain-timeout=3s");
  const Loaded loaded = machine.good();
  EXPECT_EQ(loaded.settings.drain_timeout, 3s);
  EXPECT_EQ(loaded.settings.turn_timeout, 2s);
  EXPECT_EQ(loaded.settings.hold_timeout, 1s);
  EXPECT_EQ(loaded.settings.join_timeout, 10s);
  const auto origin = [&](std::string_view name) {
    return std::find_if(loaded.effective.begin(), loaded.effective.end(),
                        [&](const Effective& e) { return e.name == name; })
        ->origin;
  };
  EXPECT_EQ(origin("drain-timeout"), "flag --drain-timeout");
  EXPECT_EQ(origin("turn-timeout"), "environment RINGSIDE_TURN_TIMEOUT");
  EXPECT_EQ(origin("hold-timeout"), "file /etc/ringside.toml line 3");
  EXPECT_EQ(origin("join-timeout"), "default");
  EXPECT_TRUE(loaded.given("hold-timeout"));
  EXPECT_FALSE(loaded.given("join-timeout"));
}

TEST(Load, RepeatableFromEverySource) {
  const auto joined = [](const Loaded& loaded) {
    std::vector<std::string> out;
    for (const auto& source : loaded.settings.join) out.push_back(to_string(source));
    return out;
  };
  EXPECT_THAT(joined(Machine().flags({"--join", "a,b", "--join", "dns:peers"}).good()),
              ElementsAre("a,b", "dns:peers"));
  EXPECT_THAT(joined(Machine().env("RINGSIDE_JOIN", "a,b dns:peers").good()), ElementsAre("a,b", "dns:peers"));
  EXPECT_THAT(joined(Machine().file("join = [\"a,b\", \"dns:peers\"]").good()), ElementsAre("a,b", "dns:peers"));
  EXPECT_THAT(joined(Machine().file("join = \"a,b\"").good()), ElementsAre("a,b"));
  EXPECT_THAT(joined(Machine().env("RINGSIDE_JOIN", "a").flags({"--join", "b"}).good()), ElementsAre("b"));
}

TEST(Load, NumbersAndTruthsOfTheFile) {
  const Loaded loaded =
      Machine().file("points = 64\nlocal-allow-non-loopback = true\nlocal = [\"0.0.0.0:1380\"]").good();
  EXPECT_EQ(loaded.settings.points, 64u);
  EXPECT_EQ(to_string(loaded.settings.local.at(0)), "0.0.0.0:1380");
}

TEST(Load, TheAnnouncedName) {
  EXPECT_EQ(announced_host(Machine().good().settings, 1337).to_string(), "node-7");
  EXPECT_EQ(announced_host(Machine().env("POD_IP", "10.0.0.7").good().settings, 1337).to_string(), "10.0.0.7");
  EXPECT_EQ(announced_host(Machine().env("POD_IP", "fd00::7").good().settings, 4000).to_string(), "[fd00::7]:4000");
  EXPECT_EQ(announced_host(Machine().flags({"--host", "edge:99"}).good().settings, 4000).to_string(), "edge:99");
  EXPECT_EQ(announced_host(Machine().flags({"--host", "edge:1337"}).good().settings, 4000).to_string(), "edge");
  EXPECT_THAT(Machine().env("POD_IP", "10.0.0.700").bad(),
              ElementsAre(HasSubstr("--host: \"10.0.0.700\" (environment POD_IP) is not a host name")));
}

TEST(Load, AWrongValueNamesOptionValueOriginAndWhatIsAllowed) {
  EXPECT_THAT(
      Machine().env("RINGSIDE_DRAIN_TIMEOUT", "5 parsecs").bad(),
      ElementsAre("--drain-timeout: \"5 parsecs\" (environment RINGSIDE_DRAIN_TIMEOUT) is not a duration; allowed: "
                  "a duration such as 500ms, 30s, 5m or 1h30m, from 0s to 24h"));
  EXPECT_THAT(
      Machine().flags({"--log-level", "loud"}).bad(),
      ElementsAre(
          "--log-level: \"loud\" (flag --log-level) is not a known word; allowed: one of info debug warn error"));
  EXPECT_THAT(
      Machine().file("\npoints = 0").bad(),
      ElementsAre("--points: \"0\" (file /etc/ringside.toml line 2) is out of range; allowed: a whole number from "
                  "1 to 16384"));
  EXPECT_THAT(Machine().flags({"--points=99999999999999999999"}).bad(), ElementsAre(HasSubstr("out of range")));
  EXPECT_THAT(Machine().flags({"--max-message", "4\n\x1b[31mMB"}).bad(), ElementsAre(HasSubstr("\"4??[31mMB\"")));
}

TEST(Load, EveryMistakeAtOnce) {
  EXPECT_EQ(Machine().flags({"--points", "x", "--app", "y", "--host", "-"}).bad().size(), 3u);
}

TEST(Load, UnknownNames) {
  EXPECT_THAT(Machine().flags({"--drian-timeout", "5s"}).bad(),
              ElementsAre(HasSubstr("--drian-timeout is not a setting; did you mean --drain-timeout?")));
  EXPECT_THAT(Machine().file("drain_timeout = \"5s\"").bad(),
              ElementsAre(HasSubstr("\"drain_timeout\" is not a setting of the file; did you mean drain-timeout?")));
  EXPECT_THAT(Machine().file("[listeners]\nlocal = \"x\"").bad().size(), 1u);
  const Loaded loaded = Machine().env("RINGSIDE_DRAIN_TIMOUT", "5s").env("RINGSIDE_PORTS", "1").good();
  ASSERT_EQ(loaded.warnings.size(), 2u);
  EXPECT_THAT(loaded.warnings[0], HasSubstr("did you mean RINGSIDE_DRAIN_TIMEOUT?"));
}

// Such as the kubelet makes from a Service of that name.
TEST(Load, VariablesThatKubernetesMakesAreOneWarning) {
  const Loaded one = Machine().env("RINGSIDE_UI_SERVICE_HOST", "10.0.0.1").good();
  EXPECT_THAT(one.warnings,
              ElementsAre(AllOf(HasSubstr("RINGSIDE_UI_SERVICE_HOST is set, but not a setting: Kubernetes"),
                                Not(HasSubstr("did you mean")))));
  const Loaded all = Machine()
                         .env("RINGSIDE_PORT", "tcp://10.0.0.1:1337")
                         .env("RINGSIDE_PORT_1337_TCP", "tcp://10.0.0.1:1337")
                         .env("RINGSIDE_PORT_1337_TCP_ADDR", "10.0.0.1")
                         .env("RINGSIDE_PORT_1337_TCP_PORT", "1337")
                         .env("RINGSIDE_PORT_1337_TCP_PROTO", "tcp")
                         .env("RINGSIDE_SERVICE_HOST", "10.0.0.1")
                         .env("RINGSIDE_SERVICE_PORT", "1337")
                         .env("RINGSIDE_SERVICE_PORT_GRPC", "1337")
                         .good();
  EXPECT_THAT(all.warnings, ElementsAre(HasSubstr("RINGSIDE_PORT and 7 more variables are set, but not a setting")));
}

TEST(Load, ANumberOfTheFileMayHaveAFraction) {
  EXPECT_EQ(Machine().file("weight = 0.5").good().settings.weight, 500U);
  EXPECT_EQ(Machine().file("weight = 1.125").good().settings.weight, 1125U);
  EXPECT_THAT(Machine().file("weight = 0.0001").bad(), ElementsAre(HasSubstr("allowed: a number from 0.1 to 10")));
  EXPECT_THAT(Machine().file("weight = nan").bad(), ElementsAre(HasSubstr("allowed: a number from 0.1 to 10")));
  EXPECT_THAT(Machine().file("points = 0.5").bad(), ElementsAre(HasSubstr("--points: \"0.5\"")));
}

TEST(Load, MalformedFlags) {
  EXPECT_THAT(Machine().flags({"--points"}).bad(), ElementsAre(HasSubstr("--points: needs a value")));
  EXPECT_THAT(Machine().flags({"--join", "--points", "5"}).bad(), ElementsAre(HasSubstr("--join: needs a value")));
  EXPECT_THAT(Machine().flags({"--points", "5", "--points", "6"}).bad(), ElementsAre(HasSubstr("given twice")));
  EXPECT_THAT(Machine().flags({"stray"}).bad(), ElementsAre(HasSubstr("\"stray\" is not a flag")));
}

TEST(Load, FilesThatAreNone) {
  EXPECT_THAT(Machine().flags({"--config", "/nowhere"}).bad(), ElementsAre(HasSubstr("cannot be read")));
  EXPECT_THAT(Machine().file("drain-timeout = ").bad(), ElementsAre(HasSubstr("file /etc/ringside.toml line 1")));
  EXPECT_THAT(Machine().file("[&a]").bad(), ElementsAre(HasSubstr("file /etc/ringside.toml line 1")));
  EXPECT_THAT(Machine().file("points = 1\npoints = 2").bad(), ElementsAre(HasSubstr("line 2")));
  EXPECT_EQ(Machine().file("points = 1.5").bad().size(), 1u);
  EXPECT_EQ(Machine().file("points = [1]").bad().size(), 1u);
  EXPECT_EQ(Machine().file("config = \"/other\"").bad().size(), 1u);
  EXPECT_EQ(Machine().file("points = " + std::string(100'000, '[')).bad().size(), 1u);
  EXPECT_EQ(Machine().file("\xff\xfe").bad().size(), 1u);
}

TEST(Load, AnEmptyVariableIsNotSet) {
  EXPECT_TRUE(
      Machine().env("RINGSIDE_JOIN", "").env("RINGSIDE_APP", "").env("POD_IP", "").good().settings.join.empty());
}

TEST(Load, SettingsThatContradictEachOther) {
  EXPECT_THAT(Machine().flags({"--dead-after", "400ms"}).bad(), ElementsAre(HasSubstr("longer than --ping-interval")));
  EXPECT_THAT(Machine().flags({"--default-timeout", "6m"}).bad(), ElementsAre(HasSubstr("--max-timeout")));
  EXPECT_THAT(Machine().flags({"--queue-bytes", "1MiB"}).bad(), ElementsAre(HasSubstr("--max-message")));
}

TEST(Load, TheLocalListenerStaysOnLoopback) {
  EXPECT_THAT(Machine().flags({"--local", "0.0.0.0:1380"}).bad(), ElementsAre(HasSubstr("not a loopback address")));
  EXPECT_EQ(Machine().flags({"--local", "0.0.0.0:1380", "--local-allow-non-loopback"}).good().settings.local.size(),
            1u);
  EXPECT_EQ(Machine().flags({"--local", "unix:/run/r.sock"}).good().settings.local.size(), 1u);
  for (const char* app :
       {"http://10.0.0.1:8080", "grpc://[2001:db8::1]:8081", "http://app:8080", "http://127.example.com:8080",
        "http://localhost.example.com:8080", "http://0.0.0.0:8080", "http://[::ffff:10.0.0.1]:8080"}) {
    EXPECT_THAT(Machine().flags({"--app", app}).bad(), ElementsAre(HasSubstr("--app-allow-non-loopback"))) << app;
    EXPECT_TRUE(Machine().flags({"--app", app, "--app-allow-non-loopback"}).good().settings.app) << app;
  }
  for (const char* app : {"http://127.0.0.1:8080", "http://127.3.2.1:8080", "grpc://[::1]:8081",
                          "http://localhost:8080", "http+unix:/run/app.sock"}) {
    EXPECT_TRUE(Machine().flags({"--app", app}).good().settings.app) << app;
  }
  EXPECT_THAT(Machine().flags({"--local-allow-non-loopback=maybe"}).bad(), ElementsAre(HasSubstr("true or false")));
}

TEST(Load, NamesAvoidWhatKubernetesMakes) {
  for (const Option& option : schema()) {
    const std::string name = environment_name(option.name);
    EXPECT_FALSE(name.ends_with("_PORT") || name.ends_with("_SERVICE_HOST")) << name;
    EXPECT_FALSE(option.help.empty()) << option.name;
    EXPECT_FALSE(option.allowed.empty()) << option.name;
  }
}

TEST(Load, AValueThatOnlyItsUseShowsToBeWrong) {
  const Loaded loaded = Machine().env("RINGSIDE_DESCRIPTORS", "/x.pb").good();
  EXPECT_THAT(loaded.refusal("descriptors", "/x.pb", "cannot be read"),
              AllOf(HasSubstr("--descriptors: \"/x.pb\" (environment RINGSIDE_DESCRIPTORS) cannot be read; allowed: "),
                    HasSubstr("descriptor_set_out")));
}

}  // namespace
}  // namespace ringside::config
