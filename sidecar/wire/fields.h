// A serialized message, field by field: read without decoding what the fields hold, and written where there is no class
// for it, or where that would copy what is bytes already.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <google/protobuf/io/coded_stream.h>

namespace ringside::wire {

// Whoever gets the message within others gives up at protobuf's usual 100 levels: what is passed on stays below that.
inline constexpr int kMaxGroups = 90;

// How a field's value is written (https://protobuf.dev/programming-guides/encoding): protobuf itself has these only
// among what it calls internal.
enum class WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kGroup = 3, kGroupEnd = 4, kFixed32 = 5 };

// What stands before the value.
constexpr std::uint32_t tag_of(int number, WireType type) {
  return static_cast<std::uint32_t>(number) << 3 | static_cast<std::uint32_t>(type);
}
constexpr int number_of(std::uint32_t tag) { return static_cast<int>(tag >> 3); }
constexpr WireType type_of(std::uint32_t tag) { return static_cast<WireType>(tag & 7); }

// Reads over the value behind the tag. False: it is truncated, or not protobuf at all.
bool skip_field(google::protobuf::io::CodedInputStream& in, std::uint32_t tag);

struct Field {
  int number = 0;
  WireType type{};
  std::uint64_t value = 0;  // of a varint
  std::string_view bytes;   // of what has a length

  bool has_length() const { return type == WireType::kLength; }
  bool is_varint() const { return type == WireType::kVarint; }
};

// False: truncated, or not protobuf at all, or `on_field` (bool(const Field&)) said so.
template <typename OnField>
bool each_field(std::string_view message, OnField&& on_field) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(message.data()),
                                            static_cast<int>(message.size()));
  in.SetRecursionLimit(kMaxGroups);
  while (const std::uint32_t tag = in.ReadTag()) {
    Field field;
    field.number = number_of(tag);
    field.type = type_of(tag);
    if (field.number == 0) return false;
    if (field.has_length()) {
      std::uint32_t size = 0;
      if (!in.ReadVarint32(&size)) return false;
      const auto at = static_cast<std::size_t>(in.CurrentPosition());
      if (size > message.size() - at || !in.Skip(static_cast<int>(size))) return false;
      field.bytes = message.substr(at, size);
    } else if (field.is_varint()) {
      if (!in.ReadVarint64(&field.value)) return false;
    } else if (!skip_field(in, tag)) {
      return false;
    }
    if (!on_field(field)) return false;
  }
  return in.ConsumedEntireMessage();
}

inline void append_varint(std::string& message, int number, std::uint64_t value) {
  using google::protobuf::io::CodedOutputStream;
  std::uint8_t bytes[20];  // two varints have no more
  std::uint8_t* end = CodedOutputStream::WriteTagToArray(tag_of(number, WireType::kVarint), bytes);
  end = CodedOutputStream::WriteVarint64ToArray(value, end);
  message.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(end - bytes));
}

inline void append_bytes(std::string& message, int number, std::string_view value) {
  using google::protobuf::io::CodedOutputStream;
  std::uint8_t bytes[20];
  std::uint8_t* end = CodedOutputStream::WriteTagToArray(tag_of(number, WireType::kLength), bytes);
  end = CodedOutputStream::WriteVarint64ToArray(value.size(), end);
  message.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(end - bytes)).append(value);
}

}  // namespace ringside::wire
