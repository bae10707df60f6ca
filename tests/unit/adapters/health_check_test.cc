#include "adapters/grpc/health_check.h"

#include "tests/unit/adapters/grpc_app_fixture.h"

namespace ringside::adapters::testing {
namespace {

class GrpcHealth : public AdapterTest {
 protected:
  GrpcHealth() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&named);
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    server = builder.BuildAndStart();
  }
  ~GrpcHealth() override { server->Shutdown(std::chrono::system_clock::now()); }
  HealthResult ask(HealthCheck& check) {
    std::optional<HealthResult> said;
    check.ask(net::Clock::now() + std::chrono::seconds(30), [&said](HealthResult result) { said = std::move(result); });
    EXPECT_TRUE(run_until([&said] { return said.has_value(); }));
    return said.value_or(HealthResult());
  }
  net::ChannelOptions channel() const {
    net::ChannelOptions options;
    options.endpoint = {"127.0.0.1", static_cast<std::uint16_t>(port), ""};
    return options;
  }

  NamedHealth named;
  int port = 0;
  std::unique_ptr<grpc::Server> server;
};

TEST_F(GrpcHealth, TheNameThatAnAppKnowsIsAskedForFirstFromThenOn) {
  named.known = "messages.ControlPlane";
  HealthCheck check(loop, channel(), "");
  EXPECT_TRUE(ask(check).healthy);
  EXPECT_EQ(named.asked, 3);
  EXPECT_TRUE(ask(check).healthy);
  EXPECT_EQ(named.asked, 4);
}

TEST_F(GrpcHealth, AnAppThatKnowsNoNameIsAskedForEachOnce) {
  named.known = "cart";
  HealthCheck check(loop, channel(), "");
  const HealthResult said = ask(check);
  EXPECT_FALSE(said.healthy);
  EXPECT_NE(said.why.find("knows none of the services that it was asked for"), std::string::npos) << said.why;
  EXPECT_EQ(named.asked, 3);
}

TEST_F(GrpcHealth, AChosenNameIsTheOnlyOne) {
  named.known = "messages.ControlPlane";
  HealthCheck check(loop, channel(), "cart");
  EXPECT_FALSE(ask(check).healthy);
  EXPECT_EQ(named.asked, 1);
}

TEST_F(GrpcHealth, NotServingNamesTheService) {
  named.known = "cart";
  named.serving = false;
  HealthCheck check(loop, channel(), "cart");
  EXPECT_EQ(ask(check).why, "its health check of the service cart says NOT_SERVING");
}

TEST_F(GrpcHealth, NobodyListens) {
  server->Shutdown();
  HealthCheck check(loop, channel(), "");
  const HealthResult said = ask(check);
  EXPECT_FALSE(said.healthy);
  EXPECT_TRUE(said.no_listener) << said.why;
}

}  // namespace
}  // namespace ringside::adapters::testing
