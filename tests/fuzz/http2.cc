// HTTP/2 in both roles, with gRPC over it. The preface is given: it is the frames that differ.
#include <cerrno>
#include <memory>
#include <optional>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sidecar/base/check.h"
#include "sidecar/net/grpc/grpc_channel.h"
#include "sidecar/net/grpc/grpc_server.h"
#include "sidecar/net/http2/http2_client.h"
#include "sidecar/net/http2/http2_requests.h"
#include "sidecar/net/http2/http2_server_session.h"
#include "sidecar/services/health.h"
#include "sidecar/services/reflection.h"
#include "tests/fuzz/connection.h"
#include "tests/fuzz/target.h"

namespace ringside::fuzz {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::string_view kEmptySettings{"\0\0\0\4\0\0\0\0\0", 9};

// What ends when the process does.
struct Served {
  Served() : methods(std::make_shared<net::MethodTable>()) {
    health.set_serving("", true);
    health.add_methods(*methods);
    reflection.add_methods(*methods);
    net::Method echo;
    echo.max_message = 1024;
    echo.handler = [](const std::shared_ptr<net::ServerCall>& call) {
      call->reply(call->take_message(), call->metadata());
    };
    methods->add("/s/Echo", std::move(echo));
    net::Method stream;
    stream.streams_requests = true;
    stream.handler = [](const std::shared_ptr<net::ServerCall>& call) { call->send(call->take_message()); };
    methods->add("/s/Stream", std::move(stream));
  }
  std::shared_ptr<net::MethodTable> methods;
  services::Health health;
  services::Reflection reflection;
};

}  // namespace

void http2_server(std::string_view input) {
  static Served served;
  auto options = std::make_shared<net::Http2Options>();
  net::GrpcServerOptions grpc;
  grpc.methods = served.methods;
  net::HttpServing requests;
  requests.max_body = 1024;
  requests.handler = [](net::HttpRequest request, net::HttpReply reply) {
    RINGSIDE_CHECK(request.body.size() <= 1024 && request.headers.count("host") == 1);
    reply({200, request.headers, std::move(request.body)});
  };
  grpc.not_grpc = net::serve_requests(std::move(requests));
  options->service = net::serve_grpc(std::move(grpc));
  options->connection_budget = 64 * 1024;
  Input choices(input);
  const std::size_t at_once = choices.byte();
  Connection connection;
  bool ended = false;
  const auto session = std::make_shared<net::Http2ServerSession>(
      connection.loop(), connection.take_transport(), std::move(options), std::make_shared<net::Budget>(1 << 20),
      std::make_shared<net::YieldOrder::Place>(std::make_shared<net::YieldOrder>(), "unix", [] {}),
      [&](std::string_view) { ended = true; });
  const std::string first =
      std::string(kPreface) + std::string(kEmptySettings) + std::string(choices.rest().substr(0, at_once));
  session->start(first);
  if (at_once < choices.rest().size()) connection.send(choices.rest().substr(at_once));
  connection.finish();
  RINGSIDE_CHECK(ended);
}

namespace {

// Where the channel connects to.
class UnixServer {
 public:
  explicit UnixServer(const std::string& of)
      : path_("/tmp/ringside-fuzz-" + std::to_string(::getpid()) + "-" + of + ".sock") {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path_.copy(name.sun_path, sizeof name.sun_path - 1);
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ::unlink(path_.c_str());
    RINGSIDE_CHECK(::bind(fd_, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 && ::listen(fd_, 8) == 0);
  }
  ~UnixServer() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  UnixServer(const UnixServer&) = delete;
  UnixServer& operator=(const UnixServer&) = delete;
  int accept() const { return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int fd_;
};

// To the connection that comes: SETTINGS, and then the input, with whatever it does.
void answer(net::Loop& loop, const UnixServer& server, std::string_view input) {
  int fd = -1;
  while (loop.poll() > 0 || (fd < 0 && (fd = server.accept()) >= 0)) {
  }
  RINGSIDE_CHECK(fd >= 0);
  static_cast<void>(::send(fd, kEmptySettings.data(), kEmptySettings.size(), MSG_NOSIGNAL));
  char asked[65536];
  const auto settle = [&] {
    while (loop.poll() > 0 || ::recv(fd, asked, sizeof asked, 0) > 0) {
    }
  };
  settle();
  static_cast<void>(::send(fd, input.data(), input.size(), MSG_NOSIGNAL));
  settle();
  ::close(fd);
}

}  // namespace

// Ordinary requests, as they go to an app.
void http2_answers(std::string_view input) {
  static const UnixServer server("answers");
  net::Loop loop;
  net::Http2LinkOptions link_options;
  link_options.endpoint = {"", 0, server.path()};
  const net::Http2Link link(loop, std::move(link_options));
  net::Http2ClientOptions options;
  options.max_body = 1024;
  options.room = std::make_shared<net::AnswerRoom>(512);
  net::Http2Client client(loop, link, std::move(options));
  int ended = 0;
  const auto ask = [&](const char* method, std::string body) {
    client.request({method, "/", {}, std::move(body), {}}, std::nullopt, [&ended](const net::HttpResult& result) {
      RINGSIDE_CHECK(result.response.body.size() <= 1024);
      RINGSIDE_CHECK(result.outcome != net::HttpOutcome::kAnswered || result.response.status >= 100);
      ++ended;
    });
  };
  ask("GET", "");
  ask("POST", "body");
  ask("HEAD", "");
  answer(loop, server, input);
  // What the server has refused waits for another connection, which nobody answers.
  for (int more = 0; ended < 3; ++more) {
    RINGSIDE_CHECK(more < 8);
    int fd = -1;
    while (loop.poll() > 0 || (fd < 0 && (fd = server.accept()) >= 0)) {
    }
    if (fd >= 0) ::close(fd);
    loop.poll();
  }
  client.close();
}

void http2_client(std::string_view input) {
  static const UnixServer server("client");
  net::Loop loop;
  net::ChannelOptions options;
  options.endpoint = {"", 0, server.path()};
  options.backoff_min = options.backoff_max = std::chrono::hours(1);
  net::GrpcChannel channel(loop, std::move(options));
  std::optional<net::CallResult> unary, streamed;
  net::CallOptions call;
  call.max_message = 1024;
  channel.unary("/s/Unary", {}, "x", call, [&](net::CallResult result) { unary = std::move(result); });
  net::StreamHandlers handlers;
  handlers.on_message = [](const std::string& message) { RINGSIDE_CHECK(message.size() <= 1024); };
  handlers.on_too_large = [](std::string_view, std::optional<std::size_t>) {};
  handlers.on_finish = [&](net::CallResult result) { streamed = std::move(result); };
  const auto stream = channel.stream("/s/Stream", {}, call, std::move(handlers));
  answer(loop, server, input);
  // Calls that the server did not begin would wait for another connection.
  channel.drop_all("over");
  loop.poll();
  RINGSIDE_CHECK(unary && streamed);
  channel.close();
}

}  // namespace ringside::fuzz
