#include "sidecar/peer/list_server.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sidecar/base/checked.h"
#include "sidecar/base/overloaded.h"

namespace ringside::peer {
namespace {

constexpr std::size_t kMostLists = 1024;              // that wait for their next slice
constexpr std::size_t kMostWaiting = 64;              // to be made in one message
constexpr std::size_t kAhead = std::size_t{1} << 20;  // bytes that a reader has not taken

std::size_t length_of(const core::PeerRequest& request) {
  return std::visit(base::Overloaded{
                        [](const core::OwnershipRequest& claims) { return claims.claims.size(); },
                        [](const core::LegacyExpiryRequest& expiry) { return expiry.ids.size(); },
                        [](const core::EndedRequest& ends) { return ends.ended.size(); },
                        [](const auto&) { return std::size_t{0}; },
                    },
                    request);
}

// The last `most` of a list, which are taken off it.
template <typename T>
std::vector<T> take_last(std::vector<T>& list, std::size_t most) {
  const auto first = list.end() - static_cast<std::ptrdiff_t>(std::min(most, list.size()));
  std::vector<T> last(std::make_move_iterator(first), std::make_move_iterator(list.end()));
  list.erase(first, list.end());
  return last;
}

core::PeerRequest take_slice(core::PeerRequest& request) {
  return std::visit(base::Overloaded{
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
struct ListServer::Told {
  std::shared_ptr<net::ServerCall> call;
  core::Sender sender;
  core::PeerRequest request;  // for the next slice
  IdsWriter ids;
  bool awaits_reader = false;
};

// A list that somebody announces.
struct ListServer::Heard {
  std::shared_ptr<net::ServerCall> call;
  core::Sender sender;
  core::PeerRequest rest;
  core::PeerAnswer answer;
  bool answered = false;
};

ListServer::ListServer(net::Loop& loop, core::PeerSink& sink) : sink_(sink), lists_(loop) {}

void finish_failed(net::ServerCall& call, const core::PeerFailure& failure) {
  const bool mismatch = failure.kind == core::PeerFailure::Kind::kMismatch;
  call.finish(mismatch ? net::GrpcStatus::kFailedPrecondition : net::GrpcStatus::kUnavailable, failure.detail);
}

bool ListServer::is_long(const core::PeerRequest& request) { return length_of(request) > core::kMostInSlice; }

void ListServer::tell(std::shared_ptr<net::ServerCall> call, core::Sender sender, core::PeerRequest request) {
  tell_next(std::make_shared<Told>(Told{std::move(call), std::move(sender), std::move(request), {}, false}));
}

void ListServer::hear(std::shared_ptr<net::ServerCall> call, core::Sender sender, core::PeerRequest request) {
  hear_next(std::make_shared<Heard>(Heard{std::move(call), std::move(sender), std::move(request), {}, false}));
}

void ListServer::tell_next(const std::shared_ptr<Told>& list) {
  sink_.peer_asked(list->sender, list->call->peer_address(), list->request,
                   [this, list](const core::PeerAnswer& slice) { told(list, slice); });
}

void ListServer::told(const std::shared_ptr<Told>& list, const core::PeerAnswer& slice) {
  if (const auto* ids = std::get_if<core::IdsAnswer>(&slice)) return told_ids(list, *ids);
  if (const auto* inventory = std::get_if<core::InventoryAnswer>(&slice)) return told_inventory(list, *inventory);
  const auto* failure = std::get_if<core::PeerFailure>(&slice);
  finish_failed(*list->call,
                failure != nullptr ? *failure : core::PeerFailure{core::PeerFailure::Kind::kRejected, "no list"});
  ids_over(list);
}

void ListServer::tell_later(const std::shared_ptr<Told>& list) {
  if (!has_room_for_list(*list->call)) return ids_over(list);
  lists_.add(list->call->peer_address() + " " + list->sender.host, [this, list] {
    if (!list->call->cancelled()) {
      tell_next(list);
    } else {
      ids_over(list);
    }
    return false;
  });
}

bool ListServer::has_room_for_list(net::ServerCall& call) const {
  if (lists_.size() < kMostLists) return true;
  call.finish(net::GrpcStatus::kUnavailable, "too many long lists are being told and heard: ask again");
  return false;
}

// Parts go out as fast as the asker takes them.
void ListServer::told_inventory(const std::shared_ptr<Told>& list, const core::InventoryAnswer& slice) {
  for (std::string& part : encode_inventory(slice)) list->call->send(std::move(part));
  if (!slice.more) return list->call->finish(net::GrpcStatus::kOk, "");
  auto& request = base::as<core::InventoryRequest>(list->request);
  request.after = slice.upto;
  request.as_of = slice.as_of;
  if (list->call->unsent_bytes() < kAhead) return tell_later(list);
  list->awaits_reader = true;
  list->call->on_writable(life_.bind([this, list] {
    if (std::exchange(list->awaits_reader, false)) tell_later(list);
  }));
}

// They go out in one message, which takes memory until it is whole: one such list is made at a time.
void ListServer::told_ids(const std::shared_ptr<Told>& list, const core::IdsAnswer& slice) {
  const bool is_first = base::as<core::IdsRequest>(list->request).after == 0;
  list->ids.add(slice);
  base::as<core::IdsRequest>(list->request).after = slice.upto;
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

void ListServer::ids_over(const std::shared_ptr<Told>& list) {
  if (telling_ids_.empty() || telling_ids_.front() != list) return;
  telling_ids_.pop_front();
  if (!telling_ids_.empty()) tell_later(telling_ids_.front());
}

// One slice after another, each once the one before it is answered.
void ListServer::hear_next(const std::shared_ptr<Heard>& list) {
  sink_.peer_asked(list->sender, list->call->peer_address(), take_slice(list->rest),
                   [this, list](core::PeerAnswer answer) { heard(list, std::move(answer)); });
}

void ListServer::heard(const std::shared_ptr<Heard>& list, core::PeerAnswer answer) {
  if (const auto* failure = std::get_if<core::PeerFailure>(&answer)) return finish_failed(*list->call, *failure);
  if (std::exchange(list->answered, true)) {
    add_answer(list->answer, std::move(answer));
  } else {
    list->answer = std::move(answer);
  }
  if (length_of(list->rest) == 0) return list->call->reply(encode_answer(list->answer));
  if (!has_room_for_list(*list->call)) return;
  lists_.add(list->call->peer_address() + " " + list->sender.host, [this, list] {
    hear_next(list);
    return false;
  });
}

}  // namespace ringside::peer
