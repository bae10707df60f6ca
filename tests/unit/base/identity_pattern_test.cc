#include "sidecar/base/identity_pattern.h"

#include <gtest/gtest.h>

namespace ringside::base {
namespace {

struct Pattern {
  const char* text;
  const char* uri;
  std::vector<std::string> dns;
  bool matches;
};

TEST(IdentityPattern, TakesWhatItStandsForAndNothingBesides) {
  const Pattern kPatterns[] = {
      {"spiffe://a.org/x", "spiffe://a.org/x", {}, true},
      {"spiffe://a.org/x", "spiffe://a.org/x2", {}, false},
      {"spiffe://a.org/x", "spiffe://a.org/x/y", {}, false},
      {"spiffe://a.org/x", "spiffe://A.org/x", {}, false},
      {"spiffe://a.org/x", "", {"a.org"}, false},
      {"spiffe://a.org", "spiffe://a.org", {}, true},
      {"spiffe://a.org/*", "spiffe://a.org/x", {}, true},
      {"spiffe://a.org/*", "spiffe://a.org/x/y", {}, true},
      {"spiffe://a.org/*", "spiffe://a.org", {}, false},
      {"spiffe://a.org/*", "spiffe://a.org.evil.org/x", {}, false},
      {"spiffe://a.org/ns/*", "spiffe://a.org/ns2/x", {}, false},
      {"spiffe://a.org/ns/*", "spiffe://a.org/ns/", {}, false},
      {"dns:a.org", "", {"b.org", "a.org"}, true},
      {"dns:A.org", "", {"a.org"}, true},
      {"dns:a.org", "", {"x.a.org"}, false},
      {"dns:a.org", "", {"*.org"}, false},
      {"dns:a.org", "spiffe://a.org", {}, false},
      {"dns:a.org", "spiffe://b.org/x", {"a.org"}, false},  // its URI name says who it is
  };
  for (const Pattern& one : kPatterns) {
    const auto pattern = IdentityPattern::parse(one.text);
    ASSERT_TRUE(pattern) << one.text;
    EXPECT_EQ(pattern->matches(one.uri, one.dns), one.matches) << one.text << " and " << one.uri;
    EXPECT_EQ(pattern->text(), one.text);
  }
}

TEST(IdentityPattern, RefusesWhatIsNoneAndSaysWhy) {
  const std::pair<std::string, const char*> kWrong[] = {
      {"", "begins neither with spiffe:// nor with dns:"},
      {"cart", "begins neither"},
      {"https://a.org", "begins neither"},
      {"spiffe://", "has no trust domain"},
      {"spiffe:///x", "has no trust domain"},
      {"spiffe://A.org/x", "lower-case"},
      {"spiffe://a.org:8443/x", "lower-case"},
      {"spiffe://a.org/", "slash at its end"},
      {"spiffe://a.org//x", "empty part"},
      {"spiffe://a.org/../x", ". or .."},
      {"spiffe://a.org/x y", "not letters"},
      {"spiffe://a.org/x*", "not letters"},
      {"spiffe://a.org/*/x", "not letters"},
      {"spiffe://a.org/x?y", "not letters"},
      {"spiffe://" + std::string(256, 'a') + "/x", "more than 255 bytes"},
      {"spiffe://a.org/" + std::string(2048, 'x'), "longer than 2048 bytes"},
      {"dns:", "does not have a DNS name"},
      {"dns:*.a.org", "no wildcards"},
      {"dns:a b", "does not have a DNS name"},
      {"dns:a..b", "does not have a DNS name"},
      {"dns:a.", "does not have a DNS name"},
      {"dns:127.0.0.1", "no addresses"},
  };
  for (const auto& [text, why] : kWrong) {
    const auto pattern = IdentityPattern::parse(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_NE(pattern.error().find(why), std::string::npos) << text << ": " << pattern.error();
  }
}

}  // namespace
}  // namespace ringside::base
