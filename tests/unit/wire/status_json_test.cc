#include "sidecar/wire/status_json.h"

#include <gtest/gtest.h>

namespace ringside::wire {
namespace {

TEST(AboutOther, IsASentence) {
  EXPECT_EQ(about_other("10.0.0.8:1337", "no answer yet"), "10.0.0.8:1337 is not a member: no answer yet");
  EXPECT_EQ(about_other("10.0.0.8:1337", "10.0.0.8:1337 answers as b"), "10.0.0.8:1337 answers as b");
  EXPECT_EQ(about_other("dns:shop", "has no addresses"), "dns:shop has no addresses");
  EXPECT_EQ(about_other("dns:shop", "Timeout while contacting DNS servers"),
            "dns:shop: Timeout while contacting DNS servers")
      << "a source is not a member in any case";
}

}  // namespace
}  // namespace ringside::wire
