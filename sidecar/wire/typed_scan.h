// Whether serialized messages are what their types say, Any by Any. Stands before protobuf's writer of JSON, which
// takes what is cut short for another value and follows an Any within an Any without end.
#pragma once

#include <string>
#include <string_view>

#include <google/protobuf/descriptor.h>

#include "sidecar/base/result.h"
#include "sidecar/core/call.h"

namespace ringside::wire {

// Messages within messages, those in an Any included: as many as protobuf itself reads.
inline constexpr int kMaxMessageDepth = 100;

// In one pass over the bytes: whether they are a message of `type`, and every Any in it holds one of a type in `pool`.
// The error is the answer for the caller (malformed, bad-type).
base::Result<void, core::Answer> check_typed(const google::protobuf::DescriptorPool& pool,
                                             const google::protobuf::Descriptor& type, std::string_view bytes);

// A type's name counts, not where its URL says that it comes from.
std::string type_name(std::string_view type_url);
core::Answer unknown_type(const std::string& name);

}  // namespace ringside::wire
