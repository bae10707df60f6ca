#include "sidecar/peer/codec.h"

#include <gtest/gtest.h>
#include <messages/control_plane.pb.h>

namespace ringside::peer {
namespace {

template <typename Request>
Request round_trip(const Request& request) {
  const Rpc& rpc = rpc_of(request);
  const auto decoded = rpc.decode(rpc.encode(request));
  EXPECT_TRUE(decoded) << rpc.path;
  return decoded ? std::get<Request>(*decoded) : Request{};
}

template <typename Answer>
Answer answered(const core::PeerRequest& question, const Answer& answer) {
  auto decoded = decode_answer(question, encode_answer(answer));
  EXPECT_TRUE(decoded);
  return decoded ? std::get<Answer>(*decoded) : Answer{};
}

std::string why_not(std::string_view path, const std::string& body) {
  for (const Rpc& rpc : rpcs()) {
    if (rpc.path != path) continue;
    const auto decoded = rpc.decode(body);
    return decoded ? "" : decoded.error();
  }
  return "there is no such path";
}

TEST(Codec, AnExplanationComesBackWithTheTurnInWords) {
  using Verdict = core::RuleCheck::Verdict;
  core::Explanation says;
  says.rules = {{"stopped", Verdict::kNo, "it goes on"},
                {"claim", Verdict::kDecides, "active"},
                {"free", Verdict::kNotAsked, ""}};
  says.goes = "forward";
  says.reason = "peer-unreachable";
  says.to = "10.0.0.9";
  says.epoch = 77;
  says.ring_owner = "10.0.0.8";
  says.ring = 5;
  core::ActivationFacts& active = says.activation.emplace();
  active.state.epoch = 78;
  active.state.name = "anna";
  active.state.busy = true;
  active.state.turn_age = std::chrono::seconds(41);
  active.state.waiting = 12;
  active.state.ending = "operator";
  active.state.not_forgotten = 2;
  active.age = std::chrono::minutes(5);
  auto call = std::make_shared<core::Call>();
  call->traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  core::MethodCall method;
  method.method = "POST";
  method.path = "add";
  method.query = "secret=1";
  call->request = std::make_shared<const core::MethodCall>(method);
  active.call = call;

  const core::Explanation back = *answered(core::ExplainRequest{7, 0, 1}, core::ExplainAnswer(says)).explanation;
  ASSERT_EQ(back.rules.size(), 3U);
  EXPECT_EQ(back.rules[0].verdict, Verdict::kNo);
  EXPECT_EQ(back.rules[1].verdict, Verdict::kDecides);
  EXPECT_EQ(back.rules[1].why, "active");
  EXPECT_EQ(back.rules[2].verdict, Verdict::kNotAsked);
  EXPECT_EQ(back.goes + " " + back.to + " " + back.reason, "forward 10.0.0.9 peer-unreachable");
  EXPECT_EQ(back.epoch, core::Epoch(77));
  EXPECT_EQ(back.ring_owner, "10.0.0.8");
  EXPECT_EQ(back.ring, core::Fingerprint(5));
  ASSERT_TRUE(back.activation);
  EXPECT_EQ(back.activation->state.epoch, core::Epoch(78));
  EXPECT_EQ(back.activation->state.turn_age, std::chrono::seconds(41));
  EXPECT_EQ(back.activation->state.waiting, 12U);
  EXPECT_EQ(back.activation->state.name + " " + back.activation->state.ending, "anna operator");
  EXPECT_EQ(back.activation->state.not_forgotten, 2U);
  EXPECT_EQ(back.activation->age, std::chrono::minutes(5));
  EXPECT_EQ(back.activation->expires_in, std::nullopt);
  EXPECT_EQ(back.activation->method, "POST add") << "a query may hold secrets";
  EXPECT_EQ(back.activation->trace_id, "0af7651916cd43dd8448eb211c80319c");

  says.activation->state.busy = false;
  says.activation->expires_in = std::chrono::seconds(3);
  const core::Explanation idle = *answered(core::ExplainRequest{7, 0, 1}, core::ExplainAnswer(says)).explanation;
  EXPECT_EQ(idle.activation->expires_in, std::chrono::seconds(3));
  EXPECT_FALSE(idle.activation->state.busy);
}

// Whatever another host says stays short, and text.
TEST(Codec, AnExplanationOfAnotherHostHasBounds) {
  core::Explanation says;
  for (int i = 0; i < 200; ++i)
    says.rules.push_back({"rule\x1b[2J", core::RuleCheck::Verdict::kNo, std::string(5000, 'x')});
  says.to = "not a host";
  says.goes = std::string(5000, 'x');
  const core::Explanation back = *answered(core::ExplainRequest{7, 0, 1}, core::ExplainAnswer(says)).explanation;
  EXPECT_EQ(back.rules.size(), 64U);
  EXPECT_EQ(back.rules[0].rule, "rule?[2J");
  EXPECT_LT(back.rules[0].why.size(), 1100U);
  EXPECT_LT(back.goes.size(), 1100U);
  EXPECT_EQ(back.to, "");
}

TEST(Codec, RequestsComeBackAsTheyWere) {
  const auto negotiate = round_trip(core::NegotiateRequest{{"10.0.0.1", "b:99"}, "shop", 512});
  EXPECT_EQ(negotiate.hosts, (std::vector<std::string>{"10.0.0.1", "b:99"}));
  EXPECT_EQ(negotiate.cluster, "shop");
  EXPECT_EQ(negotiate.points, 512U);
  const auto claims = round_trip(core::OwnershipRequest{"10.0.0.1", 9, {{1, 2}, {core::ActorId(UINT64_MAX), 3}}});
  EXPECT_EQ(claims.host, "10.0.0.1");
  EXPECT_EQ(claims.generation, core::Generation(9));
  EXPECT_FALSE(claims.asks);
  EXPECT_TRUE(round_trip(core::OwnershipRequest{"10.0.0.1", 9, {{1, 2}}, true}).asks);
  EXPECT_EQ(claims.claims, (std::vector<core::Claim>{{1, 2}, {core::ActorId(UINT64_MAX), 3}}));
  EXPECT_EQ(round_trip(core::LegacyExpiryRequest{"a", {4, 5}}).ids, (std::vector<core::ActorId>{4, 5}));
  EXPECT_EQ(round_trip(core::ClosingRequest{"a"}).host, "a");
  EXPECT_EQ(round_trip(core::ProbeRequest{"a"}).host, "a");
  const auto explain = round_trip(core::ExplainRequest{core::ActorId(UINT64_MAX), 42, 2});
  EXPECT_EQ(explain.id, core::ActorId(UINT64_MAX));
  EXPECT_EQ(explain.epoch, core::Epoch(42));
  EXPECT_EQ(explain.hops, 2U);
  EXPECT_EQ(why_not("/ringside.peer.v1.Peer/Explain", ""), "0 is not an actor id");
  const auto join = round_trip(core::JoinRequest{512, true, core::Fingerprint(77)});
  EXPECT_EQ(join.points, 512U);
  EXPECT_TRUE(join.routes_only);
  EXPECT_EQ(join.names, core::Fingerprint(77));
  round_trip(core::PingRequest{});
  round_trip(core::IdsRequest{});
  round_trip(core::LeaveRequest{});
  core::InventoryRequest inventory;
  inventory.to_generation = 6;
  inventory.number = 7;
  EXPECT_EQ(round_trip(inventory).number, core::InventoryNumber(7));
  EXPECT_TRUE(rpc_of(inventory).in_parts);
  const auto expire = round_trip(core::EndedRequest{
      {{7, 8, {{"key", core::Outcome::kRefused, std::string("\0x", 2)}, {"large", core::Outcome::kUnknown, ""}}}}});
  ASSERT_EQ(expire.ended.size(), 1U);
  EXPECT_EQ(expire.ended[0].epoch, core::Epoch(8));
  ASSERT_EQ(expire.ended[0].remembered.size(), 2U);
  EXPECT_EQ(expire.ended[0].remembered[1].outcome, core::Outcome::kUnknown) << "its answer was too large to be kept";
  EXPECT_EQ(expire.ended[0].remembered[0].key, "key");
  EXPECT_EQ(expire.ended[0].remembered[0].outcome, core::Outcome::kRefused);
  EXPECT_EQ(expire.ended[0].remembered[0].result, std::string("\0x", 2));
}

TEST(Codec, AnswersComeBackAsTheyWere) {
  core::PingAnswer ping;
  ping.host = "10.0.0.1";
  ping.phase = core::Phase::kDraining;
  ping.generation = 5;
  ping.ring = core::Fingerprint(UINT64_MAX);
  ping.ring_hosts = 3;
  ping.cluster = "shop";
  ping.clock = {77, 76};
  ping.standing = core::Standing::kDeclaredDead;
  ping.routes_only = true;
  ping.unix_time = 1'790'000'000;
  ping.names = core::Fingerprint(88);
  ping.zone = "eu-1a";
  ping.points = 51;
  const auto said = answered(core::PingRequest{}, ping);
  EXPECT_EQ(said.host, ping.host);
  EXPECT_EQ(said.phase, ping.phase);
  EXPECT_EQ(said.generation, ping.generation);
  EXPECT_EQ(said.ring, ping.ring);
  EXPECT_EQ(said.ring_hosts, ping.ring_hosts);
  EXPECT_EQ(said.cluster, ping.cluster);
  EXPECT_EQ(said.clock, ping.clock);
  EXPECT_EQ(said.standing, ping.standing);
  EXPECT_TRUE(said.routes_only);
  EXPECT_EQ(said.unix_time, ping.unix_time);
  EXPECT_EQ(said.names, ping.names);
  EXPECT_EQ(said.zone, ping.zone);
  EXPECT_EQ(said.points, 51U);
  ping.zone = std::string(100, 'z');
  EXPECT_EQ(answered(core::PingRequest{}, ping).zone, std::string(63, 'z')) << "longer than --zone allows";

  const auto ack = answered(core::OwnershipRequest{}, core::AckAnswer{false, "no", {{1, "b", 2}}});
  EXPECT_FALSE(ack.accepted);
  ASSERT_EQ(ack.rejected.size(), 1U);
  EXPECT_EQ(ack.rejected[0].holder, "b");
  core::JoinAnswer join;
  join.status = core::ReplyStatus::kOk;
  join.generation = 4;
  join.names = {"a", "b"};
  join.clock = {5, 4};
  join.furthest = {6, 5};
  const auto joined = answered(core::JoinRequest{}, join);
  EXPECT_EQ(joined.names, join.names);
  EXPECT_EQ(joined.clock, join.clock);
  EXPECT_EQ(joined.furthest, join.furthest);
  EXPECT_FALSE(joined.names_agree);
  join.names.clear();
  join.names_agree = true;
  EXPECT_TRUE(answered(core::JoinRequest{}, join).names_agree);
  join.status = core::ReplyStatus::kNoAnswer;
  EXPECT_EQ(answered(core::JoinRequest{}, join).status, core::ReplyStatus::kNoAnswer);
  EXPECT_EQ(answered(core::LeaveRequest{}, core::LeaveAnswer{core::ReplyStatus::kDeclaredDead}).status,
            core::ReplyStatus::kDeclaredDead);
  const auto probe = answered(core::ProbeRequest{}, core::ProbeAnswer{true, 3, std::chrono::milliseconds(7)});
  EXPECT_TRUE(probe.heard);
  EXPECT_EQ(probe.age, std::chrono::milliseconds(7));
}

TEST(Codec, ALegacyHostsPingHasNoneOfOurs) {
  messages::PingReply reply;
  reply.set_host("old");
  const auto decoded = decode_answer(core::PingRequest{}, reply.SerializeAsString());
  ASSERT_TRUE(decoded);
  const auto& ping = std::get<core::PingAnswer>(*decoded);
  EXPECT_EQ(ping.generation, core::Generation());
  EXPECT_EQ(ping.phase, core::Phase::kUnspecified);
  EXPECT_EQ(ping.cluster, "");
  EXPECT_EQ(ping.zone, "");
  EXPECT_EQ(ping.points, 0U);
}

TEST(Codec, WordsOfANewerVersionAreNotMisread) {
  messages::PingReply reply;
  reply.set_host("new");
  std::string body = reply.SerializeAsString();
  body += std::string("\xc0\x3e\x63", 3);   // field 1000, phase: 99
  body += std::string("\x9a\x7d\x01x", 4);  // field 2003: unknown
  const auto decoded = decode_answer(core::PingRequest{}, body);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(std::get<core::PingAnswer>(*decoded).phase, core::Phase::kUnspecified);
}

TEST(Codec, GarbageIsNoAnswerAndNoRequest) {
  const std::string garbage = "\xff\xff\xff";
  for (const Rpc& rpc : rpcs()) {
    const auto decoded = rpc.decode(garbage);
    EXPECT_TRUE(decoded || !decoded.error().empty()) << rpc.path;
  }
  EXPECT_FALSE(decode_answer(core::PingRequest{}, garbage));
  EXPECT_FALSE(decode_answer(core::JoinRequest{}, garbage));
  EXPECT_FALSE(decode_inventory_part(garbage));
}

TEST(Codec, WhatIsTooMuchOrCannotBeIsRefusedByName) {
  messages::NegotiateRequest hosts;
  for (int i = 0; i < 4097; ++i) hosts.add_known_hosts("h");
  EXPECT_EQ(why_not("/messages.ControlPlane/Negotiate", hosts.SerializeAsString()), "more than 4096 known hosts");
  messages::OwnershipAnnounce claims;
  claims.set_host("a");
  claims.add_ids(0);
  EXPECT_EQ(why_not("/messages.ControlPlane/AnnounceOwnership", claims.SerializeAsString()), "0 is not an actor id");
  claims.set_ids(0, 1);
  claims.add_epochs(1);
  claims.add_epochs(2);
  EXPECT_EQ(why_not("/messages.ControlPlane/AnnounceOwnership", claims.SerializeAsString()),
            "as many epochs as ids, or none");
  claims.clear_epochs();
  claims.set_host("not a host");
  EXPECT_NE(why_not("/messages.ControlPlane/AnnounceOwnership", claims.SerializeAsString()), "");
  messages::ExpiryAnnounce many;
  many.set_host("a");
  many.mutable_ids()->Resize(1'000'001, 1);
  EXPECT_EQ(why_not("/messages.ControlPlane/AnnounceExpiry", many.SerializeAsString()),
            "more than 1000000 ids in one announcement");
}

TEST(Codec, AnInventoryTravelsInParts) {
  core::InventoryAnswer answer;
  answer.status = core::ReplyStatus::kOk;
  answer.number = 3;
  for (const std::size_t size : {0U, 1U, 50'000U, 120'001U}) {
    answer.claims.clear();
    for (std::size_t i = 0; i < size; ++i) answer.claims.push_back({core::ActorId(i + 1), core::Epoch(i + 2)});
    const std::vector<std::string> parts = encode_inventory(answer);
    ASSERT_GE(parts.size(), 1U) << "an empty one says so";
    std::vector<core::Claim> whole;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto part = decode_inventory_part(parts[i]);
      ASSERT_TRUE(part);
      EXPECT_EQ(part->last, i + 1 == parts.size());
      EXPECT_EQ(part->answer.number, core::InventoryNumber(3));
      EXPECT_LT(parts[i].size(), std::size_t{4} << 20);
      whole.insert(whole.end(), part->answer.claims.begin(), part->answer.claims.end());
    }
    EXPECT_EQ(whole, answer.claims);
  }
}

// All that a reader gives in slices of two, or nothing where it is malformed.
std::optional<std::vector<core::ActorId>> ids_in(const std::string& body) {
  IdsReader reader(body);
  std::vector<core::ActorId> all;
  for (;;) {
    const auto slice = reader.next(2);
    if (!slice) return std::nullopt;
    EXPECT_LE(slice->ids.size(), 2U);
    all.insert(all.end(), slice->ids.begin(), slice->ids.end());
    if (!slice->more) return all;
  }
}

TEST(Codec, IdsAreReadAndWrittenInSlices) {
  IdsWriter writer;
  writer.add({{1, 300, core::ActorId(UINT64_MAX)}, true, 0, 5});
  writer.add({{4, 5}});
  const std::string body = writer.take();
  const std::vector<core::ActorId> all{1, 300, core::ActorId(UINT64_MAX), 4, 5};
  EXPECT_EQ(ids_in(body), all);
  messages::ActorIdsReply reply;
  ASSERT_TRUE(reply.ParseFromString(body)) << "it is the given message";
  EXPECT_EQ(reply.ids_size(), 5);
  EXPECT_EQ(ids_in(reply.SerializeAsString()), all);
  EXPECT_EQ(ids_in(std::string("\x08\x07\x0a\x01\x08\x12\x02xx\x0a\x00\x08\x09", 13)),
            (std::vector<core::ActorId>{7, 8, 9}))
      << "packed or not, and fields that are not known";
  EXPECT_EQ(ids_in(""), std::vector<core::ActorId>());
}

TEST(Codec, MalformedIdsAreFound) {
  const std::string bad[] = {
      std::string("\x0a\x05\x01", 3),      // shorter than it says
      std::string("\x0a\x01\x80\x01", 4),  // an id that goes on behind its field
      std::string("\x08", 1),              // none
      std::string("\x00", 1),              // no field
      std::string("\x0a\x02\x01\x80", 4),  // the last one is cut off
      std::string("\x0f", 1),              // no wire type
  };
  for (const std::string& body : bad) EXPECT_EQ(ids_in(body), std::nullopt) << ::testing::PrintToString(body);
}

}  // namespace
}  // namespace ringside::peer
