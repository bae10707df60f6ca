#include "sidecar/wire/apply_json.h"

#include <set>
#include <unordered_map>
#include <vector>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/type.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver.h>
#include <google/protobuf/util/type_resolver_util.h>
#include <google/protobuf/wrappers.pb.h>
#include <messages/control_plane.pb.h>
#include <nlohmann/json.hpp>
#include <ringside/http/v1/http.pb.h>

#include "sidecar/net/metadata.h"
#include "sidecar/wire/actor_id.h"
#include "sidecar/wire/apply.h"
#include "sidecar/wire/text.h"

namespace ringside::wire {
namespace {

namespace pb = google::protobuf;

constexpr char kPrefix[] = "type.googleapis.com";
const std::string kRequestUrl = "type.googleapis.com/messages.ApplyRequest";
const std::string kResultUrl = "type.googleapis.com/messages.ApplyResult";
const std::string kAnyUrl = "type.googleapis.com/google.protobuf.Any";

// Walks through the text without building anything of it, so that no text can cost more than itself.
class Gate {
 public:
  std::string wrong;    // empty: nothing so far
  bool bad_id = false;  // the outermost object's "id" is no actor id, which protobuf would take for none or make one of

  bool null() { return scalar(); }
  bool boolean(bool) { return scalar(); }
  bool number_integer(std::int64_t) { return scalar(false); }
  bool number_unsigned(std::uint64_t number) { return scalar(number != 0); }
  bool number_float(double, const std::string&) { return scalar(false); }
  bool string(std::string& text) { return scalar(parse_actor_id(text).has_value()); }
  bool binary(nlohmann::json::binary_t&) { return scalar(); }
  bool start_object(std::size_t) {
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
    at_id_ = depth_ == 1 && key == "id";
    return keys_.back().insert(key).second || fail("the key \"" + key.substr(0, 100) + "\" is there twice");
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    return fail("not well-formed JSON at byte " + std::to_string(position));
  }

 private:
  bool fail(std::string what) {
    wrong = std::move(what);
    return false;
  }
  bool scalar(bool may_be_id = true) {
    bad_id = bad_id || (at_id_ && depth_ == 1 && !may_be_id);
    return depth_ > 0 || fail("not a JSON object");
  }
  bool enter() {
    return ++depth_ <= kMaxJsonDepth || fail("nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  }

  int depth_ = 0;
  bool at_id_ = false;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
};

// A type's name counts, not where its URL says it comes from. Remembers a type that is not known.
class Resolver final : public pb::util::TypeResolver {
 public:
  using Cache = std::unordered_map<std::string, pb::Type>;
  Resolver(pb::util::TypeResolver& pool, Cache& cache) : pool_(pool), cache_(cache) {}

  pb::util::Status ResolveMessageType(const std::string& url, pb::Type* type) override {
    const std::string name = url.substr(url.rfind('/') + 1);
    const auto found = cache_.find(name);
    if (found != cache_.end()) {
      *type = found->second;
      return {};
    }
    auto status = pool_.ResolveMessageType(std::string(kPrefix) + "/" + name, type);
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

std::string printable(std::string text) {
  if (text.size() > 300) text.resize(300);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  }
  return text;
}

core::Answer unknown_type(const std::string& name) {
  return invalid(core::Reason::kBadType, "the type " + printable(name) + " is not known here (see --descriptors)");
}

std::string base64(std::string_view bytes) {
  std::string text = net::encode_bin(bytes);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

struct ApplyJson::Types {
  Types() : pool(pb::DescriptorPool::generated_pool()) {
    // What nothing else in this program uses would not be linked in.
    pb::LinkMessageReflection<pb::Timestamp>();
    pb::LinkMessageReflection<pb::Duration>();
    pb::LinkMessageReflection<pb::Struct>();
    pb::LinkMessageReflection<pb::StringValue>();
    pb::LinkMessageReflection<pb::Empty>();
    pb::LinkMessageReflection<ringside::http::v1::Request>();
    in_pool.reset(pb::util::NewTypeResolverForDescriptorPool(kPrefix, &pool));
  }
  pb::DescriptorPool pool;
  std::unique_ptr<pb::util::TypeResolver> in_pool;
  Resolver::Cache cache;
};

std::optional<std::string> check_json_object(std::string_view text) {
  Gate gate;
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &gate)) return std::nullopt;
  return gate.wrong;
}

ApplyJson::ApplyJson() : types_(std::make_unique<Types>()) {}
ApplyJson::~ApplyJson() = default;

std::optional<std::string> ApplyJson::add_descriptors(const std::string& set) {
  pb::FileDescriptorSet files;
  if (!files.ParseFromString(set)) return "not a FileDescriptorSet (protoc --descriptor_set_out)";
  for (const pb::FileDescriptorProto& file : files.file()) {
    if (types_->pool.FindFileByName(file.name()) != nullptr) continue;  // the well-known ones come along
    Errors errors;
    if (types_->pool.BuildFileCollectingErrors(file, &errors) == nullptr) return errors.first;
  }
  return std::nullopt;
}

std::optional<core::Answer> ApplyJson::read_request(std::string_view json, std::string& request) const {
  Gate gate;
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &gate)) {
    return invalid(core::Reason::kMalformed, gate.wrong);
  }
  if (gate.bad_id) return invalid(core::Reason::kBadId, "id: a whole number from 1 to 18446744073709551615");
  Resolver resolver(*types_->in_pool, types_->cache);
  request.clear();
  const auto status = pb::util::JsonToBinaryString(&resolver, kRequestUrl, {json.data(), json.size()}, &request, {});
  if (status.ok()) return std::nullopt;
  if (!resolver.unknown.empty()) return unknown_type(resolver.unknown);
  const std::string message = printable(std::string(status.message()));
  const bool type = message.find("@type") != std::string::npos || message.find("type URL") != std::string::npos;
  return invalid(type ? core::Reason::kBadType : core::Reason::kMalformed, message);
}

std::optional<core::Answer> ApplyJson::write_request(const std::string& request, std::string& json) const {
  Resolver resolver(*types_->in_pool, types_->cache);
  json.clear();
  const auto status = pb::util::BinaryToJsonString(&resolver, kRequestUrl, request, &json, {});
  if (!resolver.unknown.empty()) return unknown_type(resolver.unknown);
  if (status.ok() && is_utf8(json)) return std::nullopt;
  return invalid(core::Reason::kMalformed,
                 status.ok() ? "a text in it is not UTF-8" : printable(std::string(status.message())));
}

std::optional<std::string> ApplyJson::read_result(std::string_view json, std::string& result) const {
  if (auto wrong = check_json_object(json)) return wrong;
  Resolver resolver(*types_->in_pool, types_->cache);
  result.clear();
  const auto status = pb::util::JsonToBinaryString(&resolver, kResultUrl, {json.data(), json.size()}, &result, {});
  if (status.ok()) return std::nullopt;
  return printable(resolver.unknown.empty() ? std::string(status.message())
                                            : "the type " + resolver.unknown + " is not known here");
}

std::string ApplyJson::write_replies(const std::string& result) const {
  messages::ApplyResult parsed;
  if (!parsed.ParseFromString(result)) return "[]";
  std::string out = "[";
  for (const pb::Any& reply : parsed.replies()) {
    Resolver resolver(*types_->in_pool, types_->cache);
    std::string json;
    const auto status = pb::util::BinaryToJsonString(&resolver, kAnyUrl, reply.SerializeAsString(), &json, {});
    if (!status.ok() || !is_utf8(json)) {
      json = "{\"@type\":" + quoted(reply.type_url()) + ",\"value\":\"" + base64(reply.value()) + "\"}";
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
