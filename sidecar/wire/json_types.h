// Types within JSON: where "@type" stands, and how deep typed objects are within one another.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ringside::wire {

// An Any within an Any, and so on: each level is another copy of all that is below it, for whoever reads or writes it.
inline constexpr int kMaxAnyDepth = 8;
// Numbers, texts, words, objects and lists of one batch or answer: reading or writing one costs about a microsecond of
// the loop, whatever its size.
inline constexpr std::size_t kMaxJsonValues = 500'000;

struct TypedJson {
  // The text with "@type" in front in each object, where protobuf wants it: of an object whose type comes later it
  // keeps a copy of all that stands before, level by level. Nothing: all of them stand there already.
  std::optional<std::string> types_first;
  // How deep objects that have a type URL are within one another; those in a google.protobuf.Struct are data.
  int depth = 0;
};

// `json` is well-formed (check_json_object()). In one pass.
TypedJson look_at_types(std::string_view json);

}  // namespace ringside::wire
