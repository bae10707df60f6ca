// What the Kubernetes API says about a service's endpoints (discovery.k8s.io/v1), reduced to what a host needs to know:
// where the pods are. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ringside::discovery {

struct PodEndpoint {
  std::string pod;      // its uid; the address where a slice names no pod
  std::string address;  // a canonical IP
  bool ending = false;  // the pod has been deleted
};
using Slice = std::vector<PodEndpoint>;

// A list, and the version of the world that it shows.
struct SliceList {
  std::map<std::string, Slice> slices;  // by name
  std::string version;
};

struct SliceChanged {
  std::string name;
  Slice slice;
  std::string version;
};
struct SliceGone {
  std::string name;
  std::string version;
};
struct Bookmark {
  std::string version;
};
struct WatchError {
  int code = 0;  // 410: the version is too old, list again
  std::string why;
};
using WatchEvent = std::variant<SliceChanged, SliceGone, Bookmark, WatchError>;

// nullopt: not what the API answers.
std::optional<SliceList> parse_slice_list(std::string_view json);
std::optional<WatchEvent> parse_watch_event(std::string_view json);

// The message of an API Status object ("endpointslices is forbidden: ..."), or an empty text.
std::string status_message(std::string_view json);

// One address for each pod, in canonical order: of a pod with several (dual stack), one of the family of `self`.
std::vector<std::string> pod_addresses(const std::map<std::string, Slice>& slices, std::string_view self);

// Whether a living pod has this address.
bool lists(const std::map<std::string, Slice>& slices, std::string_view address);

}  // namespace ringside::discovery
