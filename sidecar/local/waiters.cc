#include "sidecar/local/waiters.h"

#include <utility>

#include "sidecar/local/problem.h"

namespace ringside::local {

Waiters::Waiters(net::Loop& loop, core::Gateway& gateway, std::size_t most, std::function<void(core::Reason)> refused)
    : loop_(loop), gateway_(gateway), most_(most), refused_(std::move(refused)) {
  view_watch_ = gateway_.when_view_changes([this] { view_changed(); });
}

Waiters::~Waiters() {
  gateway_.forget(view_watch_);
  gateway_.forget(drain_watch_);
}

std::string Waiters::view_version() const {
  return to_string(gateway_.status().generation) + "-" + std::to_string(version_);
}

bool Waiters::add(List& list, net::HttpReply reply, std::optional<std::chrono::milliseconds> longest, Answer answer) {
  if (stopped_ || reply.input_ended()) {
    reply(answer());
    return false;
  }
  if (view_.size() + drain_.size() >= most_) {
    if (refused_) refused_(core::Reason::kTooManyWaiting);
    reply(problem(core::Answer::failed(
        core::Outcome::kOverloaded, core::Reason::kTooManyWaiting,
        std::to_string(most_) + " requests wait for a change, and no more may: end some of them")));
    return false;
  }
  auto waiter = std::make_shared<Waiter>(loop_, std::move(reply), std::move(answer));
  list.push_back(waiter);
  const auto answer_now = [&list, weak = std::weak_ptr<Waiter>(waiter)] {
    const auto ended = weak.lock();
    if (!ended) return;
    list.remove(ended);
    ended->reply(ended->answer());
  };
  // The end of the client's side alone: an answer may still reach it.
  waiter->reply.on_input_end(answer_now);
  if (longest) {
    waiter->timer.after(*longest, [answer_now] { answer_now(); });
  }
  return true;
}

void Waiters::await_view(net::HttpReply reply, std::chrono::milliseconds longest, Answer answer) {
  add(view_, std::move(reply), longest, std::move(answer));
}

void Waiters::await_drain(net::HttpReply reply, std::optional<std::chrono::milliseconds> longest, Answer answer) {
  if (!draining()) return reply(answer());
  if (!add(drain_, std::move(reply), longest, std::move(answer)) || drain_watch_) return;
  drain_watch_ = gateway_.when_drained([this](bool) {
    drain_watch_ = core::WatcherId();
    answer_all(drain_);
  });
}

bool Waiters::draining() const {
  const core::Status status = gateway_.status();
  return status.phase == core::Phase::kDraining && !status.drain_overdue;
}

void Waiters::answer_all(List& list) {
  for (const auto& waiter : std::exchange(list, {})) waiter->reply(waiter->answer());
}

void Waiters::view_changed() {
  ++version_;
  answer_all(view_);
  if (drain_.empty() || draining()) return;
  gateway_.forget(std::exchange(drain_watch_, core::WatcherId()));  // taken back (uncordon)
  answer_all(drain_);
}

void Waiters::stop() {
  stopped_ = true;
  answer_all(view_);
  answer_all(drain_);
}

}  // namespace ringside::local
