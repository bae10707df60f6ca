// Answers between hosts.
#include <algorithm>

#include <google/protobuf/io/coded_stream.h>
#include <messages/control_plane.pb.h>
#include <ringside/peer/v1/peer.pb.h>

#include "sidecar/base/overloaded.h"
#include "sidecar/base/text.h"
#include "sidecar/core/host_name.h"
#include "sidecar/peer/codec.h"
#include "sidecar/peer/codec_ended.h"
#include "sidecar/wire/explanation_json.h"
#include "sidecar/wire/fields.h"
#include "sidecar/wire/peer_headers.h"

namespace ringside::peer {
namespace {

namespace given = ::messages;
namespace ours = ::ringside::peer::v1;

constexpr int kClaimsInPart = 50'000;
constexpr std::size_t kMostOfAZone = 63;        // as --zone allows
constexpr std::uint32_t kMostPoints = 163'840;  // as --points and --weight allow
constexpr int kMostRules = 64;
constexpr std::uint64_t kMostMs = std::uint64_t{1} << 50;  // what a host says of its times

core::Phase to_core(given::Phase phase) {
  return phase >= 0 && phase <= given::PHASE_APP_DOWN ? static_cast<core::Phase>(phase) : core::Phase::kUnspecified;
}

core::ReplyStatus to_core(ours::Verdict status) {
  return status >= 0 && status <= ours::VERDICT_NO_ANSWER ? static_cast<core::ReplyStatus>(status)
                                                          : core::ReplyStatus::kUnspecified;
}

ours::Verdict to_proto(core::ReplyStatus status) { return static_cast<ours::Verdict>(status); }

core::PingAnswer read(const given::PingReply& in) {
  core::PingAnswer out;
  out.host = in.host();
  out.unix_time = in.unix_time();
  out.phase = to_core(in.phase());
  out.generation = core::Generation(in.generation());
  out.ring = core::Fingerprint(in.ring());
  out.ring_hosts = in.members();
  out.asks_to_join = in.asks_to_join();
  out.names = core::Fingerprint(in.names());
  out.actors = in.actors();
  out.load = in.load();
  out.cluster = in.cluster().substr(0, wire::kMostOfAClusterName);
  out.version = in.version().substr(0, 64);
  out.zone = in.zone().substr(0, kMostOfAZone);
  out.points = std::min(in.points(), kMostPoints);
  out.clock = {core::Epoch(in.clock()), core::Epoch(in.clock_by_time())};
  out.routes_only = in.routes_only();
  if (in.standing() >= 0 && in.standing() <= given::STANDING_BURIED) {
    out.standing = static_cast<core::Standing>(in.standing());
  }
  return out;
}

core::NegotiateAnswer read(const given::NegotiateReply& in) {
  return {{in.hosts().begin(), in.hosts().end()}, in.cluster().substr(0, wire::kMostOfAClusterName), in.points()};
}

core::AckAnswer read(const given::OwnerChangeAck& in) {
  core::AckAnswer out{in.accepted(), in.message(), {}};
  for (const given::Rejection& rejected : in.rejected()) {
    out.rejected.push_back({core::ActorId(rejected.id()), rejected.owner(), core::Epoch(rejected.epoch())});
  }
  return out;
}

core::JoinAnswer read(const ours::JoinReply& in) {
  core::JoinAnswer out;
  out.status = to_core(in.verdict());
  out.generation = core::Generation(in.generation());
  out.phase = to_core(in.phase());
  out.routes_only = in.routes_only();
  out.points = std::min(in.points(), kMostPoints);
  out.names.assign(in.names().begin(), in.names().end());
  out.names_agree = in.names_agree();
  out.detail = in.detail();
  out.declared_dead = core::Generation(in.buried());
  out.clock = {core::Epoch(in.clock()), core::Epoch(in.clock_by_time())};
  out.furthest = {core::Epoch(in.furthest_clock()), core::Epoch(in.furthest_clock_by_time())};
  return out;
}

core::LeaveAnswer read(const ours::LeaveReply& in) { return {to_core(in.verdict())}; }
core::ProbeAnswer read(const ours::ProbeReply& in) {
  return {in.heard(), core::Generation(in.generation()), std::chrono::milliseconds(in.age_ms())};
}
core::EndedAnswer read(const ours::ExpireReply& in) { return {to_core(in.verdict())}; }

core::Duration to_core_ms(std::uint64_t ms) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::min(ms, kMostMs)));
}

std::uint64_t to_ms(core::Duration duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count() / 1000));
}

core::ActivationFacts read(const ours::Activation& in) {
  core::ActivationFacts out;
  out.state.epoch = core::Epoch(in.epoch());
  out.state.idle = to_core_ms(in.idle_ms());
  out.state.busy = in.busy();
  out.state.turn_age = to_core_ms(in.turn_ms());
  out.state.waiting = in.waiting();
  out.state.name = base::told(in.name());
  out.state.ending = base::told(in.ending());
  out.state.not_forgotten = in.not_forgotten();
  out.age = to_core_ms(in.age_ms());
  if (in.expires()) out.expires_in = to_core_ms(in.expires_ms());
  out.method = base::told(in.method());
  out.trace_id = base::told(in.trace_id());
  return out;
}

core::ExplainAnswer read(const ours::ExplainReply& in) {
  using Verdict = core::RuleCheck::Verdict;
  core::Explanation out;
  for (int i = 0; i < std::min(in.rules_size(), kMostRules); ++i) {
    const ours::RuleCheck& check = in.rules(i);
    const Verdict verdict = check.decides() ? Verdict::kDecides : check.asked() ? Verdict::kNo : Verdict::kNotAsked;
    out.rules.push_back({base::told(check.rule()), verdict, base::told(check.why())});
  }
  out.goes = base::told(in.goes());
  out.reason = base::told(in.reason());
  out.to = core::canonical_host(in.to()).value_or("");
  out.epoch = core::Epoch(in.epoch());
  out.ring_owner = base::told(in.ring_owner());
  out.ring = core::Fingerprint(in.ring());
  if (in.has_activation()) out.activation = read(in.activation());
  return core::ExplainAnswer(std::move(out));
}

void write(core::ActivationFacts activation, ours::Activation& out) {
  wire::put_into_words(activation);
  const core::ActorStatus& state = activation.state;
  out.set_epoch(state.epoch.value());
  out.set_age_ms(to_ms(activation.age));
  out.set_idle_ms(to_ms(state.idle));
  out.set_expires(activation.expires_in.has_value());
  out.set_expires_ms(to_ms(activation.expires_in.value_or(core::Duration(0))));
  out.set_busy(state.busy);
  out.set_turn_ms(to_ms(state.turn_age));
  out.set_method(base::told(activation.method));
  out.set_trace_id(activation.trace_id);
  out.set_waiting(state.waiting);
  out.set_name(base::told(state.name));
  out.set_ending(state.ending);
  out.set_not_forgotten(state.not_forgotten);
}

std::string encode(const core::Explanation& says) {
  ours::ExplainReply out;
  for (const core::RuleCheck& check : says.rules) {
    ours::RuleCheck* added = out.add_rules();
    added->set_rule(check.rule);
    added->set_asked(check.verdict != core::RuleCheck::Verdict::kNotAsked);
    added->set_decides(check.verdict == core::RuleCheck::Verdict::kDecides);
    added->set_why(base::told(check.why));
  }
  out.set_goes(says.goes);
  out.set_reason(says.reason);
  out.set_to(says.to);
  out.set_epoch(says.epoch.value());
  out.set_ring_owner(says.ring_owner);
  out.set_ring(says.ring.value());
  if (says.activation) write(*says.activation, *out.mutable_activation());
  return out.SerializeAsString();
}

template <typename Proto>
std::optional<core::PeerAnswer> decode(const std::string& body) {
  Proto in;
  if (!in.ParseFromString(body)) return std::nullopt;
  return read(in);
}

}  // namespace

std::optional<core::PeerAnswer> decode_answer(const core::PeerRequest& question, const std::string& body) {
  using Answer = std::optional<core::PeerAnswer>;
  return std::visit(base::Overloaded{
                        [&](const core::PingRequest&) -> Answer { return decode<given::PingReply>(body); },
                        [&](const core::NegotiateRequest&) -> Answer { return decode<given::NegotiateReply>(body); },
                        [&](const core::IdsRequest&) -> Answer { return std::nullopt; },
                        [&](const core::OwnershipRequest&) -> Answer { return decode<given::OwnerChangeAck>(body); },
                        [&](const core::LegacyExpiryRequest&) -> Answer { return decode<given::OwnerChangeAck>(body); },
                        [&](const core::ClosingRequest&) -> Answer { return decode<given::OwnerChangeAck>(body); },
                        [&](const core::JoinRequest&) -> Answer { return decode<ours::JoinReply>(body); },
                        [&](const core::LeaveRequest&) -> Answer { return decode<ours::LeaveReply>(body); },
                        [&](const core::InventoryRequest&) -> Answer { return std::nullopt; },
                        [&](const core::ProbeRequest&) -> Answer { return decode<ours::ProbeReply>(body); },
                        [&](const core::EndedRequest&) -> Answer { return decode<ours::ExpireReply>(body); },
                        [&](const core::ExplainRequest&) -> Answer { return decode<ours::ExplainReply>(body); },
                    },
                    question);
}

std::optional<InventoryPart> decode_inventory_part(const std::string& body) {
  ours::InventoryPart in;
  if (!in.ParseFromString(body) || in.ids_size() != in.epochs_size()) return std::nullopt;
  InventoryPart part;
  part.answer.status = to_core(in.verdict());
  part.answer.number = core::InventoryNumber(in.number());
  part.last = in.last();
  part.answer.claims.reserve(static_cast<std::size_t>(in.ids_size()));
  for (int i = 0; i < in.ids_size(); ++i) {
    part.answer.claims.push_back({core::ActorId(in.ids(i)), core::Epoch(in.epochs(i))});
  }
  for (const ours::Ended& ended : in.remembered()) part.answer.remembered.push_back(read_ended(ended));
  return part;
}

// ---- ids ----

std::optional<core::IdsAnswer> IdsReader::next(std::size_t most) {
  constexpr std::uint32_t kPacked = wire::tag_of(given::ActorIdsReply::kIdsFieldNumber, wire::WireType::kLength);
  constexpr std::uint32_t kOne = wire::tag_of(given::ActorIdsReply::kIdsFieldNumber, wire::WireType::kVarint);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(body_.data()) + at_;
  google::protobuf::io::CodedInputStream in(bytes, static_cast<int>(body_.size() - at_));
  const auto position = [&] { return at_ + static_cast<std::size_t>(in.CurrentPosition()); };
  core::IdsAnswer slice;
  for (std::size_t step = 0; step < most && position() < body_.size(); ++step) {
    const bool packed = position() < packed_until_;
    if (!packed) {
      const std::uint32_t tag = in.ReadTag();
      if (tag == kPacked) {
        std::uint32_t length = 0;
        if (!in.ReadVarint32(&length) || length > body_.size() - position()) return std::nullopt;
        packed_until_ = position() + length;
        continue;
      }
      if (tag != kOne) {
        if (tag == 0 || !wire::skip_field(in, tag)) return std::nullopt;
        continue;
      }
    }
    std::uint64_t id = 0;
    if (!in.ReadVarint64(&id) || (packed && position() > packed_until_)) return std::nullopt;
    slice.ids.emplace_back(id);
  }
  at_ = position();
  slice.more = at_ < body_.size();
  return slice;
}

void IdsWriter::add(const core::IdsAnswer& slice) {
  // At most ten bytes, and its share of what stands before each slice. It is address space until it is written to.
  constexpr std::size_t kRoomForAnId = 11;
  if (body_.empty() && slice.more) body_.reserve(slice.total * kRoomForAnId);
  given::ActorIdsReply part;
  for (const core::ActorId id : slice.ids) part.add_ids(id.value());
  part.AppendToString(&body_);
}

// ---- what goes out ----

std::string encode_answer(const core::PeerAnswer& answer) {
  return std::visit(base::Overloaded{
                        [](const core::PingAnswer& a) {
                          given::PingReply out;
                          out.set_host(a.host);
                          out.set_unix_time(a.unix_time);
                          out.set_phase(static_cast<given::Phase>(a.phase));
                          out.set_generation(a.generation.value());
                          out.set_ring(a.ring.value());
                          out.set_members(a.ring_hosts);
                          out.set_asks_to_join(a.asks_to_join);
                          out.set_names(a.names.value());
                          out.set_actors(a.actors);
                          out.set_load(a.load);
                          out.set_cluster(a.cluster);
                          out.set_version(a.version);
                          out.set_zone(a.zone);
                          out.set_points(a.points);
                          out.set_clock(a.clock.epoch.value());
                          out.set_clock_by_time(a.clock.by_time.value());
                          out.set_standing(static_cast<given::Standing>(a.standing));
                          out.set_routes_only(a.routes_only);
                          return out.SerializeAsString();
                        },
                        [](const core::NegotiateAnswer& a) {
                          given::NegotiateReply out;
                          for (const std::string& host : a.hosts) out.add_hosts(host);
                          out.set_cluster(a.cluster);
                          out.set_points(a.points);
                          return out.SerializeAsString();
                        },
                        [](const core::IdsAnswer&) { return std::string(); },
                        [](const core::AckAnswer& a) {
                          given::OwnerChangeAck out;
                          out.set_accepted(a.accepted);
                          out.set_message(a.message);
                          for (const core::Rejected& rejected : a.rejected) {
                            given::Rejection* added = out.add_rejected();
                            added->set_id(rejected.id.value());
                            added->set_owner(rejected.holder);
                            added->set_epoch(rejected.epoch.value());
                          }
                          return out.SerializeAsString();
                        },
                        [](const core::JoinAnswer& a) {
                          ours::JoinReply out;
                          out.set_verdict(to_proto(a.status));
                          out.set_generation(a.generation.value());
                          out.set_phase(static_cast<given::Phase>(a.phase));
                          out.set_points(a.points);
                          out.set_routes_only(a.routes_only);
                          for (const std::string& name : a.names) out.add_names(name);
                          out.set_names_agree(a.names_agree);
                          out.set_detail(a.detail);
                          out.set_buried(a.declared_dead.value());
                          out.set_clock(a.clock.epoch.value());
                          out.set_clock_by_time(a.clock.by_time.value());
                          out.set_furthest_clock(a.furthest.epoch.value());
                          out.set_furthest_clock_by_time(a.furthest.by_time.value());
                          return out.SerializeAsString();
                        },
                        [](const core::LeaveAnswer& a) {
                          ours::LeaveReply out;
                          out.set_verdict(to_proto(a.status));
                          return out.SerializeAsString();
                        },
                        [](const core::ProbeAnswer& a) {
                          ours::ProbeReply out;
                          out.set_heard(a.heard);
                          out.set_generation(a.generation.value());
                          out.set_age_ms(static_cast<std::uint32_t>(
                              std::chrono::duration_cast<std::chrono::milliseconds>(a.age).count()));
                          return out.SerializeAsString();
                        },
                        [](const core::EndedAnswer& a) {
                          ours::ExpireReply out;
                          out.set_verdict(to_proto(a.status));
                          return out.SerializeAsString();
                        },
                        [](const core::ExplainAnswer& a) { return encode(*a.explanation); },
                        [](const core::InventoryAnswer&) { return std::string(); },
                        [](const core::PeerFailure&) { return std::string(); },
                    },
                    answer);
}

std::vector<std::string> encode_inventory(const core::InventoryAnswer& answer) {
  std::vector<std::string> parts;
  ours::InventoryPart part;
  part.set_verdict(to_proto(answer.status));
  part.set_number(answer.number.value());
  for (const core::Claim& claim : answer.claims) {
    part.add_ids(claim.id.value());
    part.add_epochs(claim.epoch.value());
    if (part.ids_size() < kClaimsInPart) continue;
    parts.push_back(part.SerializeAsString());
    part.clear_ids();
    part.clear_epochs();
  }
  // An activation's answers may be as large as its window: each goes into a part of its own.
  for (const core::Ended& ended : answer.remembered) {
    write_ended(ended, *part.add_remembered());
    parts.push_back(part.SerializeAsString());
    part.clear_ids();
    part.clear_epochs();
    part.clear_remembered();
  }
  part.set_last(!answer.more);
  if (part.last() || part.ids_size() > 0) parts.push_back(part.SerializeAsString());
  return parts;
}

}  // namespace ringside::peer
