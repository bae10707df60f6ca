// events, watch
#include "sidecar/cli/cli.h"
#include "tests/unit/cli/cli_fixture.h"

namespace ringside::cli::testing {
namespace {

core::HostEvent death() {
  return {.kind = core::EventKind::kMemberDied,
          .host = "10.0.0.8",
          .why = "it has not answered for 2.5 s",
          .lasted = core::Duration{3'600'000'000},
          .facts = {{"cause", std::string("silent")}}};
}

constexpr const char* kStart = "2026-09-21T14:13:20.000Z  started  10.0.0.7  it begins to run\n";
constexpr const char* kDeath =
    "2026-09-21T14:13:20.000Z  member_died  10.0.0.8  it has not answered for 2.5 s (by 10.0.0.7; after 1.0h)\n";

TEST_F(CliTest, EventsTellWhatHappenedWhyAndOnWhoseWord) {
  there([this] {
    history.happened(death());
    history.happened({.kind = core::EventKind::kTurnTimeout, .actor = "name:anna", .why = "slow", .count = 3});
  });
  const Ran ran = run({"events"});
  EXPECT_EQ(ran.exit, kApplied) << ran.err;
  EXPECT_EQ(ran.out, std::string(kStart) + kDeath +
                         "2026-09-21T14:13:20.000Z  turn_timeout  10.0.0.7  actor name:anna  3 times  slow\n");
  const auto all = run({"events", "--since", "1h", "--json"}).json();
  ASSERT_EQ(all["events"].size(), 3U);
  EXPECT_EQ(all["view_of"], "10.0.0.7");
  EXPECT_EQ(all["newest"], 3);
  EXPECT_EQ(all["events"][1]["facts"]["cause"], "silent");
}

TEST_F(CliTest, WhereNothingHasHappenedItIsSaid) {
  const Ran ran = run({"events", "--since", "0s"});
  EXPECT_EQ(ran.exit, kApplied);
  EXPECT_EQ(run({"events", "--since", "yesterday"}).exit, kUsage);
  EXPECT_NE(run({"events", "--since", "1"}).err.find("not a duration"), std::string::npos);
}

TEST_F(CliTest, FollowingEndsWithItsCount) {
  later([this] { history.happened(death()); });
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"events", "--follow", "--count", "2"}, {"watch", "--count", "2"}}) {
    const Ran ran = run(command);
    EXPECT_EQ(ran.exit, kApplied) << ran.err;
    EXPECT_EQ(ran.out, std::string(kStart) + kDeath) << command[0];
  }
  const Ran json = run({"watch", "--count", "2", "--json"});
  EXPECT_EQ(std::count(json.out.begin(), json.out.end(), '\n'), 2);
  EXPECT_EQ(nlohmann::json::parse(json.out.substr(json.out.find('\n')))["kind"], "member_died");
}

TEST_F(CliTest, HostileNamesAreTextOnATerminal) {
  there([this] {
    history.happened({.kind = core::EventKind::kMemberLeft, .host = "\x1b[2J\n<b>", .why = "\u202e\r\n", .by = "\x07"});
  });
  const Ran ran = run({"events"});
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 2) << ran.out;
  for (const char c : {'\x1b', '\r', '\x07'}) EXPECT_EQ(ran.out.find(c), std::string::npos);
}

TEST_F(CliTest, OnATerminalWatchDrawsATable) {
  core::MemberStatus member;
  member.host = "10.0.0.8";
  member.phase = core::Phase::kReady;
  gateway.member_list = {member};
  there([this] { history.happened(death()); });
  std::istringstream in;
  std::ostringstream out, err;
  const Terminal terminal{in, out, err, [this](const std::string&) { return address; }, true};
  EXPECT_EQ(cli::run({"watch", "--count", "1"}, terminal), kApplied) << err.str();
  EXPECT_TRUE(out.str().starts_with("\x1b[2J\x1b[HHOST")) << out.str();
  EXPECT_NE(out.str().find("10.0.0.8"), std::string::npos);
  EXPECT_TRUE(out.str().ends_with(kDeath)) << out.str();
}

TEST_F(CliTest, WatchDrawsNoMoreThanTheScreenHasRoomFor) {
  for (int i = 0; i < 30; ++i) {
    core::MemberStatus member;
    member.host = "10.0.0." + std::to_string(100 + i);
    gateway.member_list.push_back(member);
  }
  there([this] {
    for (int i = 0; i < 20; ++i) history.happened(death());
  });
  const auto drawn = [this](TerminalSize size) {
    std::istringstream in;
    std::ostringstream out, err;
    const Terminal terminal{
        in, out, err, [this](const std::string&) { return address; }, true, [size] { return size; }};
    EXPECT_EQ(cli::run({"watch", "--count", "1"}, terminal), kApplied) << err.str();
    std::vector<std::string> lines;
    std::istringstream text(out.str().substr(7));  // after what clears the screen
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  };
  const auto small = drawn({24, 60});
  ASSERT_EQ(small.size(), 23U) << "one is left for the cursor";
  EXPECT_TRUE(small[0].starts_with("HOST"));
  EXPECT_TRUE(small[1].starts_with("10.0.0.100"));
  EXPECT_EQ(small[18], "... 14 more lines (ringside members)");
  EXPECT_EQ(small[19], "");
  EXPECT_TRUE(small[22].starts_with("2026-09-21T14:13:20.000Z  member_died"));
  for (const std::string& line : small) {
    const auto width = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; });
    EXPECT_LE(width, 60) << line;
  }
  EXPECT_TRUE(small[22].ends_with("…"));
  const auto large = drawn({60, 200});
  EXPECT_EQ(std::count_if(large.begin(), large.end(), [](const auto& line) { return line.starts_with("10.0.0."); }),
            30);
  EXPECT_EQ(std::count_if(large.begin(), large.end(), [](const auto& line) { return line.starts_with("2026"); }), 10);
}

TEST_F(CliTest, AListEndsWithItsCountToo) {
  there([this] {
    for (int i = 0; i < 3; ++i) history.happened(death());
  });
  EXPECT_EQ(run({"events", "--count", "2"}).out, std::string(kStart) + kDeath);
  EXPECT_EQ(run({"events", "--count", "2", "--json"}).json()["events"].size(), 2U);
  EXPECT_EQ(run({"events", "--count", "0", "--json"}).json()["events"].size(), 4U);
}

TEST_F(CliTest, ADurationThatIsTooLongHearsWhatIsAllowed) {
  EXPECT_NE(run({"events", "--since", "10001h"}).err.find("at most 10000h"), std::string::npos);
}

TEST_F(CliTest, AStreamThatIsRefusedSaysWhy) {
  // As many as there may be, all of which stay open.
  std::vector<std::thread> others;
  const std::size_t most = events::EventStreamsOptions().most;
  for (std::size_t i = 0; i < most; ++i) {
    others.emplace_back([this] { run({"events", "--follow", "--count", "2"}); });
  }
  std::size_t open = 0;
  while (open < most) there([&] { open = streams().size(); });
  const Ran ran = run({"events", "--follow"});
  EXPECT_EQ(ran.exit, kNotDelivered);
  EXPECT_NE(ran.err.find("16 streams of events are open"), std::string::npos) << ran.err;
  there([this] { history.happened(death()); });
  for (std::thread& other : others) other.join();
}

}  // namespace
}  // namespace ringside::cli::testing
