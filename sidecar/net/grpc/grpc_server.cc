#include "sidecar/net/grpc/grpc_server.h"

#include <optional>
#include <string_view>
#include <utility>

#include "sidecar/net/grpc/native_stream.h"
#include "sidecar/net/http2/http2_server_session.h"

namespace ringside::net {

namespace {

bool is_grpc(std::string_view content_type) {
  constexpr std::string_view kGrpc = "application/grpc";
  if (!content_type.starts_with(kGrpc)) return false;
  content_type.remove_prefix(kGrpc.size());
  return content_type.empty() || content_type[0] == '+' || content_type[0] == ';';
}

void refuse(Http2ServerSession& session, std::int32_t id, const Method* method, Refusal why, GrpcStatus status,
            std::string_view message) {
  const std::string code = std::to_string(static_cast<int>(status));
  const std::string text = encode_grpc_message(message);
  const Metadata more = method && method->refusal ? method->refusal(why) : Metadata();
  HeaderList headers;
  headers.add(":status", "200");
  headers.add("content-type", "application/grpc");
  headers.add("grpc-status", code);
  headers.add("grpc-message", text);
  if (status == GrpcStatus::kUnimplemented) headers.add("grpc-accept-encoding", "identity");
  headers.add(more);
  session.submit_response(id, headers, false);
}

class GrpcService final : public Http2Service {
 public:
  explicit GrpcService(std::shared_ptr<const GrpcServerOptions> options)
      : options_(std::move(options)), others_(options_->not_grpc ? options_->not_grpc() : nullptr) {}

  std::shared_ptr<ServerStream> open(const std::shared_ptr<Http2ServerSession>& session, std::int32_t id,
                                     RequestHead head) override {
    const Method* method = options_->methods ? options_->methods->find(head.path) : nullptr;
    // Of headers that are not whole the content type may be missing.
    const bool not_whole = head.too_large || head.no_room;
    const bool grpc = is_grpc(head.metadata.get("content-type"));
    if (others_ && !grpc && !(method && not_whole)) return others_->open(session, id, std::move(head));
    if (head.too_large) {
      refuse(*session, id, method, Refusal::kOversize, method ? method->oversize : GrpcStatus::kResourceExhausted,
             "the metadata is larger than the limit of " + std::to_string(session->options().max_header_list) +
                 " bytes, or has too many fields");
      return nullptr;
    }
    if (head.no_room) {
      refuse(*session, id, method, Refusal::kOverloaded, GrpcStatus::kResourceExhausted,
             "too many bytes are waiting on this connection, or in all");
      return nullptr;
    }
    if (!grpc) return refuse_http(*session, id, 415);
    if (head.method != "POST") return refuse_http(*session, id, 405);
    if (options_->guard) {
      const auto passed = options_->guard(head.authority, session->peer(), head.metadata);
      if (!passed) {
        refuse(*session, id, method, Refusal::kForbidden, method ? method->forbidden : GrpcStatus::kPermissionDenied,
               passed.error());
        return nullptr;
      }
    }
    if (!method) {
      refuse(*session, id, nullptr, Refusal::kUnserved, GrpcStatus::kUnimplemented,
             "the method " + head.path + " is not served here");
      return nullptr;
    }
    const SecurePeer* client = session->certificate().get();
    if (client != nullptr && !client->member && !method->for_callers) {
      refuse(*session, id, method, Refusal::kForbidden, method->forbidden,
             client->identity + " may call actors here (--caller-id), and is not a member (--member-id)");
      return nullptr;
    }
    return open(session, id, *method, std::move(head));
  }

  void on_pass_end(Http2ServerSession& session) override {
    if (others_) others_->on_pass_end(session);
  }
  std::optional<Clock::time_point> longest_waiting() override {
    return others_ ? others_->longest_waiting() : std::nullopt;
  }
  void give_bytes() override {
    if (others_) others_->give_bytes();
  }

 private:
  static std::shared_ptr<ServerStream> open(const std::shared_ptr<Http2ServerSession>& session, std::int32_t id,
                                            const Method& method, RequestHead head) {
    const std::string* encoding = head.metadata.find("grpc-encoding");
    if (encoding && *encoding != "identity") {
      refuse(*session, id, &method, Refusal::kUnserved, GrpcStatus::kUnimplemented,
             "the encoding " + *encoding + " is not supported here: send messages as they are (identity)");
      return nullptr;
    }
    std::optional<Clock::time_point> deadline;
    if (const std::string* timeout = head.metadata.find("grpc-timeout")) {
      const auto parsed = parse_grpc_timeout(*timeout);
      if (!parsed) {
        refuse(*session, id, &method, Refusal::kMalformed, method.malformed, "malformed grpc-timeout");
        return nullptr;
      }
      deadline = head.arrived + *parsed;
    }
    OpenStreams* const open_streams = method.open_streams.get();
    if (open_streams != nullptr && open_streams->stopped()) {
      refuse(*session, id, &method, Refusal::kUnserved, GrpcStatus::kUnavailable, kClosing);
      return nullptr;
    }
    if (open_streams != nullptr && !open_streams->has_room(session.get())) {
      refuse(*session, id, &method, Refusal::kOverloaded, GrpcStatus::kResourceExhausted,
             "too many streams of " + head.path + " are open, on this connection or in all");
      return nullptr;
    }
    auto stream = std::make_shared<NativeStream>(session, id, method, std::move(head), deadline);
    if (open_streams != nullptr) open_streams->add(session.get(), *stream);
    return stream;
  }

  static std::shared_ptr<ServerStream> refuse_http(Http2ServerSession& session, std::int32_t id, int status) {
    const std::string code = std::to_string(status);
    HeaderList headers;
    headers.add(":status", code);
    session.submit_response(id, headers, false);
    return nullptr;
  }

  std::shared_ptr<const GrpcServerOptions> options_;
  std::unique_ptr<Http2Service> others_;  // null: there are none
};

}  // namespace

std::function<std::unique_ptr<Http2Service>()> serve_grpc(GrpcServerOptions options) {
  return [shared = std::make_shared<const GrpcServerOptions>(std::move(options))] {
    return std::make_unique<GrpcService>(shared);
  };
}

}  // namespace ringside::net
