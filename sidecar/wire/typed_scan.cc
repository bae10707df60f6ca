#include "sidecar/wire/typed_scan.h"

#include <optional>
#include <utility>

#include <google/protobuf/any.pb.h>

#include "sidecar/base/text.h"
#include "sidecar/base/utf8.h"
#include "sidecar/wire/fields.h"
#include "sidecar/wire/invalid.h"
#include "sidecar/wire/json_types.h"

namespace ringside::wire {
namespace {

namespace pb = google::protobuf;

// Each function: false after it has set `wrong_`.
class Scan {
 public:
  explicit Scan(const pb::DescriptorPool& pool) : pool_(pool) {}

  // `anys`: how many Any it stands in.
  bool message(const pb::Descriptor& type, std::string_view bytes, int depth, int anys) {
    if (depth > kMaxMessageDepth) {
      return malformed("messages in messages, deeper than " + std::to_string(kMaxMessageDepth) + " levels");
    }
    const bool is_any = type.full_name() == "google.protobuf.Any";
    std::string_view url, value;
    const bool whole = each_field(bytes, [&](const Field& field) {
      if (is_any && field.has_length() && field.number == pb::Any::kTypeUrlFieldNumber) url = field.bytes;
      if (is_any && field.has_length() && field.number == pb::Any::kValueFieldNumber) value = field.bytes;
      const pb::FieldDescriptor* known = type.FindFieldByNumber(field.number);
      if (known == nullptr) return true;
      return count(1) && (!field.has_length() || content(*known, field.bytes, depth, anys));
    });
    if (!whole) return wrong_ ? false : malformed("not a serialized " + type.full_name());
    return !is_any || any(url, value, depth, anys);
  }

  base::Result<void, core::Answer> result() {
    if (!wrong_) return {};
    return base::Error(std::move(*wrong_));
  }

 private:
  bool any(std::string_view url, std::string_view value, int depth, int anys) {
    if (url.empty() && value.empty()) return true;
    if (anys == kMaxAnyDepth) {
      return malformed("typed messages (Any) in one another, deeper than " + std::to_string(kMaxAnyDepth) + " levels");
    }
    const std::string name = type_name(url);
    const pb::Descriptor* type = pool_.FindMessageTypeByName(name);
    if (type == nullptr) return refuse(unknown_type(name));
    return message(*type, value, depth + 1, anys + 1);
  }

  bool content(const pb::FieldDescriptor& field, std::string_view bytes, int depth, int anys) {
    switch (field.type()) {
      case pb::FieldDescriptor::TYPE_MESSAGE:
        return message(*field.message_type(), bytes, depth + 1, anys);
      case pb::FieldDescriptor::TYPE_STRING:
        return base::is_utf8(bytes) || malformed("a text in it is not UTF-8");
      default:
        if (!field.is_packable() || packed(field, bytes)) return true;
        return wrong_ ? false : malformed("not a serialized " + field.full_name());
    }
  }

  bool packed(const pb::FieldDescriptor& field, std::string_view bytes) {
    switch (field.type()) {
      case pb::FieldDescriptor::TYPE_FIXED32:
      case pb::FieldDescriptor::TYPE_SFIXED32:
      case pb::FieldDescriptor::TYPE_FLOAT:
        return bytes.size() % sizeof(std::uint32_t) == 0 && count(bytes.size() / sizeof(std::uint32_t));
      case pb::FieldDescriptor::TYPE_FIXED64:
      case pb::FieldDescriptor::TYPE_SFIXED64:
      case pb::FieldDescriptor::TYPE_DOUBLE:
        return bytes.size() % sizeof(std::uint64_t) == 0 && count(bytes.size() / sizeof(std::uint64_t));
      default: {
        pb::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                    static_cast<int>(bytes.size()));
        std::uint64_t ignored = 0;
        while (static_cast<std::size_t>(in.CurrentPosition()) < bytes.size()) {
          if (!in.ReadVarint64(&ignored) || !count(1)) return false;
        }
        return true;
      }
    }
  }

  bool count(std::size_t more) {
    values_ += more;
    return values_ <= kMaxJsonValues ||
           malformed("more than " + std::to_string(kMaxJsonValues) + " values, too many to be written as JSON");
  }

  bool malformed(std::string detail) { return refuse(invalid(core::Reason::kMalformed, std::move(detail))); }
  bool refuse(core::Answer answer) {
    wrong_ = std::move(answer);
    return false;
  }

  const pb::DescriptorPool& pool_;
  std::size_t values_ = 0;
  std::optional<core::Answer> wrong_;
};

}  // namespace

base::Result<void, core::Answer> check_typed(const pb::DescriptorPool& pool, const pb::Descriptor& type,
                                             std::string_view bytes) {
  Scan scan(pool);
  scan.message(type, bytes, 0, 0);
  return scan.result();
}

std::string type_name(std::string_view type_url) { return std::string(type_url.substr(type_url.rfind('/') + 1)); }

core::Answer unknown_type(const std::string& name) {
  return invalid(core::Reason::kBadType,
                 "the type " + base::readable(name, kMostOfADetail) + " is not known here (see --descriptors)");
}

}  // namespace ringside::wire
