#include "sidecar/peer/peer_server.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sidecar/core/overloaded.h"
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

void fail(const std::shared_ptr<net::ServerCall>& call, const core::PeerFailure& failure) {
  const bool mismatch = failure.kind == core::PeerFailure::Kind::kMismatch;
  call->finish(mismatch ? net::GrpcStatus::kFailedPrecondition : net::GrpcStatus::kUnavailable, failure.detail);
}

std::size_t length_of(const core::PeerRequest& request) {
  return std::visit(core::Overloaded{
                        [](const core::OwnershipRequest& claims) { return claims.claims.size(); },
                        [](const core::LegacyExpiryRequest& expiry) { return expiry.ids.size(); },
                        [](const core::EndedRequest& ends) { return ends.ended.size(); },
                        [](const auto&) { return std::size_t{0}; },
                    },
                    request);
}

// The last so many of a list, which are taken off it.
template <typename T>
std::vector<T> take_last(std::vector<T>& list, std::size_t most) {
  const auto first = list.end() - static_cast<std::ptrdiff_t>(std::min(most, list.size()));
  std::vector<T> last(std::make_move_iterator(first), std::make_move_iterator(list.end()));
  list.erase(first, list.end());
  return last;
}

core::PeerRequest take_slice(core::PeerRequest& request) {
  return std::visit(core::Overloaded{
                        [](core::OwnershipRequest& all) -> core::PeerRequest {
                          auto claims = take_last(all.claims, core::kMostInSlice);
                          return core::OwnershipRequest{all.host, all.generation, std::move(claims), all.asks};
                        },
                        [](core::LegacyExpiryRequest& all) -> core::PeerRequest {
                          return core::LegacyExpiryRequest{all.host, take_last(all.ids, core::kMostInSlice)};
                        },
                        [](core::EndedRequest& all) -> core::PeerRequest {
                          return core::EndedRequest{take_last(all.ended, core::kMostInSlice)};
                        },
                        [](auto& all) -> core::PeerRequest { return std::move(all); },
                    },
                    request);
}

// What all slices are answered together.
void add_answer(core::PeerAnswer& all, core::PeerAnswer slice) {
  auto* ack = std::get_if<core::AckAnswer>(&all);
  auto* more = std::get_if<core::AckAnswer>(&slice);
  if (ack != nullptr && more != nullptr) {
    ack->accepted = ack->accepted && more->accepted;
    if (ack->message.empty()) ack->message = std::move(more->message);
    ack->rejected.insert(ack->rejected.end(), more->rejected.begin(), more->rejected.end());
    return;
  }
  const auto* ended = std::get_if<core::EndedAnswer>(&all);
  if (ended == nullptr || ended->status == core::ReplyStatus::kOk) all = std::move(slice);
}

}  // namespace

// A list of this host's that somebody has asked for.
struct PeerServer::Told {
  std::shared_ptr<net::ServerCall> call;
  core::Sender sender;
  core::PeerRequest request;  // for the next slice
  IdsWriter ids;
  bool awaits_reader = false;
};

// A list that somebody announces.
struct PeerServer::Heard {
  std::shared_ptr<net::ServerCall> call;
  core::Sender sender;
  core::PeerRequest rest;
  core::PeerAnswer answer;
  bool answered = false;
};

PeerServer::PeerServer(net::Loop& loop, PeerServerOptions options, core::Gateway& gateway, core::PeerSink& sink)
    : options_(std::move(options)), gateway_(gateway), sink_(sink), lists_(loop) {}

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

// What ends activations counts from the host itself alone, which is asked for that. An inventory tells no more than
// GetLocalActorIds tells anybody; and where a hundred hosts start at once, to ask back for each would be a storm.
core::Sender PeerServer::sender_of(const net::ServerCall& call, const core::PeerRequest& request) const {
  const std::string* source = call.metadata().find(wire::kSourceHeader);
  if (source == nullptr) return {};
  core::Sender sender = wire::read_source(*source).value_or(core::Sender{});
  const bool tells_all = std::holds_alternative<core::InventoryRequest>(request);
  if (options_.speakers != nullptr && !sender.host.empty() && !tells_all) {
    const Speakers::Origin origin{call.peer_address(), call.certificate(),
                                  std::string(call.metadata().get(wire::kProofHeader))};
    const bool asks = std::holds_alternative<core::EndedRequest>(request);
    sender.from_elsewhere = !options_.speakers->is_from(sender, origin, asks);
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
  if (options_.on_heard && !sender.host.empty() && !sender.from_elsewhere) {
    options_.on_heard(sender.host, call->certificate() != nullptr, call->metadata().get(wire::kPeerTlsHeader));
  }
  net::Metadata proof;
  if (std::holds_alternative<core::PingRequest>(*request)) proof = proof_for(*call, sender);
  if (std::holds_alternative<core::IdsRequest>(*request) || rpc.in_parts) {
    return tell(std::make_shared<Told>(Told{call, std::move(sender), std::move(*request), {}, false}));
  }
  if (length_of(*request) > core::kMostInSlice) {
    return hear(std::make_shared<Heard>(Heard{call, std::move(sender), std::move(*request), {}, false}));
  }
  sink_.peer_asked(std::move(sender), call->peer_address(), std::move(*request),
                   [call, proof = std::move(proof)](const core::PeerAnswer& answer) {
                     if (const auto* failure = std::get_if<core::PeerFailure>(&answer)) return fail(call, *failure);
                     call->reply(encode_answer(answer), proof);
                   });
}

// ---- long lists -----------------------------------------------------------------------------------------------------

void PeerServer::tell(const std::shared_ptr<Told>& list) {
  sink_.peer_asked(list->sender, list->call->peer_address(), list->request,
                   [this, list](const core::PeerAnswer& slice) { told(list, slice); });
}

void PeerServer::told(const std::shared_ptr<Told>& list, const core::PeerAnswer& slice) {
  if (const auto* ids = std::get_if<core::IdsAnswer>(&slice)) return told_ids(list, *ids);
  if (const auto* inventory = std::get_if<core::InventoryAnswer>(&slice)) return told_inventory(list, *inventory);
  const auto* failure = std::get_if<core::PeerFailure>(&slice);
  fail(list->call, failure != nullptr ? *failure : core::PeerFailure{core::PeerFailure::Kind::kRejected, "no list"});
  ids_over(list);
}

void PeerServer::tell_later(const std::shared_ptr<Told>& list) {
  if (!has_room_for_list(*list->call)) return ids_over(list);
  lists_.add(list->call->peer_address() + " " + list->sender.host, [this, list] {
    if (!list->call->cancelled()) {
      tell(list);
    } else {
      ids_over(list);
    }
    return false;
  });
}

bool PeerServer::has_room_for_list(net::ServerCall& call) const {
  constexpr std::size_t kMostLists = 1024;
  if (lists_.size() < kMostLists) return true;
  call.finish(net::GrpcStatus::kUnavailable, "too many long lists are being told and heard: ask again");
  return false;
}

// Parts go out as fast as the asker takes them.
void PeerServer::told_inventory(const std::shared_ptr<Told>& list, const core::InventoryAnswer& slice) {
  constexpr std::size_t kAhead = std::size_t{1} << 20;
  for (std::string& part : encode_inventory(slice)) list->call->send(std::move(part));
  if (!slice.more) return list->call->finish(net::GrpcStatus::kOk, "");
  auto& request = std::get<core::InventoryRequest>(list->request);
  request.after = slice.upto;
  request.as_of = slice.as_of;
  if (list->call->unsent_bytes() < kAhead) return tell_later(list);
  list->awaits_reader = true;
  list->call->on_writable(life_.bind([this, list] {
    if (std::exchange(list->awaits_reader, false)) tell_later(list);
  }));
}

// They go out in one message, which takes memory until it is whole: one such list is made at a time.
void PeerServer::told_ids(const std::shared_ptr<Told>& list, const core::IdsAnswer& slice) {
  constexpr std::size_t kMostWaiting = 64;
  const bool is_first = std::get<core::IdsRequest>(list->request).after == 0;
  list->ids.add(slice);
  std::get<core::IdsRequest>(list->request).after = slice.upto;
  if (!slice.more) {
    list->call->reply(list->ids.take());
    return ids_over(list);
  }
  if (!is_first) return tell_later(list);
  std::erase_if(telling_ids_,
                [this](const auto& one) { return one != telling_ids_.front() && one->call->cancelled(); });
  if (telling_ids_.size() >= kMostWaiting) {
    return list->call->finish(net::GrpcStatus::kUnavailable, "too many ask for all ids at once: ask again");
  }
  telling_ids_.push_back(list);
  if (telling_ids_.size() == 1) tell_later(list);
}

void PeerServer::ids_over(const std::shared_ptr<Told>& list) {
  if (telling_ids_.empty() || telling_ids_.front() != list) return;
  telling_ids_.pop_front();
  if (!telling_ids_.empty()) tell_later(telling_ids_.front());
}

// One slice after another, each once the one before it is answered.
void PeerServer::hear(const std::shared_ptr<Heard>& list) {
  sink_.peer_asked(list->sender, list->call->peer_address(), take_slice(list->rest),
                   [this, list](core::PeerAnswer answer) { heard(list, std::move(answer)); });
}

void PeerServer::heard(const std::shared_ptr<Heard>& list, core::PeerAnswer answer) {
  if (const auto* failure = std::get_if<core::PeerFailure>(&answer)) return fail(list->call, *failure);
  if (std::exchange(list->answered, true)) {
    add_answer(list->answer, std::move(answer));
  } else {
    list->answer = std::move(answer);
  }
  if (length_of(list->rest) == 0) return list->call->reply(encode_answer(list->answer));
  if (!has_room_for_list(*list->call)) return;
  lists_.add(list->call->peer_address() + " " + list->sender.host, [this, list] {
    hear(list);
    return false;
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
  const auto read = wire::read_grpc_call(headers, left, limits, gateway_.now().mono, apply);
  if (!read) return base::Error(read.error());
  // What cannot be read says nothing of how often the call was sent on, or to whom: it may not be guessed.
  const std::string* hops = headers.find(wire::kHopsHeader);
  const std::string* target = headers.find(wire::kTargetHeader);
  if (hops != nullptr) apply.hops = wire::read_hops(*hops);
  if (target != nullptr) apply.target = wire::read_target(*target);
  if ((hops != nullptr && !apply.hops) || (target != nullptr && !apply.target)) {
    return base::Error(wire::invalid(core::Reason::kMalformed, "ringside-hops or ringside-target is malformed"));
  }
  if (const std::string* name = headers.find(wire::kActorNameHeader)) {
    apply.actor_name = net::decode_bin(*name).value_or("").substr(0, kMaxName);
  }
  return apply;
}

void PeerServer::serve_apply(const std::shared_ptr<net::ServerCall>& call) {
  auto apply = read_apply(*call);
  if (!apply) return refuse(*call, std::move(apply.error()));
  const auto done = [call](core::Answer answer) { wire::finish_apply(*call, std::move(answer)); };
  const core::CallId token = gateway_.apply(std::move(*apply), done);
  call->on_cancel([this, token] { gateway_.cancel(token); });
}

}  // namespace ringside::peer
