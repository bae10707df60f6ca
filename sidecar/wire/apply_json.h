// Batches and their results as JSON, by protobuf's JSON mapping (protobuf.dev/programming-guides/json).
//
// Types inside an Any: the well-known ones, our own, and those of the descriptors given. Whatever comes in passes a
// strict gate first, since protobuf's own reader is lenient. Loop thread only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sidecar/base/result.h"
#include "sidecar/core/call.h"

namespace ringside::wire {

inline constexpr int kMaxJsonDepth = 100;

// Whether the text is one JSON object (RFC 8259) in UTF-8, without duplicate keys, and not nested deeper than
// kMaxJsonDepth. The error says what is wrong.
base::Result<void, std::string> check_json_object(std::string_view text);

// protobuf writes what its own checks find to stderr by itself; the log there has one line for each thing, and each of
// those comes back as an error as well. Once, where the process starts.
void silence_protobuf();

class ApplyJson {
 public:
  ApplyJson();
  ~ApplyJson();
  ApplyJson(const ApplyJson&) = delete;
  ApplyJson& operator=(const ApplyJson&) = delete;

  // Adds the types of a serialized google.protobuf.FileDescriptorSet (protoc --descriptor_set_out --include_imports).
  // The error says what is wrong with it.
  base::Result<void, std::string> add_descriptors(const std::string& set);

  // ---- batches ----
  // JSON to a serialized messages.ApplyRequest; its contents are then checked by check_apply(). The error is the answer
  // for the caller (malformed, also where Any is nested deeper than kMaxAnyDepth; bad-type).
  base::Result<std::string, core::Answer> read_request(std::string_view json) const;
  // A serialized messages.ApplyRequest to JSON. The error is the answer for the caller: what is not of its type, or of
  // a type that is not known here, cannot be written (malformed, bad-type).
  base::Result<std::string, core::Answer> write_request(const std::string& request) const;

  // ---- results ----
  // JSON of an application to a serialized messages.ApplyResult. A missing "accepted" means true, and what the contract
  // does not know is left out; other JSON than an object says no more than that it is done. The error says what is
  // wrong.
  base::Result<std::string, std::string> read_result(std::string_view json) const;
  // A serialized messages.ApplyResult to {"accepted":true,"replies":[...]}. Replies of a type that is not known here
  // (or not of their type) become {"@type":URL,"value":BASE64}; an empty or unreadable result has no replies.
  std::string write_result(const std::string& result, bool accepted) const;
  // The replies alone: a JSON array.
  std::string write_replies(const std::string& result) const;

 private:
  struct Types;
  std::unique_ptr<Types> types_;
};

}  // namespace ringside::wire
