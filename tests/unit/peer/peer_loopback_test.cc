// Questions and forwarded calls between hosts, and the membership watch.
#include <algorithm>

#include <boost/asio/ip/tcp.hpp>

#include "tests/unit/net/asio_guest.h"
#include "tests/unit/peer/loopback.h"

namespace ringside::peer {
namespace {

using core::Outcome;
using core::Reason;
using testing::Loopback;

// This host plays both: it asks itself under a DNS name, from which nobody can tell an address.
TEST_F(Loopback, AHostProvesThatItSpeaksForItself) {
  const std::string name = "localhost:" + std::to_string(listener->local_address().port);
  sink.own_name = name;
  bool from_elsewhere = false;  // who asked the last EndedRequest: a ping may follow at once, to ask back
  sink.on_asked = [&](const core::PeerRequest& request) -> core::PeerAnswer {
    if (std::holds_alternative<core::PingRequest>(request)) return core::PingAnswer{};
    from_elsewhere = sink.sender_seen.from_elsewhere;
    return core::EndedAnswer{core::ReplyStatus::kOk};
  };
  ask(core::EndedRequest{}, name);
  EXPECT_FALSE(from_elsewhere) << "it has not said yet that it proves itself";
  ask(core::PingRequest{}, name);
  ask(core::EndedRequest{}, name);
  EXPECT_TRUE(from_elsewhere) << "it is being asked";
  ASSERT_TRUE(run_until([&] {
    ask(core::EndedRequest{}, name);
    return !from_elsewhere;
  }));

  // Somebody else who gives this name.
  Speakers others([] { return std::uint64_t{0xbad}; }, [](const std::string&, const std::string&) {},
                  [](const std::string&) { return std::string(); });
  PeerClientOptions to;
  to.speakers = &others;
  to.resolver = resolver;
  to.random = [] { return 0.5; };
  PeerClient stranger(loop, to, sink);
  const core::QuestionId token(++last_number);
  stranger.ask({token, name, core::EndedRequest{}, std::chrono::seconds(10)});
  ASSERT_TRUE(run_until([&] { return sink.answers.contains(token); }));
  EXPECT_TRUE(from_elsewhere);
  ask(core::EndedRequest{}, name);
  EXPECT_FALSE(from_elsewhere) << "and takes nothing from the host itself";
}

TEST_F(Loopback, AQuestionNamesItsSender) {
  sink.on_asked = [](const core::PeerRequest&) {
    core::PingAnswer ping;
    ping.host = "10.0.0.2";
    return core::PeerAnswer(ping);
  };
  EXPECT_EQ(std::get<core::PingAnswer>(ask(core::PingRequest{}, host)).host, "10.0.0.2");
  EXPECT_EQ(sink.sender_seen.host, "10.0.0.1");
  EXPECT_EQ(sink.sender_seen.generation, core::Generation(5));
  EXPECT_EQ(sink.sender_seen.cluster, "shop");
  EXPECT_EQ(sink.sender_seen.clock, core::Epoch(99));
  EXPECT_EQ(sink.source_seen, "127.0.0.1");
}

TEST_F(Loopback, AQuestionArrivesWithAllThatItSays) {
  std::vector<core::Claim> heard;
  sink.on_asked = [&](const core::PeerRequest& request) {
    heard = std::get<core::OwnershipRequest>(request).claims;
    return core::AckAnswer{false, "mine", {}};
  };
  const std::vector<core::Claim> claims = {{1, 2}, {3, 4}};
  EXPECT_EQ(std::get<core::AckAnswer>(ask(core::OwnershipRequest{host, 9, claims}, host)).message, "mine");
  EXPECT_EQ(heard, claims);
}

TEST_F(Loopback, FailuresSayWhatIsKnown) {
  using Kind = core::PeerFailure::Kind;
  sink.on_asked = [](const core::PeerRequest&) { return core::PeerFailure{Kind::kMismatch, "this is staging"}; };
  const auto mismatch = std::get<core::PeerFailure>(ask(core::JoinRequest{}, host));
  EXPECT_EQ(mismatch.kind, Kind::kMismatch);
  EXPECT_EQ(mismatch.detail, "this is staging");
  const auto nobody = ask(core::PingRequest{}, net::testing::unused_endpoint().to_string());
  EXPECT_EQ(std::get<core::PeerFailure>(nobody).kind, Kind::kReset);
  EXPECT_EQ(std::get<core::PeerFailure>(ask(core::PingRequest{}, "no host")).kind, Kind::kUnreachable);
}

// Nothing of it is kept: its length alone says that it is too large.
TEST_F(Loopback, AnAnswerIsAtMostWhatItsMethodNeeds) {
  sink.on_asked = [](const core::PeerRequest&) {
    core::PingAnswer ping;
    ping.host = std::string(100'000, 'x');
    return core::PeerAnswer(ping);
  };
  EXPECT_EQ(std::get<core::PeerFailure>(ask(core::PingRequest{}, host)).detail,
            "the answer is larger than the limit of 65536 bytes");
  sink.on_asked = [](const core::PeerRequest&) {
    core::NegotiateAnswer negotiated;
    negotiated.hosts.assign(4096, std::string(250, 'x'));
    return core::PeerAnswer(negotiated);
  };
  EXPECT_EQ(std::get<core::NegotiateAnswer>(ask(core::NegotiateRequest{}, host)).hosts.size(), 4096U);
  core::Ended ended{1, 2, {}};
  ended.remembered.emplace_back().result = std::string(5'000'000, 'x');
  sink.on_asked = [&ended](const core::PeerRequest&) {
    core::InventoryAnswer inventory;
    inventory.remembered = {ended};
    return core::PeerAnswer(inventory);
  };
  EXPECT_EQ(std::get<core::PeerFailure>(ask(core::InventoryRequest{9, 12, {}}, host)).detail,
            "the answer is larger than the limit of 4194304 bytes");
}

TEST_F(Loopback, WhereAHostWasReachedIsKnown) {
  sink.on_asked = [](const core::PeerRequest&) { return core::PeerAnswer(core::PingAnswer{}); };
  EXPECT_EQ(client->reached_at(host), "");
  ask(core::PingRequest{}, host);
  EXPECT_EQ(client->reached_at(host), "127.0.0.1");
}

// Whoever names hosts makes this one connect to them: to a few at a time.
TEST_F(Loopback, OfHostsThatNobodyExpectsFewAreConnectedToAtOnce) {
  PeerClientOptions narrow;
  narrow.random = [] { return 0.5; };
  narrow.is_expected = [this](const std::string& name) { return name == host; };
  narrow.most_unexpected = 2;
  PeerClient asker(loop, narrow, sink);
  net::testing::AsioGuest asio(loop);
  // Takes connections, and says nothing.
  boost::asio::ip::tcp::acceptor silent(asio.context(), {boost::asio::ip::make_address("0.0.0.0"), 0});
  const std::string port = ":" + std::to_string(silent.local_endpoint().port());
  const auto ask_one = [&](std::uint64_t number, const std::string& whom) {
    asker.ask({core::QuestionId(number), whom, core::PingRequest{}, std::chrono::seconds(1)});
  };
  const auto too_many = [&](std::uint64_t number) {
    const auto& failure = std::get<core::PeerFailure>(sink.answers[core::QuestionId(number)]);
    return failure.kind == core::PeerFailure::Kind::kUnreachable &&
           failure.detail.ends_with("too many that are not members are looked at");
  };
  for (std::uint64_t i = 1; i <= 3; ++i) ask_one(i, "127.0.0." + std::to_string(i) + port);
  ASSERT_TRUE(run_until([&] { return sink.answers.contains(core::QuestionId(3)); }));
  EXPECT_TRUE(too_many(3));
  EXPECT_FALSE(sink.answers.contains(core::QuestionId(1)));
  sink.on_asked = [](const core::PeerRequest&) { return core::PeerAnswer(core::PingAnswer{}); };
  ask_one(4, host);
  ASSERT_TRUE(run_until([&] { return sink.answers.contains(core::QuestionId(4)); }));
  EXPECT_TRUE(std::holds_alternative<core::PingAnswer>(sink.answers[core::QuestionId(4)])) << "an expected one";
  ASSERT_TRUE(run_until([&] { return sink.answers.contains(core::QuestionId(2)); }));
  ask_one(5, "127.0.0.3" + port);
  ASSERT_TRUE(run_until([&] { return sink.answers.contains(core::QuestionId(5)); }));
  EXPECT_FALSE(too_many(5)) << "one of the others was idle, and made room";
  EXPECT_EQ(asker.connections(), 3U);
}

TEST_F(Loopback, NothingIsAnsweredFromInsideTheCall) {
  client->ask({core::QuestionId(1), "no host", core::PingRequest{}, std::chrono::seconds(10)});
  core::ForwardCall made = call(false);
  made.host = "no host";
  made.token = core::ForwardId(2);
  client->forward(made);
  made.token = core::ForwardId(3);
  client->forward(made);
  client->abandon(core::ForwardId(3));
  EXPECT_TRUE(sink.answers.empty());
  EXPECT_TRUE(sink.forwarded.empty());
  settle();
  EXPECT_TRUE(sink.answers.contains(core::QuestionId(1)));
  EXPECT_EQ(sink.forwarded.size(), 1U) << "an abandoned call is not reported";
  EXPECT_EQ(sink.forwarded[core::ForwardId(2)].outcome, Outcome::kNotDelivered);
}

TEST_F(Loopback, AClientThatHasEndedAnswersNothing) {
  client->ask({core::QuestionId(1), "no host", core::PingRequest{}, std::chrono::seconds(10)});
  client.reset();
  settle();
  EXPECT_TRUE(sink.answers.empty());
}

TEST_F(Loopback, AForwardedCallCarriesWhatTheOwnerNeeds) {
  gateway.on_call = [](const core::Call&) {
    core::Answer answer;
    answer.outcome = Outcome::kApplied;
    answer.holder = "10.0.0.7";
    return answer;
  };
  const core::Answer answer = forward(false);
  EXPECT_EQ(answer.outcome, Outcome::kApplied);
  EXPECT_EQ(answer.holder, "10.0.0.7");
  const core::Call& seen = gateway.calls.at(0);
  EXPECT_EQ(seen.origin, core::Origin::kPeer);
  EXPECT_EQ(seen.hops, 3U);
  EXPECT_EQ(seen.idempotency_key, "key");
  EXPECT_EQ(seen.actor_name, "Grüße");
  ASSERT_TRUE(seen.target);
  EXPECT_EQ(seen.target->host, host);
  EXPECT_EQ(seen.target->generation, core::Generation(8));
  EXPECT_EQ(seen.target->cluster, "shop");
  EXPECT_EQ(seen.target->epoch, core::Epoch(6));
}

TEST_F(Loopback, ALegacyHostGetsNothingOfOurs) {
  gateway.on_call = [](const core::Call&) { return core::Answer::failed(Outcome::kRefused, Reason::kAppRefused); };
  EXPECT_EQ(forward(true).outcome, Outcome::kRefused);
  const core::Call& seen = gateway.calls.at(0);
  EXPECT_FALSE(seen.hops);
  EXPECT_FALSE(seen.target);
  EXPECT_EQ(seen.idempotency_key, "");
}

TEST_F(Loopback, EachFailureKeepsItsOutcomeAndReason) {
  for (const auto& [outcome, reason] :
       {std::pair(Outcome::kNotDelivered, Reason::kNotMine), std::pair(Outcome::kOverloaded, Reason::kActorQueueFull),
        std::pair(Outcome::kExpired, Reason::kDeadline), std::pair(Outcome::kUnknown, Reason::kAppLost)}) {
    gateway.on_call = [&](const core::Call&) { return core::Answer::failed(outcome, reason, "because"); };
    const core::Answer answer = forward(false);
    EXPECT_EQ(answer.outcome, outcome);
    EXPECT_EQ(answer.reason, reason);
  }
}

TEST_F(Loopback, AHostThatGoesInMidCallIsLostNotGone) {
  core::ForwardCall made = call(false);
  const core::ForwardId token = made.token;
  client->forward(std::move(made));
  ASSERT_TRUE(run_until([this] { return gateway.calls.size() == 1; }));
  listener->close();
  ASSERT_TRUE(run_until([&] { return sink.forwarded.contains(token); }));
  EXPECT_EQ(sink.forwarded[token].outcome, Outcome::kUnknown);
  EXPECT_EQ(sink.forwarded[token].reason, Reason::kPeerLost);
  EXPECT_EQ(sink.lost, std::vector<std::string>{host});
  EXPECT_EQ(forward(false).outcome, Outcome::kNotDelivered);
}

TEST_F(Loopback, AnAbandonedCallIsCancelledThereAndNotReportedHere) {
  core::ForwardCall made = call(false);
  const core::ForwardId token = made.token;
  client->forward(std::move(made));
  ASSERT_TRUE(run_until([this] { return gateway.calls.size() == 1; }));
  client->abandon(token);
  client->abandon(token);
  ASSERT_TRUE(run_until([this] { return gateway.cancelled.size() == 1; }));
  settle();
  EXPECT_FALSE(sink.forwarded.contains(token));
}

TEST_F(Loopback, AWatcherGetsTheViewAtOnceAndAtEveryChange) {
  core::MemberStatus member;
  member.host = "10.0.0.7";
  member.phase = core::Phase::kReady;
  gateway.member_list = {member};
  net::ChannelOptions options;
  options.endpoint = listener->local_address();
  options.random = [] { return 0.5; };
  net::GrpcChannel channel(loop, std::move(options));
  std::vector<v1::MemberView> views;
  net::StreamHandlers handlers;
  handlers.on_message = [&](std::string bytes) { EXPECT_TRUE(views.emplace_back().ParseFromString(bytes)); };
  handlers.on_finish = [](net::CallResult) {};
  const auto stream = channel.stream(std::string(kWatchPath), {}, {}, std::move(handlers));
  stream->send("");
  stream->half_close();
  ASSERT_TRUE(run_until([&] { return views.size() == 1; }));
  EXPECT_EQ(views[0].members_size(), 1);
  member.host = "10.0.0.8";
  gateway.member_list.push_back(member);
  member.host = "stranger";
  member.member = false;
  gateway.member_list.push_back(member);
  gateway.change_view();
  ASSERT_TRUE(run_until([&] { return views.size() == 2; }));
  EXPECT_EQ(views[1].members_size(), 2) << "a name that is not a member is not shown";
  EXPECT_GT(views[1].version(), views[0].version());
  stream->cancel();
  settle();
  gateway.change_view();
  settle();
  EXPECT_EQ(views.size(), 2U);
}

}  // namespace
}  // namespace ringside::peer
