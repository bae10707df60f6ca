// One ActorHost.ApplyStream: turns go out micro-batched, results come back by sequence number.
//
// Whatever was queued in one loop iteration goes into one frame; frames are at most 1 MiB unless a single turn
// is larger. Nothing is sent while much is still unsent, and no turn whose caller's deadline has passed meanwhile. Loop
// thread only.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <ringside/app/v1/app.pb.h>

#include "adapters/grpc/turn_codec.h"
#include "sidecar/core/effects.h"
#include "sidecar/net/grpc/grpc_channel.h"

namespace ringside::adapters {

class TurnStream : public std::enable_shared_from_this<TurnStream> {
 public:
  struct Events {
    std::function<void(core::TurnId turn, core::Answer answer)> turn_ended;
    std::function<void(core::DeactivationId deactivation)> deactivation_sent;
    std::function<void(core::DeactivationId deactivation, const app::v1::Deactivated& said)> deactivated;
    // The app says something that makes no sense, and that nothing depends on.
    std::function<void(const char* what, SequenceNumber seq)> oddity;
    // The app wants to end this connection: nothing new belongs on this stream.
    std::function<void(TurnStream& stream)> going_away;
    // Last; nothing else follows. The turns and deactivations that had no answer come with it.
    struct Unanswered {
      std::deque<core::TurnId> turns;
      std::deque<core::DeactivationId> deactivations;
    };
    std::function<void(TurnStream& stream, net::CallResult result, Unanswered unanswered)> ended;
  };

  static std::shared_ptr<TurnStream> open(net::Loop& loop, net::GrpcChannel& channel, std::size_t max_message,
                                          Events events);
  ~TurnStream();

  void start_turn(const core::StartTurn& turn);
  void deactivate(core::DeactivationId token, app::v1::Deactivate message);
  // Its answer is not awaited any more; whatever comes of it is ignored.
  void give_up(core::TurnId turn);
  void give_up_deactivation(core::DeactivationId deactivation);
  // Ends it in order, once everything on it has been answered.
  void retire();
  bool takes_more() const { return stream_ != nullptr && !half_closed_; }
  // Ends it at once, without a further event.
  void close();

 private:
  TurnStream(net::Loop& loop, std::size_t max_message, Events events);
  void begin(net::GrpcChannel& channel);
  struct Piece {
    std::string bytes;  // of a serialized TurnFrame
    SequenceNumber seq;
    bool turn = true;  // or a deactivation
    net::Clock::time_point latest = net::Clock::time_point::max();
  };
  void queue(Piece piece);
  void flush();
  std::string take_frame();
  SequenceNumber take_seq() { return std::exchange(next_seq_, next_seq_.next()); }
  bool was_used(SequenceNumber seq) const { return seq != 0 && seq < next_seq_; }
  void expire(SequenceNumber seq);
  void half_close_if_done();
  void receive(const std::string& bytes);
  void receive_too_large(std::string_view beginning, std::optional<std::size_t> length);
  void finish_turn(SequenceNumber seq, core::Answer answer);
  void fail(const std::string& why);
  void end(net::CallResult result);

  net::Loop& loop_;
  std::size_t max_message_;  // of one turn's result
  std::size_t max_frame_;    // of what may come in one
  Events events_;
  std::shared_ptr<net::ClientStream> stream_;
  std::deque<Piece> queued_;
  bool flush_posted_ = false;
  bool retiring_ = false;
  bool half_closed_ = false;
  SequenceNumber next_seq_ = 1;
  std::unordered_map<SequenceNumber, core::TurnId> turns_;
  std::unordered_map<SequenceNumber, core::DeactivationId> deactivations_;
};

}  // namespace ringside::adapters
