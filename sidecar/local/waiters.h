// Requests that wait: for a change of the view (GET /v1/members?wait=VERSION), or for the end of a drain.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "sidecar/core/ports.h"
#include "sidecar/net/http_message.h"
#include "sidecar/net/transport.h"

namespace ringside::local {

class Waiters {
 public:
  using Answer = std::function<net::HttpResponse()>;  // made at the moment of answering

  // `most`: of all of them at once. `refused` is told of each that finds no room; may be empty.
  Waiters(net::Loop& loop, core::Gateway& gateway, std::size_t most, std::function<void(core::Reason)> refused);
  ~Waiters();
  Waiters(const Waiters&) = delete;
  Waiters& operator=(const Waiters&) = delete;

  // Names what members, phases and ring are now; changes whenever they do, and with every run of this process.
  std::string view_version() const;

  // Answers at the next change of the view, after `longest`, or when the client ends its side.
  void await_view(net::HttpReply reply, std::chrono::milliseconds longest, Answer answer);
  // Answers when the drain under way has ended, in whatever way, or after `longest`. At once where there is none.
  void await_drain(net::HttpReply reply, std::optional<std::chrono::milliseconds> longest, Answer answer);

  // Answers everybody.
  void stop();

 private:
  struct Waiter {
    Waiter(net::Loop& loop, net::HttpReply to, Answer made_by)
        : reply(std::move(to)), answer(std::move(made_by)), timer(loop) {}
    net::HttpReply reply;
    Answer answer;
    net::Timer timer;
  };
  using List = std::list<std::shared_ptr<Waiter>>;

  // False: it has been answered already.
  bool add(List& list, net::HttpReply reply, std::optional<std::chrono::milliseconds> longest, Answer answer);
  static void answer_all(List& list);
  void view_changed();
  bool draining() const;

  net::Loop& loop_;
  core::Gateway& gateway_;
  const std::size_t most_;
  std::function<void(core::Reason)> refused_;
  List view_;
  List drain_;
  std::uint64_t version_ = 1;
  core::WatcherId view_watch_;
  core::WatcherId drain_watch_;
  bool stopped_ = false;
};

}  // namespace ringside::local
