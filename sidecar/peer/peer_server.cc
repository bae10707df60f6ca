#include "sidecar/peer/peer_server.h"

#include <algorithm>
#include <utility>

#include "sidecar/peer/codec.h"
#include "sidecar/wire/apply.h"
#include "sidecar/wire/call_headers.h"
#include "sidecar/wire/invalid.h"
#include "sidecar/wire/method_call.h"
#include "sidecar/wire/outcome.h"
#include "sidecar/wire/peer_headers.h"

namespace ringside::peer {
namespace {

constexpr std::size_t kMaxControlMessage = std::size_t{16} << 20;
constexpr std::size_t kMaxName = 1024;

}  // namespace

PeerServer::PeerServer(net::Loop& loop, PeerServerOptions options, core::Gateway& gateway, core::PeerSink& sink)
    : options_(std::move(options)), gateway_(gateway), sink_(sink), lists_(loop, sink) {}

void PeerServer::add_methods(net::MethodTable& table) {
  for (const Rpc& rpc : rpcs()) {
    net::Method method;
    method.max_message = kMaxControlMessage;
    method.control = true;
    method.oversize = method.malformed = net::GrpcStatus::kInvalidArgument;
    method.refusal = [this](net::Refusal why) {
      count(wire::server_refusal(why).reason);
      return net::Metadata();
    };
    method.handler = [this, &rpc](const std::shared_ptr<net::ServerCall>& call) { serve(rpc, call); };
    table.add(std::string(rpc.path), std::move(method));
  }
  net::Method apply;
  apply.for_callers = true;
  apply.max_message = options_.max_message + wire::kMaxMethodEnvelope;
  apply.oversize = apply.malformed = net::GrpcStatus::kInvalidArgument;
  apply.refusal = [this](net::Refusal why) {
    const core::Answer answer = wire::server_refusal(why);
    count(answer.reason);
    return wire::grpc_trailers(answer);
  };
  apply.handler = [this](const std::shared_ptr<net::ServerCall>& call) { serve_apply(call); };
  table.add(std::string(kApplyPath), std::move(apply));
}

void PeerServer::count(core::Reason reason) {
  if (options_.on_refusal) options_.on_refusal(reason);
}

void PeerServer::refuse(net::ServerCall& call, core::Answer answer) {
  count(answer.reason);
  wire::finish_apply(call, std::move(answer));
}

// What ends activations, and what asks for explanations, counts from the host itself alone, which is asked for that. An
// inventory tells no more than GetLocalActorIds tells anybody; and where a hundred hosts start at once, to ask back for
// each would be a storm.
core::Sender PeerServer::sender_of(const net::ServerCall& call, const core::PeerRequest& request) const {
  const std::string* source = call.metadata().find(wire::kSourceHeader);
  if (source == nullptr) return {};
  core::Sender sender = wire::read_source(*source).value_or(core::Sender{});
  sender.phase = wire::read_phase(call.metadata().get(wire::kPhaseHeader));
  const bool tells_all = std::holds_alternative<core::InventoryRequest>(request);
  if (options_.speakers != nullptr && !sender.host.empty() && !tells_all) {
    const Speakers::Origin origin{call.peer_address(), call.certificate(),
                                  std::string(call.metadata().get(wire::kProofHeader))};
    const bool asks =
        std::holds_alternative<core::EndedRequest>(request) || std::holds_alternative<core::ExplainRequest>(request);
    sender.proven = options_.speakers->is_proven(sender, origin);
    sender.from_elsewhere = !sender.proven && !options_.speakers->is_from(sender, origin, asks);
  }
  return sender;
}

// That this host proves itself, and whether a number that the other one was told in its name is its own.
net::Metadata PeerServer::proof_for(const net::ServerCall& call, const core::Sender& sender) const {
  net::Metadata trailers;
  if (options_.speakers == nullptr || sender.host.empty()) return trailers;
  const std::string of(call.metadata().get(wire::kProofOfHeader));
  trailers.add(std::string(wire::kProofHeader), options_.speakers->has_drawn(sender.host, of) ? "yes" : "no");
  return trailers;
}

void PeerServer::serve(const Rpc& rpc, const std::shared_ptr<net::ServerCall>& call) {
  auto request = rpc.decode(call->take_message());
  if (!request) {
    count(core::Reason::kMalformed);
    return call->finish(net::GrpcStatus::kInvalidArgument, request.error());
  }
  core::Sender sender = sender_of(*call, *request);
  if (options_.on_heard && !sender.from_elsewhere) {
    options_.on_heard(sender.host, call->peer_address(), call->certificate() != nullptr,
                      call->metadata().get(wire::kPeerTlsHeader));
  }
  net::Metadata proof;
  if (std::holds_alternative<core::PingRequest>(*request)) proof = proof_for(*call, sender);
  if (std::holds_alternative<core::IdsRequest>(*request) || rpc.in_parts) {
    return lists_.tell(call, std::move(sender), std::move(*request));
  }
  if (ListServer::is_long(*request)) return lists_.hear(call, std::move(sender), std::move(*request));
  sink_.peer_asked(std::move(sender), call->peer_address(), std::move(*request),
                   [call, proof = std::move(proof)](const core::PeerAnswer& answer) {
                     if (const auto* failure = std::get_if<core::PeerFailure>(&answer))
                       return finish_failed(*call, *failure);
                     call->reply(encode_answer(answer), proof);
                   });
}

base::Result<core::Call, core::Answer> PeerServer::read_apply(net::ServerCall& call) const {
  core::Call apply;
  apply.origin = core::Origin::kPeer;
  std::string batch = call.take_message();
  const net::Metadata& headers = call.metadata();
  const bool deactivate = headers.get(wire::kDeactivateHeader) == "true";
  if (deactivate && call.certificate() != nullptr && !call.certificate()->member) {
    return base::Error(wire::invalid(core::Reason::kForbidden,
                                     call.certificate()->identity + " may call actors here, and not deactivate them"));
  }
  if (deactivate) apply.kind = core::Call::Kind::kDeactivate;
  const auto needed = deactivate ? wire::Messages::kNotNeeded : wire::Messages::kNeeded;
  const auto id = wire::check_apply(batch, options_.max_message, needed);
  if (!id) return base::Error(id.error());
  apply.id = *id;
  apply.request = std::move(batch);
  std::optional<core::Duration> left;
  if (const auto deadline = call.deadline()) {
    left = std::chrono::duration_cast<core::Duration>(*deadline - net::Clock::now());
  }
  const wire::TimeoutLimits limits{options_.default_timeout, options_.max_timeout};
  auto read = wire::read_grpc_call(headers, left, limits, gateway_.now().mono, std::move(apply));
  if (!read) return read;
  // What cannot be read says nothing of how often the call was sent on, or to whom: it may not be guessed.
  const std::string* hops = headers.find(wire::kHopsHeader);
  const std::string* target = headers.find(wire::kTargetHeader);
  if (hops != nullptr) read->hops = wire::read_hops(*hops);
  if (target != nullptr) read->target = wire::read_target(*target);
  if ((hops != nullptr && !read->hops) || (target != nullptr && !read->target)) {
    return base::Error(wire::invalid(core::Reason::kMalformed, "ringside-hops or ringside-target is malformed"));
  }
  if (const std::string* name = headers.find(wire::kActorNameHeader)) {
    read->actor_name = net::decode_bin(*name).value_or("").substr(0, kMaxName);
  }
  return read;
}

void PeerServer::serve_apply(const std::shared_ptr<net::ServerCall>& call) {
  auto apply = read_apply(*call);
  if (!apply) return refuse(*call, std::move(apply.error()));
  const auto done = [call](core::Answer answer) { wire::finish_apply(*call, std::move(answer)); };
  const core::CallId token = gateway_.apply(std::move(*apply), done);
  call->on_cancel([this, token] { gateway_.cancel(token); });
}

}  // namespace ringside::peer
