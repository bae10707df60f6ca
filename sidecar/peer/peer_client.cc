#include "sidecar/peer/peer_client.h"

#include <utility>

#include <boost/asio/post.hpp>

#include "sidecar/core/host_name.h"
#include "sidecar/peer/codec.h"
#include "sidecar/wire/method_call.h"
#include "sidecar/wire/outcome.h"
#include "sidecar/wire/peer_headers.h"

namespace ringside::peer {
namespace {

constexpr std::size_t kReservedStreams = 16;  // pings do not wait behind calls
constexpr std::chrono::milliseconds kGrace{100};
static_assert(kGrace > core::kAnswerGrace, "the core gives up before");
constexpr std::chrono::seconds kUnused{120};
constexpr std::chrono::seconds kAsksWhose{2};
constexpr std::chrono::seconds kSweep{30};

core::PeerFailure failure_of(const net::CallResult& result) {
  using Kind = core::PeerFailure::Kind;
  core::PeerFailure failure;
  failure.detail = result.message;
  if (result.refused || result.reset) {
    failure.kind = Kind::kReset;
  } else if (result.unresolved) {
    failure.kind = Kind::kUnresolved;
  } else if (!result.from_server) {
    failure.kind = result.delivery == net::Delivery::kNotSent ? Kind::kUnreachable : Kind::kLost;
  } else if (result.status == net::GrpcStatus::kFailedPrecondition) {
    failure.kind = Kind::kMismatch;
  } else if (result.status == net::GrpcStatus::kUnimplemented) {
    failure.kind = Kind::kUnserved;
  } else {
    failure.kind = Kind::kRejected;
  }
  return failure;
}

core::Answer answer_of(net::CallResult result) {
  using core::Answer;
  using core::Outcome;
  using core::Reason;
  if (result.delivery == net::Delivery::kNotSent) {
    return Answer::failed(Outcome::kNotDelivered, Reason::kPeerUnreachable, result.message);
  }
  if (!result.from_server) {
    const bool late = result.status == net::GrpcStatus::kDeadlineExceeded && !result.reset;
    return Answer::failed(Outcome::kUnknown, late ? Reason::kDeadline : Reason::kPeerLost, result.message);
  }
  return wire::read_answer(result.status, result.message, result.trailers, std::move(result.body));
}

}  // namespace

// The parts of one inventory, as they come in.
struct PeerClient::InventoryRead {
  core::InventoryAnswer whole;
  std::size_t remembered_bytes = 0;
  bool complete = false;
  bool malformed = false;
};

PeerClient::PeerClient(net::Loop& loop, PeerClientOptions options, core::PeerSink& sink)
    : loop_(loop), options_(std::move(options)), sink_(sink) {}

PeerClient::~PeerClient() = default;

net::GrpcChannel* PeerClient::channel(const std::string& host) {
  const auto now = net::Clock::now();
  if (now >= next_sweep_) {
    next_sweep_ = now + kSweep;
    drop_unused();
  }
  Host& entry = channels_[host];
  entry.last_used = now;
  if (entry.channel) return entry.channel.get();
  const auto name = core::parse_host_name(host);
  if (!name) {
    channels_.erase(host);
    return nullptr;
  }
  net::ChannelOptions options;
  options.endpoint.host = name->address;
  options.endpoint.port = name->port;
  options.resolver = options_.resolver;
  options.random = options_.random;
  options.reserved_streams = kReservedStreams;
  options.on_transport = [this, host](net::Transport& transport) {
    const auto found = channels_.find(host);
    std::string address = transport.peer_address();
    if (found == channels_.end() || found->second.reached_at == address) return;
    found->second.reached_at = std::move(address);
    if (options_.on_reached) options_.on_reached();
  };
  options.on_disconnected = [this, host](const net::CallResult&) { sink_.connection_lost(host); };
  entry.channel = std::make_unique<net::GrpcChannel>(loop_, std::move(options));
  return entry.channel.get();
}

std::string PeerClient::reached_at(const std::string& host) const {
  const auto found = channels_.find(host);
  return found == channels_.end() ? std::string() : found->second.reached_at;
}

void PeerClient::drop_unused() {
  std::erase_if(channels_, [this, now = net::Clock::now()](const auto& entry) {
    const bool unused = now - entry.second.last_used > kUnused && entry.second.channel->open_calls() == 0;
    if (unused && options_.speakers != nullptr) options_.speakers->forget(entry.first);
    return unused;
  });
}

net::Metadata PeerClient::metadata() const {
  net::Metadata metadata;
  metadata.add(std::string(wire::kSourceHeader), wire::write_source(sink_.self()));
  return metadata;
}

net::Metadata PeerClient::proven_metadata(const std::string& host) {
  net::Metadata proven = metadata();
  std::string proof = options_.speakers != nullptr ? options_.speakers->proof_for(host) : std::string();
  if (!proof.empty()) proven.add(std::string(wire::kProofHeader), std::move(proof));
  return proven;
}

void PeerClient::ask_whose(const std::string& host, const std::string& proof) {
  const auto told = [this, host, proof](bool yes) { options_.speakers->was_asked(host, proof, yes); };
  const auto found = channels_.find(host);
  if (found == channels_.end() || !found->second.channel) {
    boost::asio::post(loop_, life_.bind([told] { told(false); }));
    return;
  }
  const Rpc& ping = rpc_of(core::PingRequest{});
  net::CallOptions options;
  options.deadline = net::Clock::now() + kAsksWhose;
  options.urgent = true;
  options.max_message = ping.max_answer;
  net::Metadata metadata = proven_metadata(host);
  metadata.add(std::string(wire::kProofOfHeader), proof);
  found->second.channel->unary(
      std::string(ping.path), std::move(metadata), ping.encode(core::PingRequest{}), options,
      [told](const net::CallResult& result) {
        told(result.status == net::GrpcStatus::kOk && result.trailers.get(wire::kProofHeader) == "yes");
      });
}

void PeerClient::ask(core::AskPeer question) {
  net::GrpcChannel* to = channel(question.host);
  if (to == nullptr) {
    boost::asio::post(loop_, life_.bind([this, token = question.token] {
      sink_.peer_answered(token, core::PeerFailure{core::PeerFailure::Kind::kUnreachable, "not a host name"});
    }));
    return;
  }
  net::CallOptions options;
  options.deadline = net::Clock::now() + question.timeout;
  // A question about liveness is one about now, not about the last failure to connect.
  options.connect_now = true;
  options.urgent = true;
  const Rpc& rpc = rpc_of(question.request);
  options.max_message = rpc.max_answer;
  if (rpc.in_parts) return ask_inventory(*to, question, proven_metadata(question.host), options);
  std::string body = rpc.encode(question.request);
  to->unary(std::string(rpc.path), proven_metadata(question.host), std::move(body), options,
            [this, host = question.host, token = question.token,
             asked = std::move(question.request)](const net::CallResult& result) {
              const bool proves = result.trailers.find(wire::kProofHeader) != nullptr;
              if (options_.speakers != nullptr && proves) options_.speakers->proves(host);
              if (result.status != net::GrpcStatus::kOk) return sink_.peer_answered(token, failure_of(result));
              auto answer = decode_answer(asked, result.body);
              if (!answer) answer = core::PeerFailure{core::PeerFailure::Kind::kRejected, "its answer is malformed"};
              sink_.peer_answered(token, std::move(*answer));
            });
}

void PeerClient::ask_inventory(net::GrpcChannel& channel, const core::AskPeer& question, net::Metadata metadata,
                               net::CallOptions options) {
  const auto read = std::make_shared<InventoryRead>();
  net::StreamHandlers handlers;
  handlers.on_message = [this, token = question.token, read](const std::string& bytes) {
    auto part = decode_inventory_part(bytes);
    if (!part || read->complete) {
      read->malformed = true;
      return;
    }
    // Not by its claims: those are counted. What is left of a part are answers.
    if (!part->answer.remembered.empty()) read->remembered_bytes += bytes.size();
    if (read->whole.claims.size() + part->answer.claims.size() > options_.max_claims ||
        read->remembered_bytes > options_.max_remembered_bytes) {
      const auto stream = inventories_.extract(token).mapped();  // it holds this function until its end
      stream->cancel();
      read->whole = {};
      return sink_.peer_answered(token, core::PeerFailure{core::PeerFailure::Kind::kRejected,
                                                          "its inventory is larger than any that a host could keep (" +
                                                              std::to_string(options_.max_claims) + " ids)"});
    }
    read->whole.status = part->answer.status;
    read->whole.number = part->answer.number;
    read->complete = part->last;
    auto& claims = read->whole.claims;
    claims.insert(claims.end(), part->answer.claims.begin(), part->answer.claims.end());
    auto& remembered = read->whole.remembered;
    std::move(part->answer.remembered.begin(), part->answer.remembered.end(), std::back_inserter(remembered));
  };
  handlers.on_finish = [this, token = question.token, read](const net::CallResult& result) {
    inventories_.erase(token);
    if (result.status == net::GrpcStatus::kOk && read->complete && !read->malformed) {
      sink_.peer_answered(token, std::move(read->whole));
    } else {
      sink_.peer_answered(token, failure_of(result));
    }
  };
  const Rpc& rpc = rpc_of(question.request);
  const auto stream = channel.stream(std::string(rpc.path), std::move(metadata), options, std::move(handlers));
  inventories_[question.token] = stream;
  stream->send(rpc.encode(question.request));
  stream->half_close();
}

void PeerClient::forward(core::ForwardCall call) {
  net::GrpcChannel* to = channel(call.host);
  if (to == nullptr) {
    forwards_[call.token] = {call.host, 0};
    boost::asio::post(loop_, life_.bind([this, token = call.token] {
      if (forwards_.erase(token) == 0) return;  // abandoned
      sink_.forward_answered(
          token, core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kPeerUnreachable, "not a host name"));
    }));
    return;
  }
  const core::Call& what = *call.call;
  net::Metadata headers;
  if (!call.legacy) {
    headers = metadata();
    headers.add(std::string(wire::kTargetHeader), wire::write_target(call.target));
    headers.add(std::string(wire::kHopsHeader), std::to_string(call.hops));
    if (!what.idempotency_key.empty()) headers.add(std::string(wire::kIdempotencyKeyHeader), what.idempotency_key);
    if (!what.chain.empty()) headers.add(std::string(wire::kChainHeader), what.chain);
    if (what.kind == core::Call::Kind::kDeactivate) headers.add(std::string(wire::kDeactivateHeader), "true");
    if (!what.actor_name.empty()) {
      headers.add(std::string(wire::kActorNameHeader), net::encode_bin(what.actor_name));
    }
  }
  if (!what.traceparent.empty()) headers.add("traceparent", what.traceparent);
  if (!what.tracestate.empty()) headers.add("tracestate", what.tracestate);
  net::CallOptions options;
  options.deadline = options_.to_clock(what.deadline);
  options.grace = kGrace;
  options.max_message = options_.max_message + wire::kMaxMethodEnvelope;
  const net::GrpcChannel::CallId id = to->unary(std::string(kApplyPath), std::move(headers), wire::write_batch(what),
                                                options, [this, token = call.token](net::CallResult result) {
                                                  forwards_.erase(token);
                                                  sink_.forward_answered(token, answer_of(std::move(result)));
                                                });
  forwards_[call.token] = {call.host, id};
}

void PeerClient::abandon(core::ForwardId forward) {
  const auto found = forwards_.find(forward);
  if (found == forwards_.end()) return;
  const auto host = channels_.find(found->second.host);
  if (host != channels_.end()) host->second.channel->cancel(found->second.call);
  forwards_.erase(found);
}

void PeerClient::drop_queue(const std::string& host) {
  const auto found = channels_.find(host);
  if (found != channels_.end()) found->second.channel->drop_all("taken for dead");
}

}  // namespace ringside::peer
