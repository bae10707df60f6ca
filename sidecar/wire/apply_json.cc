#include "sidecar/wire/apply_json.h"

#include <exception>
#include <set>
#include <unordered_map>
#include <vector>

#include <absl/strings/escaping.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/stubs/status.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/type.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver.h>
#include <google/protobuf/util/type_resolver_util.h>
#include <google/protobuf/wrappers.pb.h>
#include <messages/control_plane.pb.h>
#include <nlohmann/json.hpp>
#include <ringside/http/v1/http.pb.h>

#include "sidecar/base/text.h"
#include "sidecar/wire/actor_id.h"
#include "sidecar/wire/invalid.h"
#include "sidecar/wire/json_text.h"
#include "sidecar/wire/json_types.h"
#include "sidecar/wire/typed_scan.h"

namespace ringside::wire {
namespace {

namespace pb = google::protobuf;

const std::string kPrefix = "type.googleapis.com";
const std::string kRequestUrl = "type.googleapis.com/messages.ApplyRequest";
const std::string kResultUrl = "type.googleapis.com/messages.ApplyResult";
const std::string kAnyUrl = "type.googleapis.com/google.protobuf.Any";

// To nlohmann's reader a NUL is the end of the text, whatever follows; others read on. It has no place in JSON.
bool ends_early(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// Walks through the text without building anything of it, so that no text can cost more than itself.
class Gate {
 public:
  explicit Gate(std::string subject) : subject_(std::move(subject)) {}  // of the sentence in `wrong`

  std::string wrong;    // empty: nothing so far
  bool object = false;  // the text begins like one
  // Of the outermost object:
  bool bad_id = false;          // "id" is not an actor id, which protobuf would take for none or make one of
  bool bad_messages = false;    // "messages" is not a list, which protobuf would take for a list of one
  bool accepted_given = false;  // "accepted" is there, and not null

  // Whether the whole text is JSON that may pass; else `wrong` says why not.
  bool read(std::string_view text) {
    if (ends_early(text)) return fail("is not well-formed JSON at byte " + std::to_string(text.find('\0') + 1));
    return nlohmann::json::sax_parse(text.begin(), text.end(), this);
  }

  bool null() {
    if (depth_ == 1 && key_ == "accepted") accepted_given = false;
    return scalar();
  }
  bool boolean(bool) { return scalar(); }
  bool number_integer(std::int64_t) { return scalar(false); }
  bool number_unsigned(std::uint64_t number) { return scalar(number != 0); }
  bool number_float(double, const std::string&) { return scalar(false); }
  bool string(std::string& text) { return scalar(parse_actor_id(text).has_value()); }
  bool binary(nlohmann::json::binary_t&) { return scalar(); }
  bool start_object(std::size_t) {
    bad_messages = bad_messages || (depth_ == 1 && key_ == "messages");
    object = true;
    keys_.emplace_back();
    return enter();
  }
  bool end_object() {
    keys_.pop_back();
    --depth_;
    return true;
  }
  bool start_array(std::size_t) { return depth_ == 0 ? scalar() : enter(); }
  bool end_array() {
    --depth_;
    return true;
  }
  bool key(std::string& key) {
    if (depth_ == 1) {
      key_ = key;
      accepted_given = accepted_given || key_ == "accepted";
    }
    return keys_.back().insert(key).second || fail("has the key \"" + key.substr(0, 100) + "\" twice");
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    return fail("is not well-formed JSON at byte " + std::to_string(position));
  }

 private:
  bool fail(std::string what) {
    wrong = subject_ + " " + std::move(what);
    return false;
  }
  bool scalar(bool may_be_id = true) {
    bad_id = bad_id || (key_ == "id" && depth_ == 1 && !may_be_id);
    if (depth_ == 0) return fail("is not a JSON object");
    return count();
  }
  bool enter() {
    if (++depth_ > kMaxJsonDepth) {
      return fail("is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    }
    return count();
  }
  bool count() {
    return ++values_ <= kMaxJsonValues ||
           fail("has more than " + std::to_string(kMaxJsonValues) + " values: send it as protobuf, or in parts");
  }

  std::string subject_;
  int depth_ = 0;
  std::size_t values_ = 0;
  std::string key_;                          // the last one of the outermost object
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
};

// Finds types by their names. Remembers one that is not known.
class Resolver final : public pb::util::TypeResolver {
 public:
  using Cache = std::unordered_map<std::string, pb::Type>;
  Resolver(pb::util::TypeResolver& pool, Cache& cache) : pool_(pool), cache_(cache) {}

  pb::util::Status ResolveMessageType(const std::string& url, pb::Type* type) override {
    const std::string name = type_name(url);
    const auto found = cache_.find(name);
    if (found != cache_.end()) {
      *type = found->second;
      return {};
    }
    auto status = pool_.ResolveMessageType(kPrefix + "/" + name, type);
    if (status.ok()) {
      cache_.emplace(name, *type);
    } else {
      unknown = name;
    }
    return status;
  }
  pb::util::Status ResolveEnumType(const std::string& url, pb::Enum* type) override {
    return pool_.ResolveEnumType(url, type);
  }

  std::string unknown;

 private:
  pb::util::TypeResolver& pool_;
  Cache& cache_;
};

class Errors final : public pb::DescriptorPool::ErrorCollector {
 public:
  std::string first;
  void AddError(const std::string& file, const std::string& element, const pb::Message*, ErrorLocation,
                const std::string& message) override {
    if (first.empty()) first.append(file).append(": ").append(element).append(": ").append(message);
  }
};

using Options = pb::util::JsonParseOptions;

std::string nested_too_deep(const std::string& subject) {
  return subject + " nests typed messages (Any) deeper than " + std::to_string(kMaxAnyDepth) + " levels";
}

// protobuf's converters check themselves by assertions that throw.
template <typename Convert>
pb::util::Status guarded(Convert&& convert) {
  try {
    return convert();
  } catch (const std::exception&) {
    return pb::util::InvalidArgumentError("not what protobuf's JSON mapping allows for that type");
  }
}

pb::util::Status to_binary(Resolver& resolver, const std::string& url, std::string_view json, std::string& out,
                           const Options& options = {}) {
  out.clear();
  return guarded([&] {
    return pb::util::JsonToBinaryString(&resolver, url, {json.data(), json.size()}, &out, options);
  });
}

pb::util::Status to_json(Resolver& resolver, const std::string& url, const std::string& bytes, std::string& out) {
  out.clear();
  return guarded([&] { return pb::util::BinaryToJsonString(&resolver, url, bytes, &out, {}); });
}

}  // namespace

struct ApplyJson::Types {
  Types() {
    for (const pb::Descriptor* type :
         {pb::Any::descriptor(), pb::Duration::descriptor(), pb::Empty::descriptor(), pb::FieldMask::descriptor(),
          pb::StringValue::descriptor(), pb::Struct::descriptor(), pb::Timestamp::descriptor(),
          messages::ApplyRequest::descriptor(), ringside::http::v1::Request::descriptor()}) {
      add(*type->file());
    }
    in_pool.reset(pb::util::NewTypeResolverForDescriptorPool(kPrefix, &pool));
  }
  void add(const pb::FileDescriptor& file) {
    if (pool.FindFileByName(file.name()) != nullptr) return;
    for (int i = 0; i < file.dependency_count(); ++i) add(*file.dependency(i));
    pb::FileDescriptorProto copy;
    file.CopyTo(&copy);
    pool.BuildFile(copy);
  }

  pb::DescriptorPool pool;  // of its own: the one of the program keeps every unknown name that it is ever asked for
  std::unique_ptr<pb::util::TypeResolver> in_pool;
  Resolver::Cache cache;
};

base::Result<void, std::string> check_json_object(std::string_view text) {
  Gate gate("the body");
  if (gate.read(text)) return {};
  return base::Error(gate.wrong);
}

void silence_protobuf() {
  pb::SetLogHandler([](pb::LogLevel, const char*, int, const std::string&) {});
}

ApplyJson::ApplyJson() : types_(std::make_unique<Types>()) {}
ApplyJson::~ApplyJson() = default;

base::Result<void, std::string> ApplyJson::add_descriptors(const std::string& set) {
  pb::FileDescriptorSet files;
  if (!files.ParseFromString(set) || files.file_size() == 0)
    return base::Error("not a FileDescriptorSet (protoc --descriptor_set_out)");
  for (const pb::FileDescriptorProto& file : files.file()) {
    if (types_->pool.FindFileByName(file.name()) != nullptr) continue;  // the well-known ones come along
    Errors errors;
    if (types_->pool.BuildFileCollectingErrors(file, &errors) == nullptr) return base::Error(errors.first);
  }
  return {};
}

base::Result<std::string, core::Answer> ApplyJson::read_request(std::string_view json) const {
  Gate gate("the body");
  if (!gate.read(json)) return base::Error(invalid(core::Reason::kMalformed, gate.wrong));
  if (gate.bad_id) {
    return base::Error(invalid(core::Reason::kBadId, "id is not a whole number from 1 to 18446744073709551615"));
  }
  if (gate.bad_messages) return base::Error(invalid(core::Reason::kMalformed, "messages is not a list"));
  const TypedJson typed = look_at_types(json);
  if (typed.depth > kMaxAnyDepth) {
    return base::Error(invalid(core::Reason::kMalformed, nested_too_deep("the body")));
  }
  Resolver resolver(*types_->in_pool, types_->cache);
  std::string request;
  const auto status = to_binary(resolver, kRequestUrl, typed.types_first ? *typed.types_first : json, request);
  if (status.ok()) return request;
  if (!resolver.unknown.empty()) return base::Error(unknown_type(resolver.unknown));
  const std::string message = base::readable(std::string(status.message()), kMostOfADetail);
  const bool type = message.find("@type") != std::string::npos || message.find("type URL") != std::string::npos;
  return base::Error(invalid(type ? core::Reason::kBadType : core::Reason::kMalformed,
                             "the body is not a messages.ApplyRequest in JSON: " + message));
}

base::Result<std::string, core::Answer> ApplyJson::write_request(const std::string& request) const {
  const auto checked = check_typed(types_->pool, *messages::ApplyRequest::descriptor(), request);
  if (!checked) return base::Error(checked.error());
  Resolver resolver(*types_->in_pool, types_->cache);
  std::string json;
  const auto status = to_json(resolver, kRequestUrl, request, json);
  if (status.ok()) {
    if (Gate gate("the batch, as JSON,"); !gate.read(json)) {
      return base::Error(invalid(core::Reason::kMalformed, gate.wrong));
    }
    return json;
  }
  return base::Error(
      invalid(core::Reason::kMalformed,
              "the batch cannot be written as JSON: " + base::readable(std::string(status.message()), kMostOfADetail)));
}

base::Result<std::string, std::string> ApplyJson::read_result(std::string_view json) const {
  messages::ApplyResult accepted;
  accepted.set_accepted(true);
  Gate gate("the answer");
  if (!gate.read(json)) {
    if (gate.object || ends_early(json) || !nlohmann::json::accept(json.begin(), json.end()))
      return base::Error(gate.wrong);
    return accepted.SerializeAsString();
  }
  const TypedJson typed = look_at_types(json);
  if (typed.depth > kMaxAnyDepth) return base::Error(nested_too_deep("the answer"));
  std::string result;
  Resolver resolver(*types_->in_pool, types_->cache);
  Options options;
  options.ignore_unknown_fields = true;
  const auto status = to_binary(resolver, kResultUrl, typed.types_first ? *typed.types_first : json, result, options);
  if (!status.ok()) {
    const std::string what = resolver.unknown.empty()
                                 ? "the answer is not a messages.ApplyResult in JSON: " + std::string(status.message())
                                 : "the type " + resolver.unknown + ", in the answer, is not known here";
    return base::Error(base::readable(what, kMostOfADetail));
  }
  if (!gate.accepted_given) result += accepted.SerializeAsString();
  return result;
}

std::string ApplyJson::write_replies(const std::string& result) const {
  messages::ApplyResult parsed;
  if (!parsed.ParseFromString(result)) return "[]";
  std::string out = "[";
  for (const pb::Any& reply : parsed.replies()) {
    Resolver resolver(*types_->in_pool, types_->cache);
    const std::string bytes = reply.SerializeAsString();
    std::string json;
    if (!check_typed(types_->pool, *pb::Any::descriptor(), bytes) || !to_json(resolver, kAnyUrl, bytes, json).ok() ||
        !check_json_object(json)) {
      json = "{\"@type\":" + dump(reply.type_url()) + ",\"value\":\"" + absl::Base64Escape(reply.value()) + "\"}";
    }
    if (out.size() > 1) out += ',';
    out += json;
  }
  return out + "]";
}

std::string ApplyJson::write_result(const std::string& result, bool accepted) const {
  return std::string("{\"accepted\":") + (accepted ? "true" : "false") + ",\"replies\":" + write_replies(result) + "}";
}

}  // namespace ringside::wire
