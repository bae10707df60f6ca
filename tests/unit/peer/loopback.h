// PeerClient and PeerServer against one another over a real listener; the membership watch besides.
#pragma once

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

namespace ringside::peer::testing {

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

inline PeerServerOptions served(Speakers& speakers) {
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

}  // namespace ringside::peer::testing
