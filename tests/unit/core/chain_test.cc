#include "sidecar/core/chain.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

TEST(Chain, ALinkNamesOneTurnOfOneActor) {
  const std::string link = chain_link(41, 7, TurnId(3));
  EXPECT_TRUE(link.starts_with("41:")) << link;
  EXPECT_EQ(link, chain_link(41, 7, TurnId(3)));
  EXPECT_NE(link, chain_link(41, 7, TurnId(4))) << "the next turn";
  EXPECT_NE(link, chain_link(41, 8, TurnId(3))) << "the next activation";
  EXPECT_TRUE(is_chain(link));
}

TEST(Chain, GrowsByALinkAndKnowsWhatIsInIt) {
  const std::string outer = chain_link(41, 1, TurnId(1));
  const std::string inner = chain_link(97, 1, TurnId(2));
  const std::string chain = longer_chain(longer_chain("", outer), inner);
  EXPECT_TRUE(is_in_chain(chain, outer));
  EXPECT_TRUE(is_in_chain(chain, inner));
  EXPECT_FALSE(is_in_chain(chain, chain_link(41, 1, TurnId(9))));
  EXPECT_FALSE(is_in_chain(chain, outer.substr(1))) << "a part of a link is none";
  EXPECT_EQ(chain_depth(chain), 2U);
  const auto called = [](ActorId id) { return id == 97 ? "name:anna" : to_string(id); };
  EXPECT_EQ(chain_path(chain, 41, called), "41 -> name:anna -> 41");
}

TEST(Chain, OnlyWhatATurnCameWithIsOne) {
  for (const char* wrong :
       {"", ",", "41", "41:", "41:xyz", "41:5f3a09c", "41:5f3a09c10", "0:5f3a09c1", "041:5f3a09c1", "41:5f3a09c1,",
        ",41:5f3a09c1", "41:5F3A09C1", "-1:5f3a09c1", "41:5f3a09c1 ", "18446744073709551616:5f3a09c1"}) {
    EXPECT_FALSE(is_chain(wrong)) << wrong;
  }
  std::string deep;
  for (std::size_t i = 1; i <= kDeepestChain; ++i) deep = longer_chain(deep, chain_link(ActorId(i), 1, TurnId(i)));
  EXPECT_TRUE(is_chain(deep));
  EXPECT_FALSE(is_chain(longer_chain(deep, chain_link(99, 1, TurnId(99)))));
}

}  // namespace
}  // namespace ringside::core
