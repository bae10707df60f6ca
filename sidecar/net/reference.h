// References to resources (RFC 3986): what a Location header holds. No I/O.
#pragma once

#include <string>
#include <string_view>

namespace ringside::net {

// §3: what stands before the path, and what follows it.
struct Reference {
  std::string scheme, authority;  // in lower case
  bool has_authority = false;
  std::string_view path;
  std::string_view rest;  // query and fragment, with their marks
};
// The views are of `reference`.
Reference split_reference(std::string_view reference);

// §5.2.3 and §5.2.4: where `path`, which is not empty, leads from `base`, an absolute path. Without dot segments.
std::string resolve_path(std::string_view base, std::string_view path);

}  // namespace ringside::net
