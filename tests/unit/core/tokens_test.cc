#include "sidecar/core/tokens.h"

#include <type_traits>

#include <gtest/gtest.h>

#include "sidecar/core/hash.h"
#include "sidecar/core/types.h"

namespace ringside::core {
namespace {

template <typename A, typename B>
concept Comparable = requires(A a, B b) {
  a == b;
};
template <typename To, typename... From>
constexpr bool kMadeOfNoOther =
    ((std::is_same_v<To, From> || (!std::is_constructible_v<To, From> && !Comparable<To, From>)) && ...);
template <typename... Ids>
constexpr bool kKeptApart = (kMadeOfNoOther<Ids, Ids...> && ...);

TEST(Tokens, NoKindIsTakenForAnother) {
  EXPECT_TRUE((kKeptApart<ActorId, Epoch, Generation, Hash, Fingerprint, CallId, ReplyId, WatcherId, TurnId, ForwardId,
                          QuestionId, DeactivationId, InventoryNumber, GainNumber>));
}

}  // namespace
}  // namespace ringside::core
