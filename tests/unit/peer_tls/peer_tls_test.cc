#include "sidecar/peer_tls/peer_tls.h"

#include <gtest/gtest.h>

#include "tests/unit/net/net_test_support.h"
#include "tests/unit/net/tls/test_certificates.h"

namespace ringside::peer_tls {
namespace {

using core::PeerTlsMode;
using net::testing::kNow;
using net::testing::TestIssuer;

class PeerTlsTest : public net::testing::LoopTest {
 protected:
  std::unique_ptr<PeerTls> make(PeerTlsMode mode) {
    PeerTlsOptions options;
    options.mode = mode;
    options.read_file = [this](const std::string& path) -> base::Result<std::string, std::string> {
      return path == "cert" ? texts.certificate : path == "key" ? texts.key : texts.roots;
    };
    options.paths = {"cert", "key", "roots"};
    options.tls.wall = [this] { return now; };
    options.tls.members = members;
    options.tls.random = [] { return 0.0; };
    return std::make_unique<PeerTls>(loop, std::move(options), log, events);
  }

  net::WallTime now = kNow;
  std::vector<base::IdentityPattern> members;
  std::string lines;
  log::Log log{{}, [] { return kNow; }, [this](std::string_view line) { lines += line; }};
  struct Recorder final : core::EventSink {
    void happened(core::HostEvent event) override { kinds.push_back(event.kind); }
    std::vector<core::EventKind> kinds;
  } events;
  TestIssuer root;
  net::CredentialTexts texts = root.texts();
};

TEST_F(PeerTlsTest, ItsModeSaysWhoSpeaksTls) {
  struct {
    PeerTlsMode mode;
    bool listens, plaintext_too, dials;
  } const kModes[] = {{PeerTlsMode::kOff, false, false, false},
                      {PeerTlsMode::kAccept, true, true, false},
                      {PeerTlsMode::kSend, true, true, true},
                      {PeerTlsMode::kRequire, true, false, true}};
  for (const auto& one : kModes) {
    const auto tls = make(one.mode);
    EXPECT_EQ(tls->for_listener() != nullptr, one.listens) << core::to_string(one.mode);
    EXPECT_EQ(tls->for_dialling() != nullptr, one.dials) << core::to_string(one.mode);
    if (tls->for_listener()) {
      EXPECT_EQ(tls->for_listener()->plaintext_too, one.plaintext_too);
    }
    EXPECT_TRUE(tls->load());
  }
}

TEST_F(PeerTlsTest, TellsWhatItHasAndWhatBecameOfTheFiles) {
  const auto tls = make(PeerTlsMode::kSend);
  ASSERT_TRUE(tls->load());
  EXPECT_TRUE(events.kinds.empty()) << "the process has yet to begin";
  tls->start();
  tls->use(
      {[] { return std::vector<std::string>{"a"}; }, [] { return std::size_t{3}; }, [] { return std::size_t{2}; }});
  tls->heard("a", "10.0.0.7", false, "accept");
  core::PeerSecurity told = tls->peer_security();
  EXPECT_NE(told.next_step.find("1 of 1 peer still dials plaintext: a"), std::string::npos) << told.next_step;
  EXPECT_EQ((told.connections[{"in", false}]), 3u);
  EXPECT_EQ((told.connections[{"out", false}]), 2u);
  EXPECT_EQ(told.certificate_expires, std::chrono::system_clock::to_time_t(kNow) + 3600);

  texts.key = "";
  tls->reload();
  tls->reload();
  told = tls->peer_security();
  EXPECT_EQ(told.reloads["refused"], 1u) << "each state of the files counts once";
  EXPECT_NE(told.files_problem.find("--tls-key is empty"), std::string::npos) << told.files_problem;
  EXPECT_NE(lines.find("event=tls_files_refused"), std::string::npos);

  texts = root.texts();
  tls->reload();
  tls->reload();
  told = tls->peer_security();
  EXPECT_EQ(told.reloads["ok"], 1u);
  EXPECT_EQ(told.files_problem, "");

  const net::CredentialTexts good = texts;
  texts.certificate = "";
  tls->reload();
  EXPECT_EQ(lines.find("event=tls_files_good_again"), std::string::npos);
  texts = good;
  tls->reload();
  tls->reload();
  EXPECT_EQ(tls->peer_security().reloads["ok"], 1u);
  EXPECT_NE(lines.find("event=tls_files_good_again"), std::string::npos) << lines;
  using core::EventKind;
  EXPECT_EQ(events.kinds, (std::vector{EventKind::kTlsLoaded, EventKind::kTlsRefused, EventKind::kTlsLoaded,
                                       EventKind::kTlsRefused, EventKind::kTlsLoaded}));
}

TEST_F(PeerTlsTest, ACertificateThatHasRunOutIsTold) {
  const auto tls = make(PeerTlsMode::kRequire);
  ASSERT_TRUE(tls->load());
  tls->start();
  now = kNow + std::chrono::hours(2);
  ASSERT_TRUE(run_until([this] { return lines.find("event=tls_certificate_expired") != std::string::npos; }));
  const std::string problem = tls->peer_security().files_problem;
  EXPECT_NE(problem.find("this host's certificate ran out at 2027-01-15T09:00:00Z"), std::string::npos) << problem;
}

TEST_F(PeerTlsTest, SettingsThatContradictOneAnotherAreTold) {
  const auto off = make(PeerTlsMode::kOff);
  EXPECT_TRUE(off->load());
  off->start();
  EXPECT_EQ(events.kinds, std::vector{core::EventKind::kSettingsWarning});
  EXPECT_NE(lines.find("event=tls_settings_unused"), std::string::npos) << lines;
  members = {*base::IdentityPattern::parse("spiffe://example.org/other")};
  const auto tls = make(PeerTlsMode::kRequire);
  EXPECT_TRUE(tls->load());
  EXPECT_NE(lines.find("event=tls_not_a_member_itself"), std::string::npos) << lines;
  tls->start();
  EXPECT_EQ(events.kinds.back(), core::EventKind::kSettingsWarning);
}

TEST_F(PeerTlsTest, ItMayBeToldToReadTheFilesBeforeItHasReadThem) {
  const auto tls = make(PeerTlsMode::kRequire);
  tls->reload();
  EXPECT_TRUE(tls->load());
  EXPECT_NE(tls->peer_security().certificate, "");
}

TEST_F(PeerTlsTest, WithFilesOfNoUseItDoesNotBegin) {
  const auto tls = make(PeerTlsMode::kRequire);
  texts.roots = "";
  const auto loaded = tls->load();
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().find("--tls-roots is empty"), std::string::npos);
}

}  // namespace
}  // namespace ringside::peer_tls
