#include "adapters/app_lock.h"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <utility>

#include <sys/socket.h>

namespace ringside::adapters {
namespace {

constexpr std::chrono::milliseconds kRetry{100};
constexpr std::size_t kLongestName = 100;  // of sun_path's 108 bytes

std::string real_path(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string text = resolved;
  std::free(resolved);
  return text;
}

// "another sidecar (process 77)", as far as the kernel tells.
std::string process_behind(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 || credentials.pid == 0) {
    return "another sidecar";
  }
  return "another sidecar (process " + std::to_string(credentials.pid) + ")";
}

}  // namespace

std::string lock_name(const net::Endpoint& app) {
  std::string name;
  if (app.is_unix()) {
    // The folder's own name, since the socket may not be there yet.
    const std::size_t slash = app.unix_path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : app.unix_path.substr(0, slash + 1);
    name = real_path(folder) + "/" + app.unix_path.substr(slash + 1);
  } else {
    const bool loopback = app.host == "localhost" || app.host == "127.0.0.1" || app.host == "::1";
    name = (loopback ? "loopback" : app.host) + ":" + std::to_string(app.port);
  }
  constexpr std::string_view kPrefix = "ringside-app/";
  const std::size_t room = kLongestName - kPrefix.size();
  if (name.size() > room) name.erase(0, name.size() - room);
  return std::string(kPrefix) + name;
}

AppLock::AppLock(net::Loop& loop, const net::Endpoint& app) : loop_(loop), retry_(loop) {
  // An abstract name: it begins with a zero, and goes with the process.
  const std::string name = lock_name(app);
  name_.sun_family = AF_UNIX;
  name.copy(name_.sun_path + 1, kLongestName);
  name_size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
}

void AppLock::take(std::function<void()> held, std::function<void(const std::string&)> taken) {
  held_ = std::move(held);
  taken_ = std::move(taken);
  try_it();
}

void AppLock::try_it() {
  lock_ = base::Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const bool bound = ::bind(lock_.get(), reinterpret_cast<const sockaddr*>(&name_), name_size_) == 0;
  if (!bound && errno == EADDRINUSE) return await_end();
  // Nobody accepts: connections stand in the backlog until this process ends. Where there are no abstract names, a
  // second sidecar is not noticed.
  if (bound) ::listen(lock_.get(), SOMAXCONN);
  held_();
}

void AppLock::await_end() {
  base::Descriptor holder(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(holder.get(), reinterpret_cast<const sockaddr*>(&name_), name_size_) != 0) {
    return again_soon();  // it has just ended, or has not begun to listen
  }
  if (std::string who = process_behind(holder.get()); who != told_) {
    told_ = std::move(who);
    taken_(told_);
  }
  net::error_code ec;
  holder_ = net::Transport::from_fd(loop_, holder.release(), ec);
  if (ec) return again_soon();
  holder_->wait_readable([this] { try_it(); });
}

void AppLock::again_soon() {
  retry_.after(kRetry, [this] { try_it(); });
}

}  // namespace ringside::adapters
