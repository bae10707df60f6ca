#include "sidecar/services/reflection.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/text_format.h>
#include <grpc/reflection/v1/reflection.pb.h>
#include <messages/control_plane.pb.h>

#include "tests/unit/net/net_fixture.h"

namespace ringside::services {
namespace {

namespace v1 = grpc::reflection::v1;
namespace pb = google::protobuf;

constexpr char kV1[] = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
constexpr char kV1Alpha[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

// Files that extend a message, which none of ours does.
constexpr char kBase[] = R"(name: "base.proto" package: "shop"
  message_type { name: "Cart" extension_range { start: 100 end: 200 } })";
constexpr char kMore[] = R"(name: "more.proto" package: "shop" dependency: "base.proto"
  extension { name: "gift" number: 100 type: TYPE_BOOL label: LABEL_OPTIONAL extendee: ".shop.Cart" }
  extension { name: "note" number: 117 type: TYPE_STRING label: LABEL_OPTIONAL extendee: ".shop.Cart" })";

class ReflectionService : public net::testing::ListenerTest {
 protected:
  struct Exchange {
    std::vector<v1::ServerReflectionResponse> responses;
    std::optional<net::CallResult> result;
  };

  void SetUp() override {
    messages::ApplyRequest::descriptor();  // linked, as in the program
    serve(reflection_);
  }
  void serve(Reflection& reflection) {
    auto methods = net::testing::one_method("/messages.ControlPlane/Apply", [](const auto&) {});
    reflection.add_methods(*methods);
    channel_.reset();
    listener_ = net::testing::serve(loop, net::testing::on_loopback({.methods = std::move(methods)}));
  }

  std::shared_ptr<net::ClientStream> open(const std::shared_ptr<Exchange>& exchange, const char* path = kV1) {
    net::StreamHandlers handlers;
    handlers.on_message = [exchange](const std::string& message) {
      EXPECT_TRUE(exchange->responses.emplace_back().ParseFromString(message));
    };
    handlers.on_finish = [exchange](net::CallResult result) { exchange->result = std::move(result); };
    return channel().stream(path, {}, {}, std::move(handlers));
  }

  v1::ServerReflectionResponse ask(const std::string& request, const char* path = kV1) {
    v1::ServerReflectionRequest asked;
    EXPECT_TRUE(pb::TextFormat::ParseFromString(request, &asked));
    const auto exchange = std::make_shared<Exchange>();
    const auto stream = open(exchange, path);
    stream->send(asked.SerializeAsString());
    stream->half_close();
    EXPECT_EQ(await(exchange->result).status, net::GrpcStatus::kOk) << exchange->result->message;
    EXPECT_EQ(exchange->responses.size(), 1U);
    if (exchange->responses.empty()) return {};
    EXPECT_EQ(exchange->responses[0].original_request().SerializeAsString(), asked.SerializeAsString());
    return exchange->responses[0];
  }

  // The names of the files, and that a client can build them in a pool of its own.
  static std::vector<std::string> files(const v1::ServerReflectionResponse& response) {
    std::vector<pb::FileDescriptorProto> protos;
    std::vector<std::string> names;
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      EXPECT_TRUE(protos.emplace_back().ParseFromString(bytes));
      names.push_back(protos.back().name());
    }
    pb::DescriptorPool pool;
    for (auto one = protos.rbegin(); one != protos.rend(); ++one) {
      EXPECT_NE(pool.BuildFile(*one), nullptr) << one->name() << " comes before what it imports";
    }
    return names;
  }

  Reflection reflection_;
};

TEST_F(ReflectionService, ListsTheServicesOfItsTable) {
  for (const char* path : {kV1, kV1Alpha}) {
    std::vector<std::string> names;
    const auto response = ask("list_services: '*' host: 'somewhere'", path);
    EXPECT_EQ(response.valid_host(), "somewhere");
    for (const auto& service : response.list_services_response().service()) names.push_back(service.name());
    EXPECT_EQ(names, (std::vector<std::string>{"grpc.reflection.v1.ServerReflection",
                                               "grpc.reflection.v1alpha.ServerReflection", "messages.ControlPlane"}));
  }
}

TEST_F(ReflectionService, FilesComeWithAllThatTheyImport) {
  const std::vector<std::string> expected = files(ask("file_by_filename: 'messages/control_plane.proto'"));
  ASSERT_GE(expected.size(), 2U);
  EXPECT_EQ(expected[0], "messages/control_plane.proto");
  EXPECT_NE(std::find(expected.begin(), expected.end(), "google/protobuf/any.proto"), expected.end());
  for (const char* symbol : {"messages.ControlPlane", "messages.ControlPlane.Apply", "messages.ApplyRequest"}) {
    EXPECT_EQ(files(ask("file_containing_symbol: '" + std::string(symbol) + "'")), expected) << symbol;
  }
}

TEST_F(ReflectionService, DescribesItself) {
  for (const std::string version : {"v1", "v1alpha"}) {
    EXPECT_EQ(files(ask("file_containing_symbol: 'grpc.reflection." + version + ".ServerReflection'")),
              std::vector<std::string>{"grpc/reflection/" + version + "/reflection.proto"});
  }
}

TEST_F(ReflectionService, KnowsExtensions) {
  pb::DescriptorPool pool;
  for (const char* text : {kBase, kMore}) {
    pb::FileDescriptorProto file;
    ASSERT_TRUE(pb::TextFormat::ParseFromString(text, &file));
    ASSERT_NE(pool.BuildFile(file), nullptr);
  }
  Reflection reflection(pool);
  serve(reflection);
  EXPECT_EQ(files(ask("file_containing_extension { containing_type: 'shop.Cart' extension_number: 117 }")),
            (std::vector<std::string>{"more.proto", "base.proto"}));
  auto numbers = ask("all_extension_numbers_of_type: 'shop.Cart'").all_extension_numbers_response();
  EXPECT_EQ(numbers.base_type_name(), "shop.Cart");
  std::sort(numbers.mutable_extension_number()->begin(), numbers.mutable_extension_number()->end());
  EXPECT_EQ(std::vector<int>(numbers.extension_number().begin(), numbers.extension_number().end()),
            (std::vector<int>{100, 117}));
  listener_.reset();  // before its handlers go
}

TEST_F(ReflectionService, WhatIsUnknownIsAnErrorOfItsOwn) {
  for (const char* request :
       {"file_by_filename: 'no.proto'", "file_containing_symbol: 'no.Such'",
        "file_containing_extension { containing_type: 'no.Such' extension_number: 1 }",
        "file_containing_extension { containing_type: 'messages.ApplyRequest' extension_number: 1 }",
        "all_extension_numbers_of_type: 'no.Such'"}) {
    EXPECT_EQ(ask(request).error_response().error_code(), static_cast<int>(net::GrpcStatus::kNotFound)) << request;
  }
  EXPECT_EQ(ask("").error_response().error_code(), static_cast<int>(net::GrpcStatus::kInvalidArgument));
}

TEST_F(ReflectionService, AMalformedRequestEndsTheStream) {
  const auto exchange = std::make_shared<Exchange>();
  open(exchange)->send("\x0a\x05");
  EXPECT_EQ(await(exchange->result).status, net::GrpcStatus::kInvalidArgument);
}

// No thread and little memory for each: they are so many only as the bound says.
TEST_F(ReflectionService, StreamsLeftOpenAreBounded) {
  std::vector<std::shared_ptr<Exchange>> exchanges;
  for (int i = 0; i < 50; ++i) open(exchanges.emplace_back(std::make_shared<Exchange>()), i % 2 == 0 ? kV1 : kV1Alpha);
  const auto refused = [&exchanges] {
    return std::count_if(exchanges.begin(), exchanges.end(), [](const auto& one) { return one->result.has_value(); });
  };
  ASSERT_TRUE(run_until([&] { return refused() == 42; }));
  for (const auto& one : exchanges) {
    EXPECT_TRUE(!one->result || one->result->status == net::GrpcStatus::kResourceExhausted);
  }
  reflection_.stop();
  ASSERT_TRUE(run_until([&] { return refused() == 50; }));
}

}  // namespace
}  // namespace ringside::services
