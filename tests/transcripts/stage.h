// Hosts on a network where each message takes a millisecond, moved by a script (script.h), and what they did as text.
//
// The hosts are the core that ships. Nothing is left to chance: the same script gives the same transcript.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sidecar/core/node.h"
#include "tests/sim/agenda.h"
#include "tests/sim/legacy_host.h"
#include "tests/transcripts/words.h"

namespace ringside::transcripts {

class Stage final : private sim::LegacyWorld {
 public:
  // What is written goes here, a line at a time.
  explicit Stage(std::function<void(const std::string&)> write);
  ~Stage() override = default;

  // ---- what a script may do (script.cc has the words) ----
  void cast(const std::vector<std::string>& names) { cast_ = names; }  // whom discovery names
  void start(const std::string& name);
  void start_legacy(const std::string& name);
  void crash(const std::string& name);
  void stop(const std::string& name);
  void go_on(const std::string& name);
  void cut(const std::string& one, const std::string& other);
  void heal() { cut_.clear(); }
  void lose_next(const std::string& from, const std::string& to, const std::string& kind);
  void app_is_slow(const std::string& name, bool slow) { host(name).slow_app = slow; }
  void app_answers(const std::string& name);
  void app_up(const std::string& name, bool up);
  void call(const std::string& at, core::ActorId id, const std::string& key, core::Duration within);
  void drain(const std::string& name);
  void uncordon(const std::string& name);
  void close(const std::string& name);
  void where(const std::string& at, core::ActorId id);
  void quorum(std::uint32_t hosts) { quorum_ = hosts; }
  void pass(core::Duration time);
  void until_quiet();  // nothing is on its way any more
  void show_pings(bool show) { show_pings_ = show; }
  void mute(bool mute) { muted_ = mute; }
  void begin_command() { command_began_ = now_; }
  // The least id, above those that were given before, that a ring of all these hosts gives to `owner`.
  core::ActorId id_of(const std::string& owner, const std::string& name);

 private:
  struct Host {
    std::unique_ptr<core::Node> node;
    std::unique_ptr<sim::LegacyHost> legacy;
    std::uint64_t incarnation = 0;
    bool stopped = false;
    bool slow_app = false;
    bool app_up = true;
    std::vector<core::StartTurn> turns;  // at a slow app
    std::vector<std::function<void()>> inbox;
    core::Instant wake_at = core::kNever;
    std::map<core::ReplyId, std::function<void(core::PeerAnswer)>> asked;
    std::map<core::CallId, std::function<void(core::Answer)>> calls;
    bool alive() const { return node != nullptr || legacy != nullptr; }
  };
  using Replied = std::function<void(core::PeerAnswer)>;
  using Answered = std::function<void(core::Answer)>;

  Host& host(const std::string& name);
  core::Now time() const;
  void at(std::int64_t time, std::function<void()> what) { agenda_.at(time, std::move(what)); }
  void travel(std::function<void()> what);  // takes a message's time, and counts as under way
  void on(const std::string& name, std::function<void(Host&)> what);
  void step();
  void settle(const std::string& name);
  void carry_out(const std::string& name, core::Effect& effect);
  void deactivate(const std::string& name, const std::string& which, core::DeactivationId token);
  void ask(const std::string& from, const core::AskPeer& question);
  void question(const std::string& from, core::Sender sender, const std::string& to, core::PeerRequest request,
                Replied replied);
  void forward(const std::string& from, core::ForwardCall call);
  void deliver(const std::string& from, const std::string& to, core::CallPtr call, Answered answered);
  void turn(const std::string& name, core::StartTurn turn);
  bool arrives(const std::string& from, const std::string& to, const std::string& kind);
  void say(const std::string& line);
  bool shown(const core::PeerRequest& request) const;

  // LegacyWorld
  std::int64_t now() const override { return now_; }
  void after(std::int64_t delay, std::function<void()> what) override { at(now_ + delay, std::move(what)); }
  void legacy_asks(const std::string& from, const std::string& to, core::PeerRequest request, Replied done) override;
  void legacy_forwards(const std::string& from, const std::string& to, core::CallPtr call, Answered done) override;
  void legacy_turn(const std::string& at, core::CallPtr call, Answered done) override;
  void legacy_ended(const std::string& at, core::ActorId id) override;

  std::function<void(const std::string&)> write_;
  Words words_;
  std::vector<std::string> cast_;
  std::map<std::string, Host> hosts_;
  std::set<std::pair<std::string, std::string>> cut_;
  std::map<std::tuple<std::string, std::string, std::string>, int> to_lose_;
  sim::Agenda agenda_;
  std::int64_t now_ = 3'600'000'000;
  std::int64_t command_began_ = now_;
  int under_way_ = 0;
  std::uint32_t quorum_ = 0;
  std::uint64_t next_number_ = 1'000'000;  // of calls and replies
  core::ActorId next_id_ = 1;
  int next_call_ = 1;
  bool show_pings_ = false;
  bool muted_ = false;
};

}  // namespace ringside::transcripts
