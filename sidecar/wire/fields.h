// A serialized message, field by field: read without decoding what the fields hold, and written where there is no class
// for it, or where that would copy what is bytes already.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

namespace ringside::wire {

// Whoever gets the message within others gives up at protobuf's usual 100 levels: what is passed on stays below that.
inline constexpr int kMaxGroups = 90;

struct Field {
  int number = 0;
  google::protobuf::internal::WireFormatLite::WireType type{};
  std::uint64_t value = 0;  // of a varint
  std::string_view bytes;   // of what has a length

  bool has_length() const { return type == google::protobuf::internal::WireFormatLite::WIRETYPE_LENGTH_DELIMITED; }
  bool is_varint() const { return type == google::protobuf::internal::WireFormatLite::WIRETYPE_VARINT; }
};

// False: truncated, or not protobuf at all, or `on_field` (bool(const Field&)) said so.
template <typename OnField>
bool each_field(std::string_view message, OnField&& on_field) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(message.data()),
                                            static_cast<int>(message.size()));
  in.SetRecursionLimit(kMaxGroups);
  while (const std::uint32_t tag = in.ReadTag()) {
    Field field;
    field.number = WireFormatLite::GetTagFieldNumber(tag);
    field.type = WireFormatLite::GetTagWireType(tag);
    if (field.number == 0) return false;
    if (field.has_length()) {
      std::uint32_t size = 0;
      if (!in.ReadVarint32(&size)) return false;
      const auto at = static_cast<std::size_t>(in.CurrentPosition());
      if (size > message.size() - at || !in.Skip(static_cast<int>(size))) return false;
      field.bytes = message.substr(at, size);
    } else if (field.is_varint()) {
      if (!in.ReadVarint64(&field.value)) return false;
    } else if (!WireFormatLite::SkipField(&in, tag)) {
      return false;
    }
    if (!on_field(field)) return false;
  }
  return in.ConsumedEntireMessage();
}

inline void append_varint(std::string& message, int number, std::uint64_t value) {
  using google::protobuf::internal::WireFormatLite;
  using google::protobuf::io::CodedOutputStream;
  std::uint8_t bytes[20];  // two varints have no more
  std::uint8_t* end =
      CodedOutputStream::WriteTagToArray(WireFormatLite::MakeTag(number, WireFormatLite::WIRETYPE_VARINT), bytes);
  end = CodedOutputStream::WriteVarint64ToArray(value, end);
  message.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(end - bytes));
}

inline void append_bytes(std::string& message, int number, std::string_view value) {
  using google::protobuf::internal::WireFormatLite;
  using google::protobuf::io::CodedOutputStream;
  std::uint8_t bytes[20];
  std::uint8_t* end = CodedOutputStream::WriteTagToArray(
      WireFormatLite::MakeTag(number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), bytes);
  end = CodedOutputStream::WriteVarint64ToArray(value.size(), end);
  message.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(end - bytes)).append(value);
}

}  // namespace ringside::wire
