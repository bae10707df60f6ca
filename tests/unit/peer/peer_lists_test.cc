// Long lists between hosts: told, heard and taken in slices.
#include <algorithm>
#include <set>
#include <vector>

#include "tests/unit/peer/loopback.h"

namespace ringside::peer {
namespace {

using testing::Loopback;

TEST_F(Loopback, AnInventoryOfManyPartsArrivesWhole) {
  core::InventoryAnswer all;
  all.status = core::ReplyStatus::kOk;
  all.number = 12;
  for (std::uint64_t i = 1; i <= 300'000; ++i) all.claims.push_back({core::ActorId(i << 40 | i), core::Epoch(i << 12)});
  sink.on_asked = [&](const core::PeerRequest& request) {
    EXPECT_EQ(std::get<core::InventoryRequest>(request).number, core::InventoryNumber(12));
    return core::PeerAnswer(all);
  };
  const auto answer = std::get<core::InventoryAnswer>(ask(core::InventoryRequest{9, 12, {}}, host));
  EXPECT_EQ(answer.number, core::InventoryNumber(12));
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

}  // namespace
}  // namespace ringside::peer
