#include "sidecar/config/read_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sidecar/base/descriptor.h"

namespace ringside::config {
namespace {

base::Error<std::string> error_of_system() { return base::Error(std::string(std::strerror(errno))); }

}  // namespace

base::Result<std::string, std::string> read_file(const std::string& path, std::size_t most) {
  // O_NONBLOCK: opening a pipe would wait for its other end.
  const base::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return error_of_system();
  if (S_ISDIR(status.st_mode)) return base::Error("it is a folder, not a file");
  if (!S_ISREG(status.st_mode)) return base::Error("it is a pipe, a device or a socket, not a file");
  std::string text;
  std::string part(64 * 1024, '\0');
  while (text.size() <= most) {
    const ssize_t got = ::read(file.get(), part.data(), part.size());
    if (got < 0) return error_of_system();
    if (got == 0) return text;
    text.append(part, 0, static_cast<std::size_t>(got));
  }
  return base::Error("it is larger than " + std::to_string(most >> 20) + " MiB");
}

}  // namespace ringside::config
