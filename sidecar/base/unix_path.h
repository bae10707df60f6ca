// The path of a Unix socket, as users write it behind "unix:".
#pragma once

#include <string>
#include <string_view>

#include "sidecar/base/result.h"

namespace ringside::base {

// Two slashes in front are taken for one, since unix:///run/x is how gRPC spells unix:/run/x. The error goes on behind
// whatever names the text: "has no path".
Result<std::string, std::string> read_unix_path(std::string_view text);

}  // namespace ringside::base
