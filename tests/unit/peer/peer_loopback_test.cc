// PeerClient and PeerServer against one another over a real listener; the membership watch besides.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <boost/asio/ip/tcp.hpp>
#include <google/protobuf/wrappers.pb.h>
#include <messages/control_plane.pb.h>
#include <ringside/peer/v1/peer.pb.h>

#include "sidecar/peer/codec.h"
#include "sidecar/peer/membership_watch.h"
#include "sidecar/peer/peer_client.h"
#include "sidecar/peer/peer_server.h"
#include "tests/unit/local/fake_gateway.h"
#include "tests/unit/net/net_fixture.h"

namespace ringside::peer {
namespace {

using core::Outcome;
using core::Reason;

// Both ends' sink: answers what is asked by the test's own words, keeps what comes back.
class Sink final : public core::PeerSink {
 public:
  void peer_asked(core::Sender sender, std::string source_ip, core::PeerRequest request, Reply reply) override {
    sender_seen = std::move(sender);
    source_seen = std::move(source_ip);
    reply(on_asked(request));
  }
  void peer_answered(core::QuestionId token, core::PeerAnswer answer) override {
    if (core::goes_on(answer)) {
      slices.push_back(std::move(answer));
    } else {
      answers[token] = std::move(answer);
    }
  }
  void forward_answered(core::ForwardId token, core::Answer answer) override { forwarded[token] = std::move(answer); }
  void connection_lost(const std::string& host) override { lost.push_back(host); }
  core::Sender self() const override { return {own_name, 5, "shop", 99}; }

  std::function<core::PeerAnswer(const core::PeerRequest&)> on_asked;
  std::string own_name = "10.0.0.1";
  core::Sender sender_seen;
  std::string source_seen;
  std::map<core::QuestionId, core::PeerAnswer> answers;
  std::vector<core::PeerAnswer> slices;  // of lists that went on
  std::map<core::ForwardId, core::Answer> forwarded;
  std::vector<std::string> lost;
};

PeerServerOptions served(Speakers& speakers) {
  PeerServerOptions options;
  options.speakers = &speakers;
  return options;
}

class Loopback : public net::testing::LoopTest {
 protected:
  Loopback() : server(loop, served(speakers), gateway, sink), watch(gateway) {
    const auto methods = std::make_shared<net::MethodTable>();
    server.add_methods(*methods);
    watch.add_methods(*methods);
    listener = net::testing::serve(loop, net::testing::on_loopback({.methods = methods}));
    host = listener->local_address().to_string();
    PeerClientOptions to;
    to.speakers = &speakers;
    to.resolver = resolver;
    to.random = [] { return 0.5; };
    to.to_clock = [](core::Instant instant) {
      return net::Clock::time_point(std::chrono::duration_cast<net::Clock::duration>(instant.time_since_epoch()));
    };
    client = std::make_unique<PeerClient>(loop, to, sink);
  }
  ~Loopback() override {
    client.reset();
    listener->close();
  }

  core::PeerAnswer ask(core::PeerRequest request, const std::string& whom) {
    const core::QuestionId token(++last_number);
    client->ask({token, whom, std::move(request), std::chrono::seconds(10)});
    EXPECT_TRUE(run_until([&] { return sink.answers.contains(token); }));
    return sink.answers[token];
  }
  core::ForwardCall call(bool legacy) {
    messages::ApplyRequest request;
    request.set_id(42);
    request.add_messages()->PackFrom(google::protobuf::StringValue());
    auto made = std::make_shared<core::Call>();
    made->id = 42;
    made->request = request.SerializeAsString();
    made->idempotency_key = "key";
    made->actor_name = "Grüße";
    made->deadline = core::Instant(std::chrono::duration_cast<core::Duration>(net::Clock::now().time_since_epoch())) +
                     std::chrono::seconds(10);
    return {core::ForwardId(++last_number), host, legacy, {host, 8, "shop", 6}, 3, std::move(made)};
  }
  core::Answer forward(bool legacy) {
    core::ForwardCall made = call(legacy);
    const core::ForwardId token = made.token;
    client->forward(std::move(made));
    EXPECT_TRUE(run_until([&] { return sink.forwarded.contains(token); }));
    return sink.forwarded[token];
  }

  local::testing::FakeGateway gateway;
  Sink sink;
  const std::shared_ptr<net::Resolver> resolver = std::make_shared<net::Resolver>(loop, net::ResolverOptions{});
  Speakers speakers{[] { return std::uint64_t{0x5f3a}; },
                    [this](const std::string& name, const std::string& proof) { client->ask_whose(name, proof); },
                    [this](const std::string& name) { return client->reached_at(name); }};
  PeerServer server;
  MembershipWatch watch;
  std::unique_ptr<net::Listener> listener;
  std::unique_ptr<PeerClient> client;
  std::string host;
  std::uint64_t last_number = 0;
};

// This host plays both: it asks itself under a DNS name, from which nobody can tell an address.
TEST_F(Loopback, AHostProvesThatItSpeaksForItself) {
  const std::string name = "localhost:" + std::to_string(listener->local_address().port);
  sink.own_name = name;
  sink.on_asked = [](const core::PeerRequest& request) -> core::PeerAnswer {
    if (std::holds_alternative<core::PingRequest>(request)) return core::PingAnswer{};
    return core::EndedAnswer{core::ReplyStatus::kOk};
  };
  ask(core::EndedRequest{}, name);
  EXPECT_FALSE(sink.sender_seen.from_elsewhere) << "it has not said yet that it proves itself";
  ask(core::PingRequest{}, name);
  ask(core::EndedRequest{}, name);
  EXPECT_TRUE(sink.sender_seen.from_elsewhere) << "it is being asked";
  ASSERT_TRUE(run_until([&] {
    ask(core::EndedRequest{}, name);
    return !sink.sender_seen.from_elsewhere;
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
  EXPECT_TRUE(sink.sender_seen.from_elsewhere);
  ask(core::EndedRequest{}, name);
  EXPECT_FALSE(sink.sender_seen.from_elsewhere) << "and takes nothing from the host itself";
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
  // Takes connections, and says nothing.
  boost::asio::ip::tcp::acceptor silent(loop, {boost::asio::ip::make_address("0.0.0.0"), 0});
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

TEST_F(Loopback, AnInventoryOfManyPartsArrivesWhole) {
  core::InventoryAnswer all;
  all.status = core::ReplyStatus::kOk;
  all.number = 12;
  for (std::uint64_t i = 1; i <= 300'000; ++i) all.claims.push_back({core::ActorId(i << 40 | i), core::Epoch(i << 12)});
  sink.on_asked = [&](const core::PeerRequest& request) {
    EXPECT_EQ(std::get<core::InventoryRequest>(request).number, 12U);
    return core::PeerAnswer(all);
  };
  const auto answer = std::get<core::InventoryAnswer>(ask(core::InventoryRequest{9, 12, {}}, host));
  EXPECT_EQ(answer.number, 12U);
  std::vector<core::Claim> claims;
  for (const core::PeerAnswer& slice : sink.slices) {
    const auto& part = std::get<core::InventoryAnswer>(slice);
    EXPECT_LE(part.claims.size(), core::kMostInSlice);
    claims.insert(claims.end(), part.claims.begin(), part.claims.end());
  }
  claims.insert(claims.end(), answer.claims.begin(), answer.claims.end());
  EXPECT_TRUE(claims == all.claims);
}

// Ids 1, 2, ... up to so many, told as the core tells them.
core::PeerAnswer slice_of_ids(const core::PeerRequest& request, std::uint64_t total) {
  const std::uint64_t after = std::get<core::IdsRequest>(request).after.value();
  core::IdsAnswer says;
  says.total = total;
  for (std::uint64_t id = after + 1; id <= total && says.ids.size() < core::kMostInSlice; ++id)
    says.ids.emplace_back(id);
  if (!says.ids.empty()) says.upto = says.ids.back();
  says.more = says.upto.value() < total;
  return says;
}

TEST_F(Loopback, AllIdsAreToldAndHeardInSlices) {
  constexpr std::uint64_t kMany = 1'000'000;
  std::size_t asked = 0;
  sink.on_asked = [&](const core::PeerRequest& request) {
    ++asked;
    return slice_of_ids(request, kMany);
  };
  const auto last = std::get<core::IdsAnswer>(ask(core::IdsRequest{}, host));
  EXPECT_EQ(asked, kMany / core::kMostInSlice + 1);
  EXPECT_EQ(sink.slices.size(), asked - 1);
  std::uint64_t next = 1;
  for (const core::PeerAnswer& slice : sink.slices) {
    for (const core::ActorId id : std::get<core::IdsAnswer>(slice).ids) ASSERT_EQ(id, core::ActorId(next++));
  }
  for (const core::ActorId id : last.ids) ASSERT_EQ(id, core::ActorId(next++));
  EXPECT_EQ(next, kMany + 1);
}

// Whoever asks for all ids again and again waits for his turn, or is refused; no more than one list is in the making.
TEST_F(Loopback, ManyWhoAskForAllIdsAreAnsweredOneAfterAnother) {
  constexpr std::uint64_t kMany = 100'000;
  std::vector<core::ActorId> order;
  sink.on_asked = [&](const core::PeerRequest& request) {
    order.push_back(std::get<core::IdsRequest>(request).after);
    return slice_of_ids(request, kMany);
  };
  for (std::uint64_t i = 1; i <= 80; ++i) {
    client->ask({core::QuestionId(1000 + i), host, core::IdsRequest{}, std::chrono::seconds(10)});
  }
  ASSERT_TRUE(run_until([&] { return sink.answers.size() == 80; }));
  const auto refused = std::count_if(sink.answers.begin(), sink.answers.end(), [](const auto& one) {
    return std::holds_alternative<core::PeerFailure>(one.second);
  });
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 17);
  std::erase(order, core::ActorId(0));
  for (std::size_t i = 1; i < order.size(); ++i) {
    ASSERT_TRUE(order[i] > order[i - 1] || order[i] == core::ActorId(core::kMostInSlice)) << "two at a time";
  }
}

// What the host said while another list was taken in waits for it: else what is older would be believed last.
TEST_F(Loopback, AListIsTakenInBeforeALaterOne) {
  std::uint64_t lists = 0;
  sink.on_asked = [&](const core::PeerRequest& request) {
    if (std::get<core::IdsRequest>(request).after == 0) ++lists;
    return slice_of_ids(request, lists == 1 ? 500'000 : 1);
  };
  client->ask({core::QuestionId(1), host, core::IdsRequest{}, std::chrono::seconds(10)});
  ASSERT_TRUE(run_until([&] { return !sink.slices.empty(); }));
  EXPECT_FALSE(sink.answers.contains(core::QuestionId(1)));
  client->ask({core::QuestionId(2), host, core::IdsRequest{}, std::chrono::seconds(10)});
  ASSERT_TRUE(run_until([&] {
    EXPECT_FALSE(sink.answers.contains(core::QuestionId(2)) && !sink.answers.contains(core::QuestionId(1)));
    return sink.answers.size() == 2;
  }));
}

TEST_F(Loopback, AskedAgainForAListThatIsOnItsWayItIsNotSentTwice) {
  int lists = 0;
  sink.on_asked = [&](const core::PeerRequest& request) {
    if (std::get<core::IdsRequest>(request).after == 0) ++lists;
    return slice_of_ids(request, 100'000);
  };
  for (std::uint64_t i = 1; i <= 3; ++i) {
    client->ask({core::QuestionId(100 + i), host, core::IdsRequest{0, 12}, std::chrono::seconds(10)});
  }
  client->ask({core::QuestionId(104), host, core::IdsRequest{0, 13}, std::chrono::seconds(10)});
  ASSERT_TRUE(run_until([&] { return sink.answers.size() == 4; }));
  EXPECT_EQ(lists, 2);
  for (std::uint64_t i = 1; i <= 4; ++i) {
    const auto* failure = std::get_if<core::PeerFailure>(&sink.answers[core::QuestionId(100 + i)]);
    EXPECT_EQ(failure != nullptr && failure->kind == core::PeerFailure::Kind::kLost, i == 2 || i == 3) << i;
  }
  ask(core::IdsRequest{0, 12}, host);
  EXPECT_EQ(lists, 3) << "that one has been answered";
}

TEST_F(Loopback, AClientThatEndsWhileAListIsTakenInHearsNoMore) {
  sink.on_asked = [](const core::PeerRequest& request) { return slice_of_ids(request, 500'000); };
  client->ask({core::QuestionId(1), host, core::IdsRequest{}, std::chrono::seconds(10)});
  ASSERT_TRUE(run_until([&] { return !sink.slices.empty(); }));
  client.reset();
  const std::size_t heard = sink.slices.size();
  settle();
  EXPECT_EQ(sink.slices.size(), heard);
  EXPECT_TRUE(sink.answers.empty());
}

TEST_F(Loopback, ALongAnnouncementIsHeardInSlicesAndAnsweredOnce) {
  core::OwnershipRequest all{"10.0.0.1", 5, {}};
  for (std::uint64_t id = 1; id <= 20'000; ++id) all.claims.push_back({core::ActorId(id), core::Epoch(id)});
  std::set<core::ActorId> heard;
  sink.on_asked = [&](const core::PeerRequest& request) -> core::PeerAnswer {
    const auto& slice = std::get<core::OwnershipRequest>(request);
    EXPECT_LE(slice.claims.size(), core::kMostInSlice);
    EXPECT_EQ(slice.host, "10.0.0.1");
    EXPECT_EQ(slice.generation, core::Generation(5));
    core::AckAnswer ack{true, "", {}};
    for (const core::Claim& claim : slice.claims) {
      heard.insert(claim.id);
      if (claim.id == core::ActorId(7) || claim.id == core::ActorId(19'999)) ack.rejected.push_back({claim.id, "b", 9});
    }
    ack.accepted = ack.rejected.empty();
    if (!ack.accepted) ack.message = "owned by b";
    return ack;
  };
  const auto ack = std::get<core::AckAnswer>(ask(all, host));
  EXPECT_EQ(heard.size(), 20'000U);
  EXPECT_FALSE(ack.accepted);
  EXPECT_EQ(ack.message, "owned by b");
  EXPECT_EQ(ack.rejected.size(), 2U);
  core::EndedRequest ends;
  for (std::uint64_t id = 1; id <= 20'000; ++id) ends.ended.push_back({core::ActorId(id), core::Epoch(id), {}});
  sink.on_asked = [](const core::PeerRequest& request) -> core::PeerAnswer {
    const auto& slice = std::get<core::EndedRequest>(request);
    return core::EndedAnswer{slice.ended.front().id == core::ActorId(1) ? core::ReplyStatus::kStale
                                                                        : core::ReplyStatus::kOk};
  };
  EXPECT_EQ(std::get<core::EndedAnswer>(ask(ends, host)).status, core::ReplyStatus::kStale);
}

TEST_F(Loopback, AnInventoryWithoutEndIsNotKept) {
  core::InventoryAnswer all;
  all.status = core::ReplyStatus::kOk;
  for (std::uint64_t i = 1; i <= 300'000; ++i) all.claims.push_back({core::ActorId(i), core::Epoch(i)});
  sink.on_asked = [&](const core::PeerRequest&) { return core::PeerAnswer(all); };
  PeerClientOptions narrow;
  narrow.max_claims = 200'000;
  narrow.random = [] { return 0.5; };
  PeerClient asker(loop, narrow, sink);
  const core::QuestionId token(++last_number);
  asker.ask({token, host, core::InventoryRequest{9, 12, {}}, std::chrono::seconds(10)});
  ASSERT_TRUE(run_until([&] { return sink.answers.contains(token); }));
  const auto& failure = std::get<core::PeerFailure>(sink.answers[token]);
  EXPECT_EQ(failure.kind, core::PeerFailure::Kind::kRejected);
  EXPECT_EQ(failure.detail, "its inventory is larger than any that a host could keep (200000 ids)");
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
  EXPECT_EQ(views[1].members_size(), 2) << "a name that is no member is not shown";
  EXPECT_GT(views[1].version(), views[0].version());
  stream->cancel();
  settle();
  gateway.change_view();
  settle();
  EXPECT_EQ(views.size(), 2U);
}

}  // namespace
}  // namespace ringside::peer
