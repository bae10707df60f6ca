#include "sidecar/base/unix_path.h"

namespace ringside::base {
namespace {

constexpr std::size_t kMost = 107;  // sockaddr_un, with its final zero

}  // namespace

Result<std::string, std::string> read_unix_path(std::string_view text) {
  if (text.starts_with("//")) text.remove_prefix(2);
  while (text.starts_with("//")) text.remove_prefix(1);
  if (text.empty()) return Error("has no path");
  if (text.front() == '@') return Error("is an abstract socket, which every container of the pod could reach");
  if (text.size() > kMost) return Error("has a path of more than 107 bytes");
  if (text.find('\0') != std::string_view::npos) return Error("has a zero byte in its path");
  return std::string(text);
}

}  // namespace ringside::base
