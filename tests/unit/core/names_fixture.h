// Clusters whose hosts are listed by addresses and known by names, which may lead elsewhere or nowhere.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/core/node_fixture.h"

namespace ringside::core {

class Names : public ::testing::Test {
 protected:
  // A host that announces `name`, and is listed by its address.
  void start(const std::string& name, const std::string& address) {
    cluster.addresses[address] = name;
    cluster.start(name);
  }
  // Every source of everybody names these addresses.
  void list(const std::vector<std::string>& addresses) {
    cluster.listed = addresses;
    cluster.converge();
  }
  bool ready(const std::string& name) { return cluster.node(name).status().phase == Phase::kReady; }
  std::string why(const std::string& name) { return cluster.node(name).status().not_ready_because; }
  void expect_held_up(const std::string& name, const std::string& because) {
    EXPECT_FALSE(ready(name)) << name;
    EXPECT_NE(why(name).find(because), std::string::npos) << why(name);
  }

  Cluster cluster;
};

}  // namespace ringside::core
