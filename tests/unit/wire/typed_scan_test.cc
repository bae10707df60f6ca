#include "sidecar/wire/typed_scan.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>
#include <messages/control_plane.pb.h>

#include "sidecar/wire/fields.h"
#include "sidecar/wire/json_types.h"

namespace ringside::wire {
namespace {

namespace pb = google::protobuf;
using core::Reason;

Reason refusal(const std::string& any) {
  const auto checked = check_typed(*pb::DescriptorPool::generated_pool(), *pb::Any::descriptor(), any);
  return checked ? Reason::kNone : checked.error().reason;
}

std::string any_of(const std::string& type, const std::string& value) {
  pb::Any any;
  any.set_type_url("type.googleapis.com/" + type);
  any.set_value(value);
  return any.SerializeAsString();
}

// From the inside out: a StringValue in so many Any.
std::string nested(int depth) {
  std::string inner = any_of("google.protobuf.StringValue", "\x0a\x01x");
  for (int i = 0; i < depth; ++i) inner = any_of("google.protobuf.Any", inner);
  return inner;
}

TEST(TypedScan, TakesWhatIsOfItsType) {
  pb::StringValue text;
  text.set_value("caf\xc3\xa9");
  pb::Struct object;
  // By the library: under the thread sanitizer its classes look different from here.
  ASSERT_TRUE(pb::util::JsonStringToMessage(R"({"a":[1]})", &object).ok());
  messages::ApplyRequest batch;
  batch.set_id(1);
  batch.add_messages()->PackFrom(text);
  pb::Any any;
  any.PackFrom(batch);
  EXPECT_EQ(refusal(any.SerializeAsString()), Reason::kNone);
  any.PackFrom(object);
  EXPECT_EQ(refusal(any.SerializeAsString()), Reason::kNone);
  EXPECT_EQ(refusal(any_of("google.protobuf.StringValue", "")), Reason::kNone);
  EXPECT_EQ(refusal(any_of("google.protobuf.StringValue",
                           "\x12\x03"
                           "abc")),
            Reason::kNone)
      << "an unknown field";
  EXPECT_EQ(refusal(""), Reason::kNone) << "an Any of nothing";
}

TEST(TypedScan, RefusesWhatIsCutShort) {
  for (const std::string& bad : {std::string("\x0a\x09"
                                             "ab"),
                                 std::string("\xff\xff\xff"), std::string("\x0a"), std::string("\x0a\x02\xff\xfe"),
                                 std::string("\x0b\x0c\x0c"), std::string(1, '\0')}) {
    EXPECT_EQ(refusal(any_of("google.protobuf.StringValue", bad)), Reason::kMalformed);
  }
  EXPECT_EQ(refusal(any_of("google.protobuf.Struct",
                           "\x0a\x04\x0a\x01"
                           "a\x12")),
            Reason::kMalformed);
  EXPECT_EQ(refusal("\x0a\x7f"), Reason::kMalformed);
}

TEST(TypedScan, LooksIntoPackedNumbers) {
  const auto path = [](const std::string& packed) {
    return any_of("google.protobuf.SourceCodeInfo.Location",
                  std::string("\x0a") + static_cast<char>(packed.size()) + packed);
  };
  EXPECT_EQ(refusal(path("\x01\x02\x80\x01")), Reason::kNone);
  EXPECT_EQ(refusal(path("\x01\x80")), Reason::kMalformed);
}

TEST(TypedScan, KnowsItsTypes) {
  EXPECT_EQ(refusal(any_of("no.Such", "")), Reason::kBadType);
  EXPECT_EQ(refusal(any_of("google.protobuf.Any", any_of("no.Such", "x"))), Reason::kBadType);
  pb::Any untyped;
  untyped.set_value("x");
  EXPECT_EQ(refusal(untyped.SerializeAsString()), Reason::kBadType);
}

TEST(TypedScan, DepthIsBounded) {
  EXPECT_EQ(refusal(nested(kMaxAnyDepth - 1)), Reason::kNone);
  EXPECT_EQ(refusal(nested(kMaxAnyDepth)), Reason::kMalformed);
  EXPECT_EQ(refusal(nested(5'000)), Reason::kMalformed);
  // Each list is two messages.
  const auto lists = [](int depth) {
    std::string list;
    for (int i = 1; i < depth; ++i) {
      std::string value;
      append_bytes(value, pb::Value::kListValueFieldNumber, list);
      list.clear();
      append_bytes(list, pb::ListValue::kValuesFieldNumber, value);
    }
    return any_of("google.protobuf.ListValue", list);
  };
  EXPECT_EQ(refusal(lists(kMaxMessageDepth / 2)), Reason::kNone);
  EXPECT_EQ(refusal(lists(kMaxMessageDepth / 2 + 1)), Reason::kMalformed);
}

}  // namespace
}  // namespace ringside::wire
