#include "sidecar/discovery/endpoint_slices.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "sidecar/core/host_name.h"

namespace ringside::discovery {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxText = 500;

const Json& member(const Json& object, const char* name) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

std::string text(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

bool yes(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_boolean() && value.get<bool>();
}

// Slices of names (addressType FQDN) hold no pods. Whether a pod is ready does not matter here: a host that is joining,
// or that drains and still owns actors, has to be known.
Slice read_slice(const Json& object) {
  Slice slice;
  const Json& endpoints = member(object, "endpoints");
  if (!endpoints.is_array()) return slice;
  for (const Json& endpoint : endpoints) {
    const std::string pod = text(member(endpoint, "targetRef"), "uid");
    const bool ending = yes(member(endpoint, "conditions"), "terminating");
    const Json& addresses = member(endpoint, "addresses");
    if (!addresses.is_array()) continue;
    for (const Json& address : addresses) {
      if (!address.is_string()) continue;
      if (const auto ip = core::canonical_ip(address.get<std::string>())) {
        slice.push_back({pod.empty() ? *ip : pod, *ip, ending});
      }
    }
  }
  return slice;
}

std::string version_of(const Json& object) { return text(member(object, "metadata"), "resourceVersion"); }

bool is_v6(std::string_view address) { return address.find(':') != std::string_view::npos; }

}  // namespace

std::optional<SliceList> parse_slice_list(std::string_view json) {
  const Json all = Json::parse(json, nullptr, false);
  const Json& items = member(all, "items");
  if (!text(all, "kind").starts_with("EndpointSliceList") || !(items.is_array() || items.is_null())) {
    return std::nullopt;
  }
  SliceList list;
  list.version = version_of(all);
  for (const Json& item : items) {
    list.slices[text(member(item, "metadata"), "name")] = read_slice(item);
  }
  return list;
}

std::optional<WatchEvent> parse_watch_event(std::string_view json) {
  const Json event = Json::parse(json, nullptr, false);
  const std::string type = text(event, "type");
  const Json& object = member(event, "object");
  if (!object.is_object()) return std::nullopt;
  const std::string name = text(member(object, "metadata"), "name");
  if (type == "ADDED" || type == "MODIFIED") return SliceChanged{name, read_slice(object), version_of(object)};
  if (type == "DELETED") return SliceGone{name, version_of(object)};
  if (type == "BOOKMARK") return Bookmark{version_of(object)};
  if (type != "ERROR") return std::nullopt;
  const Json& code = member(object, "code");
  return WatchError{code.is_number_integer() ? code.get<int>() : 0, text(object, "message").substr(0, kMaxText)};
}

std::string status_message(std::string_view json) {
  return text(Json::parse(json, nullptr, false), "message").substr(0, kMaxText);
}

std::vector<std::string> pod_addresses(const std::map<std::string, Slice>& slices, std::string_view self) {
  const bool v6 = is_v6(self);
  std::map<std::string, std::string> chosen;
  for (const auto& [name, slice] : slices) {
    for (const PodEndpoint& endpoint : slice) {
      std::string& address = chosen[endpoint.pod];
      if (address.empty() || (is_v6(address) != v6 && is_v6(endpoint.address) == v6)) address = endpoint.address;
    }
  }
  std::set<std::string> all;
  for (const auto& [pod, address] : chosen) all.insert(address);
  return {all.begin(), all.end()};
}

bool lists(const std::map<std::string, Slice>& slices, std::string_view address) {
  return std::any_of(slices.begin(), slices.end(), [&](const auto& slice) {
    return std::any_of(slice.second.begin(), slice.second.end(),
                       [&](const PodEndpoint& endpoint) { return endpoint.address == address && !endpoint.ending; });
  });
}

}  // namespace ringside::discovery
