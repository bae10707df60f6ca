#include "sidecar/wire/json_types.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ringside::wire {
namespace {

std::string types_first(const std::string& json) {
  const TypedJson typed = look_at_types(json);
  if (typed.types_first) {
    EXPECT_EQ(nlohmann::json::parse(*typed.types_first), nlohmann::json::parse(json)) << "the same otherwise";
  }
  return typed.types_first.value_or("as it was");
}

TEST(JsonTypes, ComeFirst) {
  EXPECT_EQ(types_first(R"({"@type":"a/B","x":1})"), "as it was");
  EXPECT_EQ(types_first(R"({"x":[1,{"y":"@type"}],"z":"\"@type\""})"), "as it was");
  EXPECT_EQ(types_first(R"({"x":1,"@type":"a/B"})"), R"({"@type":"a/B","x":1})");
  EXPECT_EQ(types_first(R"({ "x" : 1 , "@type" : "a/B" , "y" : 2 })"), R"({"@type" : "a/B", "x" : 1  , "y" : 2 })");
  EXPECT_EQ(types_first(R"({"x":1,"\u0040type":"a\/B"})"), R"({"\u0040type":"a\/B","x":1})");
  EXPECT_EQ(types_first(R"({"v":{"v":{"w":"}{","@type":"a/C"},"@type":"a/B"},"@type":"a/A"})"),
            R"({"@type":"a/A","v":{"@type":"a/B","v":{"@type":"a/C","w":"}{"}}})");
  EXPECT_EQ(types_first(R"([{"x":[],"@type":"a/B"},{"@type":"a/B"}])"), R"([{"@type":"a/B","x":[]},{"@type":"a/B"}])");
  // What is not a type stays, and protobuf says what is wrong with it.
  EXPECT_EQ(types_first(R"({"x":1,"@type":7})"), "as it was");
  EXPECT_EQ(types_first(R"({"x":1,"@type":{"y":2}})"), "as it was");
}

TEST(JsonTypes, AreCountedWithinOneAnother) {
  EXPECT_EQ(look_at_types(R"({"a":[{"b":{}}]})").depth, 0);
  EXPECT_EQ(look_at_types(R"({"m":[{"@type":"a/B"},{"v":{"@type":"a/C"},"@type":"a/B"}]})").depth, 2);
  // Data that looks like types is data.
  EXPECT_EQ(look_at_types(R"({"@type":"Person","knows":{"@type":"Person"}})").depth, 0);
  EXPECT_EQ(look_at_types(R"({"value":{"@type":"http://x/A","a":{"@type":"http://x/B"}},
                              "@type":"type.googleapis.com/google.protobuf.Struct"})")
                .depth,
            1);
}

}  // namespace
}  // namespace ringside::wire
