#include "sidecar/peer/peer_client.h"

#include <algorithm>
#include <deque>
#include <utility>

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
  if (result.no_listener || result.reset) {
    failure.kind = Kind::kReset;
  } else if (result.not_spoken) {
    failure.kind = Kind::kNotSpoken;
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

// The number of the inventory that it is for; 0: none.
core::InventoryNumber list_asked_for(const core::PeerRequest& request) {
  if (const auto* ids = std::get_if<core::IdsRequest>(&request)) return ids->inventory;
  const auto* inventory = std::get_if<core::InventoryRequest>(&request);
  return inventory != nullptr ? inventory->number : core::InventoryNumber();
}

std::function<core::PeerAnswer()> ids_in(std::string body) {
  return [reader = std::make_shared<IdsReader>(std::move(body))]() -> core::PeerAnswer {
    auto slice = reader->next(core::kMostInSlice);
    if (!slice) return core::PeerFailure{core::PeerFailure::Kind::kRejected, "its answer is malformed"};
    return std::move(*slice);
  };
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

// The parts of one inventory, as they come in. What an inventory says counts once all of it is here.
struct PeerClient::InventoryRead {
  std::deque<core::InventoryAnswer> parts;
  std::size_t claims = 0;
  std::size_t remembered_bytes = 0;
  core::InventoryAnswer about;  // its status and number
  bool complete = false;
  bool malformed = false;
  std::size_t taken = 0;  // claims of the first part

  core::PeerAnswer next_slice();
};

core::PeerAnswer PeerClient::InventoryRead::next_slice() {
  core::InventoryAnswer slice = about;
  while (!parts.empty() && slice.claims.size() + slice.remembered.size() < core::kMostInSlice) {
    core::InventoryAnswer& part = parts.front();
    const std::size_t count = std::min(part.claims.size() - taken, core::kMostInSlice - slice.claims.size());
    const auto first = part.claims.begin() + static_cast<std::ptrdiff_t>(taken);
    slice.claims.insert(slice.claims.end(), first, first + static_cast<std::ptrdiff_t>(count));
    taken += count;
    if (taken != part.claims.size()) break;
    std::move(part.remembered.begin(), part.remembered.end(), std::back_inserter(slice.remembered));
    parts.pop_front();
    taken = 0;
  }
  slice.more = !parts.empty();
  return slice;
}

PeerClient::PeerClient(net::Loop& loop, PeerClientOptions options, core::PeerSink& sink)
    : loop_(loop), options_(std::move(options)), sink_(sink), lists_(loop) {}

PeerClient::~PeerClient() = default;

net::GrpcChannel* PeerClient::channel(const std::string& host) {
  const auto now = net::Clock::now();
  if (now >= next_sweep_) {
    next_sweep_ = now + kSweep;
    drop_unused();
  }
  if (!channels_.contains(host) && !has_room_for(host)) return nullptr;
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
  options.tls = options_.tls;
  options.tls_setting = "--peer-tls";
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

// Of those that nobody expects, one that nothing is asked of just now makes room.
bool PeerClient::has_room_for(const std::string& host) {
  if (!options_.is_expected || options_.is_expected(host)) return true;
  std::size_t unexpected = 0;
  auto idle = channels_.end();
  for (auto at = channels_.begin(); at != channels_.end(); ++at) {
    if (options_.is_expected(at->first)) continue;
    ++unexpected;
    const bool is_idle = at->second.channel && at->second.channel->open_calls() == 0;
    if (is_idle && (idle == channels_.end() || at->second.last_used < idle->second.last_used)) idle = at;
  }
  if (unexpected < options_.most_unexpected) return true;
  if (idle == channels_.end()) return false;
  if (options_.speakers != nullptr) options_.speakers->forget(idle->first);
  channels_.erase(idle);
  return true;
}

std::size_t PeerClient::connected() const {
  return static_cast<std::size_t>(std::count_if(channels_.begin(), channels_.end(), [](const auto& entry) {
    return entry.second.channel && entry.second.channel->connected();
  }));
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
  if (!options_.tls_mode.empty()) proven.add(std::string(wire::kPeerTlsHeader), options_.tls_mode);
  if (!proof.empty()) proven.add(std::string(wire::kProofHeader), std::move(proof));
  return proven;
}

void PeerClient::ask_whose(const std::string& host, const std::string& proof) {
  const auto told = [this, host, proof](bool yes) { options_.speakers->was_asked(host, proof, yes); };
  const auto found = channels_.find(host);
  if (found == channels_.end() || !found->second.channel) {
    loop_.post(life_.bind([told] { told(false); }));
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
    loop_.post(life_.bind([this, token = question.token] {
      sink_.peer_answered(token, core::PeerFailure{core::PeerFailure::Kind::kUnreachable,
                                                   "not a host name, or too many that are not members are looked at"});
    }));
    return;
  }
  // Asked again while its list is on the way, it would only send another one.
  const core::InventoryNumber list = list_asked_for(question.request);
  if (list && !lists_on_the_way_.emplace(question.host, list).second) {
    loop_.post(life_.bind([this, token = question.token] {
      sink_.peer_answered(token, core::PeerFailure{core::PeerFailure::Kind::kLost, "it is answering this already"});
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
  net::Metadata metadata = proven_metadata(question.host);
  if (std::holds_alternative<core::PingRequest>(question.request)) {
    metadata.add(std::string(wire::kPhaseHeader), wire::write_phase(sink_.self().phase));
  }
  to->unary(std::string(rpc.path), std::move(metadata), std::move(body), options,
            [this, host = question.host, token = question.token,
             asked = std::move(question.request)](net::CallResult result) {
              lists_on_the_way_.erase({host, list_asked_for(asked)});
              const bool proves = result.trailers.find(wire::kProofHeader) != nullptr;
              if (options_.speakers != nullptr && proves) options_.speakers->proves(host);
              if (result.status != net::GrpcStatus::kOk) return sink_.peer_answered(token, failure_of(result));
              if (std::holds_alternative<core::IdsRequest>(asked)) {
                return take_list(host, token, ids_in(std::move(result.body)));
              }
              auto answer = decode_answer(asked, result.body);
              if (!answer) answer = core::PeerFailure{core::PeerFailure::Kind::kRejected, "its answer is malformed"};
              sink_.peer_answered(token, std::move(*answer));
            });
}

// In slices. What a host has listed is taken in before what it lists later.
void PeerClient::take_list(const std::string& host, core::QuestionId token, std::function<core::PeerAnswer()> next) {
  LoopScheduler::Step step = [this, token, next = std::move(next)] {
    core::PeerAnswer slice = next();
    const bool more = core::goes_on(slice);
    sink_.peer_answered(token, std::move(slice));
    return more;
  };
  if (lists_.has(host) || step()) lists_.add(host, std::move(step));
}

void PeerClient::ask_inventory(net::GrpcChannel& channel, const core::AskPeer& question, net::Metadata metadata,
                               net::CallOptions options) {
  const auto read = std::make_shared<InventoryRead>();
  net::StreamHandlers handlers;
  const core::InventoryNumber number = list_asked_for(question.request);
  handlers.on_message = [this, host = question.host, token = question.token, number, read](const std::string& bytes) {
    auto part = decode_inventory_part(bytes);
    if (!part || read->complete) {
      read->malformed = true;
      return;
    }
    // Not by its claims: those are counted. What is left of a part are answers.
    if (!part->answer.remembered.empty()) read->remembered_bytes += bytes.size();
    read->claims += part->answer.claims.size();
    if (read->claims > options_.max_claims || read->remembered_bytes > options_.max_remembered_bytes) {
      const auto stream = inventories_.extract(token).mapped();  // it holds this function until its end
      stream->cancel();
      read->parts.clear();
      lists_on_the_way_.erase({host, number});
      return sink_.peer_answered(token, core::PeerFailure{core::PeerFailure::Kind::kRejected,
                                                          "its inventory is larger than any that a host could keep (" +
                                                              std::to_string(options_.max_claims) + " ids)"});
    }
    read->about.status = part->answer.status;
    read->about.number = part->answer.number;
    read->complete = part->last;
    if (part->answer.status == core::ReplyStatus::kOk) {
      read->parts.push_back(std::move(part->answer));
    } else {
      read->parts.clear();
    }
  };
  handlers.on_finish = [this, host = question.host, token = question.token, number,
                        read](const net::CallResult& result) {
    inventories_.erase(token);
    lists_on_the_way_.erase({host, number});
    if (result.status == net::GrpcStatus::kOk && read->complete && !read->malformed) {
      take_list(host, token, [read] { return read->next_slice(); });
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
    loop_.post(life_.bind([this, token = call.token] {
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
