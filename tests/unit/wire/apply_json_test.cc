#include "sidecar/wire/apply_json.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <messages/control_plane.pb.h>

#include "sidecar/wire/fields.h"
#include "sidecar/wire/json_types.h"

namespace ringside::wire {
namespace {

using core::Reason;

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

Reason refusal(const ApplyJson& json, std::string_view text) {
  const auto request = json.read_request(text);
  return request ? Reason::kNone : request.error().reason;
}

TEST(JsonGate, StrictWhereProtobufIsNot) {
  EXPECT_TRUE(check_json_object(R"({"a":{"b":[1,2,{"a":null}]},"c":"\u00e9"})"));
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string("1"), std::string("null"), std::string("{"), std::string("{} x"),
        std::string("{'a':1}"), std::string("{\"a\":1,}"), std::string("{\"a\":1,\"a\":2}"),
        std::string("{\"a\":{\"b\":1,\"\\u0062\":2}}"), std::string("{\"a\":\"\xff\"}"),
        std::string("{\"a\":\"\\ud800\"}"), std::string("{\"a\":01}"), std::string("{\"a\":NaN}"),
        std::string("{}\0", 3), std::string("{}\0}", 4), std::string("{\0}", 3), "{\"a\":" + repeat("[", 100'000)}) {
    EXPECT_FALSE(check_json_object(bad)) << bad.substr(0, 40);
  }
  EXPECT_TRUE(check_json_object("{\"a\":" + repeat("[", 99) + repeat("]", 99) + "}"));
  EXPECT_FALSE(check_json_object("{\"a\":" + repeat("[", 100) + repeat("]", 100) + "}"));
}

// protobuf alone takes 0 for no id, and makes a number of much that is none.
TEST(ApplyJson, AnIdInTheBodyIsAsStrictAsOneInTheAddress) {
  const ApplyJson json;
  const auto with = [](const std::string& id) {
    return R"({"id":)" + id + R"(,"messages":[{"@type":"example.org/google.protobuf.StringValue","value":"0"}]})";
  };
  for (const char* id : {"0", "\"0\"", "\"042\"", "\"+42\"", "\" 42\"", "\"42.0\"", "42.0", "-1", "1e3", "\"\"",
                         "18446744073709551616", "\"18446744073709551616\""}) {
    EXPECT_EQ(refusal(json, with(id)), Reason::kBadId) << id;
  }
  for (const char* id : {"42", "\"42\"", "18446744073709551615", "null"}) {
    EXPECT_EQ(refusal(json, with(id)), Reason::kNone) << id;
  }
  EXPECT_EQ(refusal(json, R"({"messages":[{"@type":"example.org/google.protobuf.Struct","value":{"id":0}}]})"),
            Reason::kNone);
}

TEST(ApplyJson, ReadsBatches) {
  const ApplyJson json;
  const auto bytes = json.read_request(R"({"id":"18446744073709551615","messages":[
      {"@type":"type.googleapis.com/google.protobuf.StringValue","value":"hello"},
      {"@type":"example.org/google.protobuf.Struct","value":{"n":1}}]})");
  ASSERT_TRUE(bytes);
  messages::ApplyRequest request;
  ASSERT_TRUE(request.ParseFromString(*bytes));
  EXPECT_EQ(request.id(), ~0ull);
  ASSERT_EQ(request.messages_size(), 2);
  google::protobuf::StringValue text;
  ASSERT_TRUE(request.messages(0).UnpackTo(&text));
  EXPECT_EQ(text.value(), "hello");
  EXPECT_EQ(request.messages(1).type_url(), "example.org/google.protobuf.Struct");

  const auto back = json.write_request(*bytes);
  ASSERT_TRUE(back);
  EXPECT_NE(back->find(R"("id":"18446744073709551615")"), std::string::npos) << *back;
  EXPECT_NE(back->find(R"("value":"hello")"), std::string::npos) << *back;
}

TEST(ApplyJson, RefusesWithAReason) {
  const ApplyJson json;
  EXPECT_EQ(refusal(json, "nonsense"), Reason::kMalformed);
  EXPECT_EQ(refusal(json, R"({"id":"x"})"), Reason::kBadId);
  EXPECT_EQ(refusal(json, R"({"id":-1})"), Reason::kBadId);
  EXPECT_EQ(refusal(json, R"({"unheard":"of"})"), Reason::kMalformed);
  EXPECT_EQ(refusal(json, R"({"id":"1","messages":[{"value":"x"}]})"), Reason::kBadType);
  EXPECT_EQ(refusal(json, R"({"id":"1","messages":[{"@type":"x.y/no.Such","value":"x"}]})"), Reason::kBadType);
}

TEST(ApplyJson, ARefusalIsASentenceAboutTheBody) {
  const ApplyJson json;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"nonsense", "the body is not well-formed JSON at byte"},
      {"[]", "the body is not a JSON object"},
      {R"({"id":"1","id":"2"})", "the body has the key \"id\" twice"},
      {R"({"unheard":"of"})", "the body is not a messages.ApplyRequest in JSON: "},
      {R"({"id":"x"})", "id is not a whole number from 1 to "},
  };
  for (const auto& [body, said] : cases) {
    const auto request = json.read_request(body);
    ASSERT_FALSE(request) << body;
    EXPECT_TRUE(request.error().detail.starts_with(said)) << request.error().detail;
  }
  EXPECT_EQ(json.read_result("{").error().substr(0, 35), "the answer is not well-formed JSON ");
}

// An Any in an Any, and so on, so many of them around a string.
std::string nested(int anys, bool type_last) {
  const auto typed = [type_last](const std::string& name, const std::string& value) {
    const std::string type = "\"@type\":\"type.googleapis.com/google.protobuf." + name + "\"";
    return type_last ? "{\"value\":" + value + "," + type + "}" : "{" + type + ",\"value\":" + value + "}";
  };
  std::string json = typed("StringValue", "\"x\"");
  for (int i = 1; i < anys; ++i) json = typed("Any", json);
  return json;
}

TEST(ApplyJson, AnyInAnyHasABound) {
  const ApplyJson json;
  for (const bool type_last : {false, true}) {
    const std::string most = "[" + nested(8, type_last) + "]";
    const std::string more = "[" + nested(9, type_last) + "]";
    EXPECT_TRUE(json.read_request("{\"messages\":" + most + "}"));
    const auto refused = json.read_request("{\"messages\":" + more + "}");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::kMalformed);
    EXPECT_EQ(refused.error().detail, "the body nests typed messages (Any) deeper than 8 levels");
    EXPECT_TRUE(json.read_result("{\"replies\":" + most + "}"));
    EXPECT_EQ(json.read_result("{\"replies\":" + more + "}").error(),
              "the answer nests typed messages (Any) deeper than 8 levels");
  }
}

TEST(ApplyJson, SoManyValues) {
  const ApplyJson json;
  const auto with = [](std::size_t numbers) {
    std::string list = "[1";
    for (std::size_t i = 1; i < numbers; ++i) list += ",1";
    return R"([{"@type":"x.y/google.protobuf.Struct","value":{"a":)" + list + "]}}]";
  };
  constexpr std::size_t kOthers = 6;  // the outermost object, its list, the message, its type, its value, its list
  const std::string most = with(kMaxJsonValues - kOthers);
  const std::string more = with(kMaxJsonValues - kOthers + 1);
  EXPECT_TRUE(json.read_request("{\"messages\":" + most + "}"));
  const auto refused = json.read_request("{\"messages\":" + more + "}");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail, "the body has more than 500000 values: send it as protobuf, or in parts");
  EXPECT_EQ(json.read_result("{\"replies\":" + more + "}").error(),
            "the answer has more than 500000 values: send it as protobuf, or in parts");
}

TEST(ApplyJson, SoManyValuesInBytesToo) {
  const ApplyJson json;
  // Each path element is a byte.
  std::string location;
  append_bytes(location, 1, std::string(kMaxJsonValues + 1, '\x01'));
  messages::ApplyRequest request;
  request.set_id(1);
  auto* any = request.add_messages();
  any->set_type_url("x.y/google.protobuf.SourceCodeInfo.Location");
  any->set_value(location);
  ApplyJson with_descriptors;
  google::protobuf::FileDescriptorSet set;
  google::protobuf::FileDescriptorProto::descriptor()->file()->CopyTo(set.add_file());
  ASSERT_TRUE(with_descriptors.add_descriptors(set.SerializeAsString()));
  const auto written = with_descriptors.write_request(request.SerializeAsString());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().detail, "more than 500000 values, too many to be written as JSON");
}

TEST(ApplyJson, AnyInAnyHasABoundInBytesToo) {
  const ApplyJson json;
  messages::ApplyRequest request;
  request.set_id(1);
  google::protobuf::StringValue text;
  text.set_value("x");
  google::protobuf::Any any;
  any.PackFrom(text);
  for (int depth = 1; depth <= 9; ++depth) {
    request.clear_messages();
    *request.add_messages() = any;
    const auto written = json.write_request(request.SerializeAsString());
    EXPECT_EQ(written.has_value(), depth <= 8) << depth;
    if (!written) {
      EXPECT_EQ(written.error().detail, "typed messages (Any) in one another, deeper than 8 levels");
    }
    google::protobuf::Any around;
    around.PackFrom(any);
    any = around;
  }
}

// protobuf keeps what stands before a type, level by level: 300 KB of numbers would be 400 MB in eight levels.
TEST(ApplyJson, ATypeThatComesLastCostsWhatOneInFrontCosts) {
  const ApplyJson json;
  std::string numbers = R"({"a":[0)";
  while (numbers.size() < 300'000) numbers += ",1";
  numbers += "]}";
  const auto body = [&](bool type_last) {
    std::string text = nested(7, type_last);
    text.replace(text.find(R"("x")"), 3, numbers);
    const std::string name = "google.protobuf.StringValue";
    return "{\"messages\":[" + text.replace(text.find(name), name.size(), "google.protobuf.Struct") + "]}";
  };
  const auto cost = [&](const std::string& text) {
    // What is needed at the most stays in the heap.
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    const std::size_t before = mallinfo2().arena;
    const auto read = json.read_request(text);
    EXPECT_TRUE(read) << read.error().detail;
    return mallinfo2().arena - before;
  };
  const std::size_t first = cost(body(false));
  EXPECT_LT(cost(body(true)), first + (std::size_t{8} << 20));
}

TEST(ApplyJson, TypesFromDescriptors) {
  google::protobuf::FileDescriptorSet set;
  auto* file = set.add_file();
  file->set_name("shop.proto");
  file->set_package("shop");
  file->set_syntax("proto3");
  auto* type = file->add_message_type();
  type->set_name("Order");
  auto* field = type->add_field();
  field->set_name("item_count");
  field->set_number(1);
  field->set_label(google::protobuf::FieldDescriptorProto::LABEL_OPTIONAL);
  field->set_type(google::protobuf::FieldDescriptorProto::TYPE_INT32);

  ApplyJson json;
  const std::string body = R"({"id":"1","messages":[{"@type":"type.googleapis.com/shop.Order","itemCount":3}]})";
  EXPECT_EQ(refusal(json, body), Reason::kBadType);
  EXPECT_TRUE(json.add_descriptors(set.SerializeAsString()));
  EXPECT_EQ(refusal(json, body), Reason::kNone);
  EXPECT_FALSE(json.add_descriptors("no descriptors"));
}

TEST(ApplyJson, Results) {
  const ApplyJson json;
  messages::ApplyResult result;
  result.set_accepted(true);
  google::protobuf::StringValue text;
  text.set_value("hi");
  result.add_replies()->PackFrom(text);
  auto* strange = result.add_replies();
  strange->set_type_url("x.y/no.Such");
  strange->set_value("ab");
  EXPECT_EQ(json.write_result(result.SerializeAsString(), true),
            R"({"accepted":true,"replies":[{"@type":"type.googleapis.com/google.protobuf.StringValue","value":"hi"},)"
            R"({"@type":"x.y/no.Such","value":"YWI="}]})");
  EXPECT_EQ(json.write_result("", true), R"({"accepted":true,"replies":[]})");
  EXPECT_EQ(json.write_result("\xff garbage", false), R"({"accepted":false,"replies":[]})");

  const auto bytes = json.read_result(R"({"accepted":true,"replies":[{"@type":"a.b/google.protobuf.Empty"}]})");
  ASSERT_TRUE(bytes);
  ASSERT_TRUE(result.ParseFromString(*bytes));
  EXPECT_TRUE(result.accepted());
  EXPECT_EQ(result.replies_size(), 1);
  for (const char* bad : {"tru", "[{}", "", R"({"replies":[{"@type":"x.y/no.Such"}]})"}) {
    EXPECT_FALSE(json.read_result(bad)) << bad;
  }
}

// nlohmann's reader takes it for the end of the text, and what counted brackets behind it ended the process.
TEST(ApplyJson, NothingStandsBehindANul) {
  const ApplyJson json;
  const std::string batch = R"({"messages":[{"@type":"a/google.protobuf.StringValue","value":"x"}]})";
  EXPECT_EQ(refusal(json, batch), Reason::kNone);
  for (const std::string& more : {std::string("\0", 1), std::string("\0}", 2), std::string("\0]}}}", 5)}) {
    EXPECT_EQ(refusal(json, batch + more), Reason::kMalformed);
    for (const char* result : {"{}", "null", "[]"}) EXPECT_FALSE(json.read_result(result + more)) << result;
  }
}

TEST(ApplyJson, AResultSaysNoOnlyInSoManyWords) {
  const ApplyJson json;
  const auto accepted = [&json](std::string_view text) {
    const auto bytes = json.read_result(text);
    EXPECT_TRUE(bytes) << text;
    messages::ApplyResult result;
    EXPECT_TRUE(result.ParseFromString(*bytes));
    return result.accepted();
  };
  for (const char* yes : {"{}", R"({"replies":[]})", R"({"accepted":null})", R"({"accepted":true,"status":"ok"})",
                          "null", "\"ok\"", "[{\"accepted\":false}]", R"({"status":{"accepted":false}})",
                          R"({"replies":[{"@type":"a/google.protobuf.Empty"}]})"}) {
    EXPECT_TRUE(accepted(yes)) << yes;
  }
  EXPECT_FALSE(accepted(R"({"accepted":false})"));
  EXPECT_FALSE(accepted(R"({"accepted":false,"because":"full"})"));
}

// protobuf's reader throws there, out of one of its own assertions.
TEST(ApplyJson, AValueHasNothingBesideIt) {
  silence_protobuf();
  const ApplyJson json;
  const std::string value = R"({"@type":"type.googleapis.com/google.protobuf.StringValue","value":"x","more":1})";
  EXPECT_EQ(refusal(json, R"({"messages":[)" + value + "]}"), Reason::kMalformed);
  EXPECT_EQ(refusal(json, R"({"messages":[{"@type":"a/google.protobuf.Any","value":)" + value + "}]}"),
            Reason::kMalformed);
  EXPECT_FALSE(json.read_result(R"({"replies":[)" + value + "]}"));
}

TEST(ApplyJson, MessagesAreAList) {
  const ApplyJson json;
  EXPECT_EQ(refusal(json, R"({"messages":{"@type":"a/google.protobuf.Empty"}})"), Reason::kMalformed);
}

TEST(ApplyJson, WritesOnlyWhatIsOfItsType) {
  const ApplyJson json;
  const auto written = [&json](const std::string& type, const std::string& value) {
    messages::ApplyRequest batch;
    batch.set_id(1);
    auto* any = batch.add_messages();
    any->set_type_url("type.googleapis.com/" + type);
    any->set_value(value);
    const auto text = json.write_request(batch.SerializeAsString());
    return text ? Reason::kNone : text.error().reason;
  };
  EXPECT_EQ(written("google.protobuf.StringValue", "\x0a\x01x"), Reason::kNone);
  EXPECT_EQ(written("google.protobuf.StringValue", "\x0a\x09xy"), Reason::kMalformed);
  EXPECT_EQ(written("no.Such", ""), Reason::kBadType);
}

// The last one counts, says protobuf, and writes both; whoever reads the JSON may see either.
TEST(ApplyJson, WhatIsThereTwiceIsNotWritten) {
  const ApplyJson json;
  // A google.protobuf.Struct, {"a":1}.
  const std::string one(
      "\x0a\x0e\x0a\x01"
      "a\x12\x09\x11\0\0\0\0\0\0\xf0\x3f",
      16);
  messages::ApplyRequest batch;
  batch.set_id(42);
  batch.add_messages()->set_type_url("type.googleapis.com/google.protobuf.Struct");
  batch.mutable_messages(0)->set_value(one);
  ASSERT_TRUE(json.write_request(batch.SerializeAsString()));
  auto& packed = *batch.mutable_messages(0)->mutable_value();
  packed += std::string(packed);
  const auto refused = json.write_request(batch.SerializeAsString());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::kMalformed);
  EXPECT_EQ(refused.error().detail, "the batch, as JSON, has the key \"a\" twice");
  messages::ApplyResult result;
  *result.add_replies() = batch.messages(0);
  EXPECT_EQ(
      json.write_replies(result.SerializeAsString()),
      R"([{"@type":"type.googleapis.com/google.protobuf.Struct","value":"Cg4KAWESCREAAAAAAADwPwoOCgFhEgkRAAAAAAAA8D8="}])");
}

// Each would otherwise take a stack of its own.
TEST(ApplyJson, RepliesWithinRepliesWithoutEndStayBytes) {
  const ApplyJson json;
  google::protobuf::Any any;
  any.set_type_url("type.googleapis.com/google.protobuf.Empty");
  for (int i = 0; i < 3'000; ++i) {
    const std::string inner = any.SerializeAsString();
    any.set_type_url("type.googleapis.com/google.protobuf.Any");
    any.set_value(inner);
  }
  messages::ApplyResult result;
  *result.add_replies() = any;
  EXPECT_NE(json.write_replies(result.SerializeAsString()).find(R"("@type":"type.googleapis.com/google.protobuf.Any")"),
            std::string::npos);
  messages::ApplyRequest batch;
  *batch.add_messages() = any;
  const auto text = json.write_request(batch.SerializeAsString());
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().reason, Reason::kMalformed);
}

}  // namespace
}  // namespace ringside::wire
