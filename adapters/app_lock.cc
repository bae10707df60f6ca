#include "adapters/app_lock.h"

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

AppLock::AppLock(net::Loop& loop, const net::Endpoint& app)
    : name_(std::string(1, '\0') + lock_name(app)), lock_(loop), holder_(loop), retry_(loop) {}

void AppLock::take(std::function<void()> held, std::function<void(const std::string&)> taken) {
  held_ = std::move(held);
  taken_ = std::move(taken);
  try_it();
}

void AppLock::try_it() {
  boost::system::error_code error;
  lock_.open(Protocol(), error);
  if (!error) lock_.bind(name_, error);
  if (error == boost::asio::error::address_in_use) {
    lock_.close(error);
    return await_end();
  }
  // Nobody accepts: connections stand in the backlog until this process ends. Where there are no abstract names, a
  // second sidecar is not noticed.
  if (!error) lock_.listen(boost::asio::socket_base::max_listen_connections, error);
  held_();
}

void AppLock::await_end() {
  boost::system::error_code error;
  holder_.close(error);
  holder_.open(Protocol(), error);
  holder_.native_non_blocking(true, error);
  const int fd = holder_.native_handle();
  if (::connect(fd, reinterpret_cast<const sockaddr*>(name_.data()), static_cast<socklen_t>(name_.size())) != 0) {
    return again_soon();  // it has just ended, or has not begun to listen
  }
  if (std::string who = process_behind(fd); who != told_) {
    told_ = std::move(who);
    taken_(told_);
  }
  holder_.async_wait(Protocol::socket::wait_read, life_.bind([this](const boost::system::error_code& wait_error) {
    if (!wait_error) try_it();
  }));
}

void AppLock::again_soon() {
  retry_.expires_after(kRetry);
  retry_.async_wait(life_.bind([this](const boost::system::error_code& error) {
    if (!error) try_it();
  }));
}

}  // namespace ringside::adapters
