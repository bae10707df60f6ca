// Methods outside the table: gRPC's own client through our HTTP/2 server and the bridge to gRPC's own server.

#include <future>
#include <memory>
#include <string>
#include <thread>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "sidecar/net/grpc/grpc_library_server.h"
#include "tests/unit/net/net_fixture.h"

namespace ringside::net {
namespace {

constexpr char kCheck[] = "/grpc.health.v1.Health/Check";
constexpr char kWatch[] = "/grpc.health.v1.Health/Watch";
constexpr char kReflection[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
const std::string kServing("\x08\x01", 2);
const std::string kNotServing("\x08\x02", 2);

grpc::ByteBuffer buffer_of(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

std::string text_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (buffer.Valid() && buffer.Dump(&slices).ok()) {
    for (const grpc::Slice& slice : slices) text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

class Bridge : public testing::ListenerTest {
 protected:
  void SetUp() override {
    server_ = std::make_shared<GrpcLibraryServer>(std::vector<grpc::Service*>{});
    auto methods = testing::one_method(
        "/s/Echo", [](const std::shared_ptr<ServerCall>& call) { call->reply(call->take_message()); });
    listener_ = testing::serve(loop, testing::on_loopback({.methods = std::move(methods), .bridge = server_}));
    library_ = grpc::CreateChannel(listener_->local_address().to_string(), grpc::InsecureChannelCredentials());
  }

  // gRPC's client library, on a thread of its own while this one turns the loop.
  template <typename Work>
  auto elsewhere(Work work) {
    auto future = std::async(std::launch::async, std::move(work));
    EXPECT_TRUE(run_until([&future] { return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }));
    return future.get();
  }

  std::pair<grpc::Status, std::string> library_unary(const std::string& path, const std::string& message) {
    return elsewhere([this, path, message] {
      grpc::GenericStub stub(library_);
      grpc::ClientContext context;
      grpc::CompletionQueue queue;
      grpc::ByteBuffer reply;
      grpc::Status status;
      const auto reader = stub.PrepareUnaryCall(&context, path, buffer_of(message), &queue);
      reader->StartCall();
      reader->Finish(&reply, &status, this);
      void* tag = nullptr;
      bool ok = false;
      queue.Next(&tag, &ok);
      return std::pair(status, text_of(reply));
    });
  }

  std::shared_ptr<GrpcLibraryServer> server_;
  std::shared_ptr<grpc::Channel> library_;
};

TEST_F(Bridge, HealthBothWays) {
  EXPECT_EQ(call(kCheck, "").body, kServing);
  const auto [status, reply] = library_unary(kCheck, "");
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reply, kServing);
  server_->set_serving("", false);
  EXPECT_EQ(call(kCheck, "").body, kNotServing);
}

TEST_F(Bridge, NativeMethodsByTheLibrarysClient) {
  const std::string large(std::size_t{3} << 20, 'y');
  const auto [status, reply] = library_unary("/s/Echo", large);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reply, large);
}

TEST_F(Bridge, UnknownMethodIsAnsweredByTheLibrary) {
  EXPECT_EQ(call("/s/Nothing", "x").status, GrpcStatus::kUnimplemented);
  EXPECT_EQ(library_unary("/s/Nothing", "x").first.error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(Bridge, MetadataNearTheLimitPasses) {
  EXPECT_EQ(call(kCheck, "", {{"big", std::string(15'000, 'h')}, {"x-bin", "AAEC"}}).body, kServing);
  EXPECT_EQ(call(kCheck, "", {{"big", std::string(17'000, 'h')}}).status, GrpcStatus::kResourceExhausted);
}

TEST_F(Bridge, ReflectionIsBidirectional) {
  std::vector<std::string> replies;
  std::optional<CallResult> result;
  StreamHandlers handlers;
  handlers.on_message = [&replies](std::string message) { replies.push_back(std::move(message)); };
  handlers.on_finish = [&result](CallResult r) { result = std::move(r); };
  const auto stream = channel().stream(kReflection, {}, {}, std::move(handlers));
  for (std::size_t i = 1; i <= 3; ++i) {
    stream->send("\x3a\x01*");  // list_services
    ASSERT_TRUE(run_until([&] { return replies.size() == i; }));
  }
  stream->half_close();
  EXPECT_EQ(await(result).status, GrpcStatus::kOk) << result->message;
  EXPECT_NE(replies[0].find("grpc.reflection.v1alpha.ServerReflection"), std::string::npos);
}

TEST_F(Bridge, WatchEndsWithItsClient) {
  std::vector<std::string> replies;
  StreamHandlers handlers;
  handlers.on_message = [&replies](std::string message) { replies.push_back(std::move(message)); };
  handlers.on_finish = [](const CallResult&) { FAIL() << "cancelled calls do not finish"; };
  const auto stream = channel().stream(kWatch, {}, {}, std::move(handlers));
  stream->send("");
  stream->half_close();
  ASSERT_TRUE(run_until([&] { return replies.size() == 1; }));
  server_->set_serving("", false);
  ASSERT_TRUE(run_until([&] { return replies.size() == 2; }));
  EXPECT_EQ(replies[1], kNotServing);
  stream->cancel();
  channel().close();
  ASSERT_TRUE(run_until([this] { return listener_->connections() == 0; }));
}

TEST_F(Bridge, LibraryGoneMeansUnavailable) {
  EXPECT_EQ(call(kCheck, "").body, kServing);
  server_->shutdown();
  // The old socketpair hears of the end in its own time; afterwards there is nobody to connect to.
  ASSERT_TRUE(run_until([this] { return call(kCheck, "").message.find("cannot be served now") != std::string::npos; }));
  EXPECT_EQ(call("/s/Echo", "native goes on").status, GrpcStatus::kOk);
}

TEST_F(Bridge, DrainWhileTheLibraryStreams) {
  std::size_t replies = 0;
  std::optional<CallResult> result;
  StreamHandlers handlers;
  handlers.on_message = [&replies](const std::string&) { ++replies; };
  handlers.on_finish = [&result](CallResult r) { result = std::move(r); };
  const auto stream = channel().stream(kWatch, {}, {}, std::move(handlers));
  stream->send("");
  ASSERT_TRUE(run_until([&replies] { return replies == 1; }));
  std::optional<std::size_t> cut;
  listener_->drain(std::chrono::milliseconds(400), [&cut](std::size_t n) { cut = n; });
  ASSERT_TRUE(run_until([&] { return cut && result; }));
  EXPECT_EQ(*cut, 1U);
  EXPECT_TRUE(result->reset);
}

}  // namespace
}  // namespace ringside::net
