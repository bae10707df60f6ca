// One ActorHost.ApplyStream: turns go out micro-batched, results come back by sequence number.
//
// Whatever was queued in one turn of the event loop goes into one frame; frames are at most 1 MiB unless a single turn
// is larger. Nothing is sent while much is still unsent. Loop thread only.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "sidecar/core/effects.h"
#include "sidecar/net/grpc_channel.h"

namespace ringside::adapters {

class TurnStream : public std::enable_shared_from_this<TurnStream> {
 public:
  struct Events {
    std::function<void(core::Token turn, core::Answer answer)> turn_ended;
    std::function<void(core::Token deactivation)> deactivated;
    // Last; nothing else follows. The turns and deactivations that had no answer come with it.
    struct Unanswered {
      std::deque<core::Token> turns, deactivations;
    };
    std::function<void(net::CallResult result, Unanswered unanswered)> ended;
  };

  static std::shared_ptr<TurnStream> open(net::Loop& loop, net::GrpcChannel& channel, std::size_t max_message,
                                          Events events);
  ~TurnStream();

  void start_turn(const core::StartTurn& turn);
  void deactivate(const core::DeactivateActors& request);
  // Ends it at once, without a further event.
  void close();
  bool answered_anything() const { return answered_anything_; }

 private:
  TurnStream(net::Loop& loop, Events events) : loop_(loop), events_(std::move(events)) {}
  void begin(net::GrpcChannel& channel, std::size_t max_message);
  void queue(std::string piece);
  void flush();
  void receive(const std::string& bytes);
  void fail(const std::string& why);
  void end(net::CallResult result);

  net::Loop& loop_;
  Events events_;
  std::shared_ptr<net::ClientStream> stream_;
  std::deque<std::string> queued_;  // serialized pieces of a TurnFrame
  bool flush_posted_ = false;
  bool answered_anything_ = false;
  std::uint64_t next_seq_ = 1;
  std::unordered_map<std::uint64_t, core::Token> turns_, deactivations_;  // by sequence number
};

}  // namespace ringside::adapters
