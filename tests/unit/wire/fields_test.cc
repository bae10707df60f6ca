#include "sidecar/wire/fields.h"

#include <string>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/wire_format_lite.h>
#include <gtest/gtest.h>

namespace ringside::wire {
namespace {

using namespace std::string_literals;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

TEST(Fields, TagsAreThoseOfProtobuf) {
  for (const int number : {1, 15, 16, 1000, 536'870'911}) {
    for (const auto type : {WireType::kVarint, WireType::kFixed64, WireType::kLength, WireType::kGroup,
                            WireType::kGroupEnd, WireType::kFixed32}) {
      const auto theirs = static_cast<WireFormatLite::WireType>(type);
      EXPECT_EQ(tag_of(number, type), WireFormatLite::MakeTag(number, theirs));
      EXPECT_EQ(number_of(tag_of(number, type)), number);
      EXPECT_EQ(type_of(tag_of(number, type)), type);
    }
  }
}

// The library's own reader, which is not for others to call, says how much is skipped and what is none.
TEST(Fields, SkipsWhatProtobufSkips) {
  struct Case {
    const char* what;
    std::string bytes;  // from the tag on
  };
  const Case cases[] = {
      {"a varint", "\x08\x96\x01rest"s},
      {"a varint that ends too soon", "\x08\x96"s},
      {"eight bytes", "\x09\0\0\0\0\0\0\0\1rest"s},
      {"eight bytes that are seven", "\x09\0\0\0\0\0\0\0"s},
      {"a text", "\x0a\x03onerest"s},
      {"a text that ends too soon", "\x0a\x04one"s},
      {"a text of a negative length", "\x0a\xff\xff\xff\xff\x0frest"s},
      {"four bytes", "\x0d\0\0\0\1rest"s},
      {"four bytes that are three", "\x0d\0\0\0"s},
      {"a group", "\x0b\x08\x01\x12\x02ok\x0crest"s},
      {"a group in a group", "\x0b\x13\x08\x01\x14\x0crest"s},
      {"a group that ends as another one", "\x0b\x08\x01\x14rest"s},
      {"a group without an end", "\x0b\x08\x01"s},
      {"an end without a group", "\x0crest"s},
      {"a type that there is not", "\x0erest"s},
      {"groups deeper than anybody reads", std::string(200, '\x0b') + std::string(200, '\x0c')},
  };
  for (const Case& one : cases) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(one.bytes.data());
    CodedInputStream ours(bytes, static_cast<int>(one.bytes.size()));
    CodedInputStream theirs(bytes, static_cast<int>(one.bytes.size()));
    const bool skipped = skip_field(ours, ours.ReadTag());
    EXPECT_EQ(skipped, WireFormatLite::SkipField(&theirs, theirs.ReadTag())) << one.what;
    if (skipped) {
      EXPECT_EQ(ours.CurrentPosition(), theirs.CurrentPosition()) << one.what;
    }
  }
}

TEST(Fields, WritesWhatProtobufReads) {
  std::string message;
  append_bytes(message, google::protobuf::Any::kTypeUrlFieldNumber, "a type");
  append_varint(message, 1000, 300);
  google::protobuf::Any any;
  ASSERT_TRUE(any.ParseFromString(message));
  EXPECT_EQ(any.type_url(), "a type");
  std::uint64_t seen = 0;
  EXPECT_TRUE(each_field(message, [&seen](const Field& field) {
    if (field.is_varint()) seen = field.value;
    return true;
  }));
  EXPECT_EQ(seen, 300U);
}

}  // namespace
}  // namespace ringside::wire
