// gRPC's own client library, which knows nothing of ours, against our server.

#include <future>
#include <memory>
#include <string>
#include <thread>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "tests/unit/net/net_fixture.h"

namespace ringside::net {
namespace {

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

class LibraryClient : public testing::ListenerTest {
 protected:
  void SetUp() override {
    auto methods = testing::one_method(
        "/s/Echo", [](const std::shared_ptr<ServerCall>& call) { call->reply(call->take_message()); });
    Method each;
    each.handler = [](const std::shared_ptr<ServerCall>& call) { call->send(call->take_message()); };
    each.streams_requests = true;
    methods->add("/s/EchoEach", std::move(each));
    listener_ = testing::serve(loop, testing::on_loopback({.methods = std::move(methods)}));
    library_ = grpc::CreateChannel(listener_->local_address().to_string(), grpc::InsecureChannelCredentials());
  }

  // On a thread of its own while this one turns the loop.
  template <typename Work>
  auto elsewhere(Work work) {
    auto future = std::async(std::launch::async, std::move(work));
    EXPECT_TRUE(run_until([&future] { return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }));
    return future.get();
  }

  std::pair<grpc::Status, std::string> unary(const std::string& path, const std::string& message) {
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

  std::shared_ptr<grpc::Channel> library_;
};

TEST_F(LibraryClient, CallsAMethod) {
  const std::string large(std::size_t{3} << 20, 'y');
  const auto [status, reply] = unary("/s/Echo", large);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reply, large);
}

TEST_F(LibraryClient, HearsThatAMethodIsUnknown) {
  EXPECT_EQ(unary("/s/Nothing", "x").first.error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(LibraryClient, StreamsRequests) {
  const auto [status, replies] = elsewhere([this] {
    grpc::GenericStub stub(library_);
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    const auto wait = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    const auto stream = stub.PrepareCall(&context, "/s/EchoEach", &queue);
    stream->StartCall(this);
    wait();
    std::vector<std::string> got;
    for (const std::string message : {"one", "", "three"}) {
      stream->Write(buffer_of(message), this);
      wait();
      grpc::ByteBuffer reply;
      stream->Read(&reply, this);
      if (wait()) got.push_back(text_of(reply));
    }
    stream->WritesDone(this);
    wait();
    grpc::Status end;
    stream->Finish(&end, this);
    wait();
    return std::pair(end, got);
  });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(replies, (std::vector<std::string>{"one", "", "three"}));
}

}  // namespace
}  // namespace ringside::net
