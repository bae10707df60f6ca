#include "sidecar/wire/fields.h"

namespace ringside::wire {
namespace {

using google::protobuf::io::CodedInputStream;

// Up to the tag that ends it, which names the same field.
bool skip_group(CodedInputStream& in, int number) {
  if (!in.IncrementRecursionDepth()) return false;
  while (const std::uint32_t tag = in.ReadTag()) {
    if (type_of(tag) == WireType::kGroupEnd) {
      in.DecrementRecursionDepth();
      return number_of(tag) == number;
    }
    if (!skip_field(in, tag)) return false;
  }
  return false;
}

}  // namespace

bool skip_field(CodedInputStream& in, std::uint32_t tag) {
  if (number_of(tag) == 0) return false;
  std::uint32_t length = 0;
  std::uint64_t ignored = 0;
  switch (type_of(tag)) {
    case WireType::kVarint:
      return in.ReadVarint64(&ignored);
    case WireType::kFixed64:
      return in.ReadLittleEndian64(&ignored);
    case WireType::kLength:
      return in.ReadVarint32(&length) && in.Skip(static_cast<int>(length));
    case WireType::kGroup:
      return skip_group(in, number_of(tag));
    case WireType::kFixed32:
      return in.ReadLittleEndian32(&length);
    case WireType::kGroupEnd:
      break;
  }
  return false;  // also of the two types that do not exist
}

}  // namespace ringside::wire
