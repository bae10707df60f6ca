#include "sidecar/peer/member_addresses.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/local/fake_gateway.h"

namespace ringside::peer {
namespace {

core::MemberStatus member(const std::string& host) {
  core::MemberStatus status;
  status.host = host;
  return status;
}

TEST(MemberAddresses, AreLookedAtRarelyWhereManyCome) {
  local::testing::FakeGateway gateway;
  gateway.member_list = {member("10.0.0.7")};
  MemberAddresses addresses(
      gateway, [](const std::string&) { return ""; }, std::chrono::hours(1));
  EXPECT_TRUE(addresses.contains("10.0.0.7"));
  gateway.member_list = {member("10.0.0.8")};
  addresses.look_again();
  EXPECT_TRUE(addresses.contains("10.0.0.7"));
  EXPECT_FALSE(addresses.contains("10.0.0.8"));
}

TEST(MemberAddresses, AreNamesAndWhereAMemberWasReached) {
  local::testing::FakeGateway gateway;
  std::map<std::string, std::string> reached;
  MemberAddresses addresses(
      gateway, [&reached](const std::string& host) { return reached[host]; }, std::chrono::milliseconds(0));
  EXPECT_FALSE(addresses.contains("10.0.0.7"));

  core::MemberStatus self = member("10.0.0.1");
  self.self = true;
  core::MemberStatus candidate = member("10.0.0.9");
  candidate.member = false;
  gateway.member_list = {self, member("10.0.0.7:1400"), member("fd00::7"), member("carts-0"), candidate};
  gateway.change_view();
  EXPECT_TRUE(addresses.contains("10.0.0.7"));
  EXPECT_TRUE(addresses.contains("::ffff:10.0.0.7"));
  EXPECT_TRUE(addresses.contains("fd00:0::7"));
  for (const char* stranger : {"10.0.0.1", "10.0.0.8", "10.0.0.9", "unix", ""}) {
    EXPECT_FALSE(addresses.contains(stranger)) << stranger;
  }

  reached["carts-0"] = "10.0.0.8";
  EXPECT_FALSE(addresses.contains("10.0.0.8")) << "not looked at anew for each question";
  addresses.look_again();
  EXPECT_TRUE(addresses.contains("10.0.0.8"));

  gateway.member_list = {self};
  gateway.change_view();
  EXPECT_FALSE(addresses.contains("10.0.0.7"));
}

}  // namespace
}  // namespace ringside::peer
