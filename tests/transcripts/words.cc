#include "tests/transcripts/words.h"

#include "sidecar/base/overloaded.h"

namespace ringside::transcripts {
namespace {

std::string list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "nothing" : out;
}

const char* to_string(core::ReplyStatus status) {
  switch (status) {
    case core::ReplyStatus::kOk:
      return "yes";
    case core::ReplyStatus::kDeclaredDead:
      return "no: that run was taken for dead";
    case core::ReplyStatus::kStale:
      return "no: meant for another run";
    case core::ReplyStatus::kUnverified:
      return "no: not reached back under that name";
    default:
      return "no: another cluster";
  }
}

const char* to_string(core::Standing standing) {
  switch (standing) {
    case core::Standing::kInView:
      return ", and you are my member";
    case core::Standing::kDeclaredDead:
      return ", and I took you for dead";
    case core::Standing::kUnknown:
      return ", and you are a stranger";
    default:
      return "";
  }
}

}  // namespace

std::string Words::id(core::ActorId id) const {
  const auto found = ids_.find(id);
  return found == ids_.end() ? to_string(id) : found->second;
}

std::string Words::epoch(core::Epoch epoch) {
  if (epoch == 0) return "no epoch";
  return "e" + std::to_string(epochs_.emplace(epoch, static_cast<int>(epochs_.size()) + 1).first->second);
}

std::string Words::run(const std::string& host, core::Generation generation) {
  if (generation == 0) return host;
  auto& known = runs_[host];
  return host + "#" + std::to_string(known.emplace(generation, static_cast<int>(known.size()) + 1).first->second);
}

std::string Words::claims(const std::vector<core::Claim>& claims) {
  std::vector<std::string> all;
  for (const core::Claim& claim : claims) all.push_back(id(claim.id) + " (" + epoch(claim.epoch) + ")");
  return list(all);
}

std::string Words::listed(const std::vector<core::ActorId>& ids) const {
  std::vector<std::string> all;
  for (const core::ActorId one : ids) all.push_back(id(one));
  return list(all);
}

std::string Words::ended(const std::vector<core::Ended>& ended) {
  std::vector<std::string> all;
  for (const core::Ended& one : ended) {
    all.push_back(id(one.id) + (one.epoch == 0 ? "" : " (" + epoch(one.epoch) + ")"));
    for (const core::Remembered& entry : one.remembered) all.back() += ", remembering " + entry.key;
  }
  return list(all);
}

std::string Words::kind(const core::PeerRequest& request) {
  static const char* const kKinds[] = {"ping", "names", "ids",       "claims", "expiry", "closing",
                                       "join", "leave", "inventory", "probe",  "ended",  "explain"};
  return kKinds[request.index()];
}

std::string Words::request(const std::string& from, const core::PeerRequest& request) {
  return std::visit(base::Overloaded{
                        [&](const core::PingRequest&) { return std::string("ping"); },
                        [&](const core::NegotiateRequest& names) { return "I know " + list(names.hosts); },
                        [&](const core::IdsRequest&) { return std::string("which ids do you hold?"); },
                        [&](const core::OwnershipRequest& says) {
                          return (says.asks           ? "may I have "
                                  : says.host == from ? "I hold "
                                                      : says.host + " holds ") +
                                 claims(says.claims);
                        },
                        [&](const core::LegacyExpiryRequest& says) { return "ended: " + listed(says.ids); },
                        [&](const core::ClosingRequest& says) { return says.host + " is closing"; },
                        [&](const core::JoinRequest&) { return std::string("take me in"); },
                        [&](const core::LeaveRequest&) { return std::string("I leave the ring, look at me"); },
                        [&](const core::InventoryRequest& asks) {
                          const bool of_all = asks.ranges == core::HashRanges::everything();
                          return "inventory " + to_string(asks.number) + ": what do you hold" +
                                 (of_all ? "?" : " in my new ranges?");
                        },
                        [&](const core::ProbeRequest& asks) { return "do you hear " + asks.host + "?"; },
                        [&](const core::EndedRequest& says) { return "ended: " + ended(says.ended); },
                        [&](const core::ExplainRequest& asks) { return "where is " + id(asks.id) + ", and why?"; },
                    },
                    request);
}

std::string Words::answer(const std::string& from, const core::PeerAnswer& answer) {
  return std::visit(base::Overloaded{
                        [&](const core::PingAnswer& says) {
                          if (says.generation == 0) return "I am " + says.host;
                          return "I am " + run(says.host, says.generation) + ", " + core::to_string(says.phase) +
                                 to_string(says.standing);
                        },
                        [&](const core::NegotiateAnswer& names) { return "I know " + list(names.hosts); },
                        [&](const core::IdsAnswer& says) { return listed(says.ids); },
                        [&](const core::AckAnswer& says) {
                          std::string text = says.accepted ? "accepted" : "refused";
                          for (const core::Rejected& one : says.rejected) {
                            text += ": " + id(one.id) + " is held by " + one.holder + " (" + epoch(one.epoch) + ")";
                          }
                          if (says.rejected.empty() && !says.message.empty()) text += ": " + says.message;
                          return text;
                        },
                        [&](const core::JoinAnswer& says) {
                          if (says.status != core::ReplyStatus::kOk) return std::string(to_string(says.status));
                          return "yes, I am " + run(from, says.generation) + ", " + core::to_string(says.phase) +
                                 ", and know " + (says.names_agree ? "whom you know" : list(says.names));
                        },
                        [&](const core::LeaveAnswer& says) { return std::string(to_string(says.status)); },
                        [&](const core::InventoryAnswer& says) {
                          if (says.status != core::ReplyStatus::kOk) return std::string(to_string(says.status));
                          std::string text = "inventory " + to_string(says.number) + ": " + claims(says.claims);
                          if (!says.remembered.empty()) text += "; ended: " + ended(says.remembered);
                          return text;
                        },
                        [&](const core::ProbeAnswer& says) { return std::string(says.heard ? "yes" : "no"); },
                        [&](const core::EndedAnswer& says) { return std::string(to_string(says.status)); },
                        [&](const core::ExplainAnswer& says) { return "a call goes: " + says.explanation->goes; },
                        [&](const core::PeerFailure& failure) { return failure.detail; },
                    },
                    answer);
}

std::string Words::log(const core::LogLine& line) {
  std::string text = line.event;
  std::string host;
  for (const auto& [key, value] : line.fields) {
    if (key == "host") host = value;
    if (key == "generation") {
      text += " run=" + run(host, core::Generation(std::stoull(value)));
    } else if (key == "actor") {
      text += " actor=" + id(core::ActorId(std::stoull(value)));
    } else {
      text += " " + key + "=" + (value.find(' ') == std::string::npos ? value : '"' + value + '"');
    }
  }
  return text;
}

std::string Words::outcome(const core::Answer& answer) {
  std::string text{core::to_string(answer.outcome)};
  if (answer.outcome != core::Outcome::kApplied) text += " (" + std::string(core::to_string(answer.reason)) + ")";
  return text;
}

}  // namespace ringside::transcripts
