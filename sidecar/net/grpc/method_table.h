// The gRPC methods that are served natively on the loop, and a call of one as its handler sees it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>
#include <absl/functional/any_invocable.h>

#include "sidecar/net/grpc/grpc_status.h"
#include "sidecar/net/grpc/open_streams.h"
#include "sidecar/net/metadata.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

// What streams are told that end because this process does.
inline constexpr std::string_view kClosing = "this host is closing";

// One gRPC call, as its handler sees it; the request is complete when the handler runs. Held by whoever will answer;
// dropped without an answer it ends as INTERNAL. After the client has gone everything here is a harmless no-op. Loop
// thread only.
class ServerCall {
 public:
  virtual ~ServerCall() = default;

  virtual const std::string& path() const = 0;
  // Without HTTP/2's pseudo headers, in the client's order.
  virtual const Metadata& metadata() const = 0;
  // Whom the client thinks it calls: what HTTP/1.1 has in Host.
  virtual const std::string& authority() const = 0;
  // The client's IP as text; "unix" on Unix sockets.
  virtual const std::string& peer_address() const = 0;
  // Whom the client's certificate shows it to be; null: plaintext.
  virtual const SecurePeer* certificate() const = 0;
  // From grpc-timeout, counted from the arrival of the headers. The server itself does not act on it.
  virtual std::optional<Clock::time_point> deadline() const = 0;
  // The request message, once; of a stream of requests the one that the handler runs for.
  virtual std::string take_message() = 0;

  // Ends the call with one message and OK.
  virtual void reply(std::string message, Metadata trailers = {}) = 0;
  // Ends the call, after the messages sent so far.
  virtual void finish(GrpcStatus status, std::string_view message, Metadata trailers = {}) = 0;

  // Server streaming: one message more. The handler looks at unsent_bytes() before it sends much; a call
  // whose unsent bytes exceed the connection's budget is reset.
  virtual void send(std::string message) = 0;
  virtual std::size_t unsent_bytes() const = 0;
  // Called (each time) when unsent_bytes() has come down to below 64 KiB after having been above.
  virtual void on_writable(absl::AnyInvocable<void()> callback) = 0;
  // Called once, when the client reset the call or its connection ended before the answer; never after an
  // answer.
  virtual void on_cancel(absl::AnyInvocable<void()> callback) = 0;
  virtual bool cancelled() const = 0;
};

// Why the server itself ended a call.
enum class Refusal {
  kOversize,    // a message above the method's limit, or metadata above the listener's
  kMalformed,   // broken framing, not exactly one message, or a malformed grpc-timeout
  kOverloaded,  // a bound on bytes held
  kUnserved,    // compressed; gRPC wants the status UNIMPLEMENTED for that
  kForbidden,   // the listener's guard, or the client's certificate
};

// A method that is served natively on the loop.
struct Method {
  std::function<void(std::shared_ptr<ServerCall>)> handler;
  // Also a client may call it whose certificate makes it a caller, and not a member.
  bool for_callers = false;
  // Its bytes have a share of their own: what others send holds it up no more than it must.
  bool control = false;
  // The client may send any number of messages, and the handler runs for each, one after another, which it answers by
  // send(): the next one not before the client has taken most of what it was answered. After the last one the call ends
  // with OK; dropping it is not an error.
  bool streams_requests = false;
  // For calls that stay open: how many there may be, beyond which they end with RESOURCE_EXHAUSTED. Null: no bound but
  // that on the streams of a connection.
  std::shared_ptr<OpenStreams> open_streams = {};
  std::size_t max_message = std::size_t{4} << 20;
  // The server's own refusals: kOversize, kMalformed, kForbidden.
  GrpcStatus oversize = GrpcStatus::kResourceExhausted;
  GrpcStatus malformed = GrpcStatus::kInternal;
  GrpcStatus forbidden = GrpcStatus::kPermissionDenied;
  // Trailers that a refusal made by the server carries besides; may be empty.
  std::function<Metadata(Refusal)> refusal;
};

// Path ("/messages.ControlPlane/Apply") to native method. Filled before listening, then read only.
class MethodTable {
 public:
  void add(std::string path, Method method) { methods_.insert_or_assign(std::move(path), std::move(method)); }
  const Method* find(std::string_view path) const {
    const auto found = methods_.find(absl::string_view(path.data(), path.size()));
    return found == methods_.end() ? nullptr : &found->second;
  }
  // The full names of the services that have a method here.
  std::set<std::string> services() const {
    std::set<std::string> names;
    for (const auto& [path, method] : methods_) names.insert(path.substr(1, path.rfind('/') - 1));
    return names;
  }

 private:
  absl::flat_hash_map<std::string, Method> methods_;
};

}  // namespace ringside::net
