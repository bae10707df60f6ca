// A file of settings or types, read whole.
#pragma once

#include <cstddef>
#include <string>

#include "sidecar/base/result.h"

namespace ringside::config {

// Never waits: what is not a plain file (a pipe, a device, a folder) is refused. The error is the reason, to stand
// behind "cannot be read: ". `most`: bytes.
base::Result<std::string, std::string> read_file(const std::string& path, std::size_t most);

}  // namespace ringside::config
