#include "adapters/grpc/turn_stream.h"

#include <algorithm>
#include <utility>

#include <ringside/app/v1/app.pb.h>

#include "adapters/grpc/turn_codec.h"
#include "adapters/turn_headers.h"
#include "sidecar/base/checked.h"

namespace ringside::adapters {
namespace {

constexpr const char* kPath = "/ringside.app.v1.ActorHost/ApplyStream";
constexpr std::size_t kMaxFrame = std::size_t{1} << 20;
constexpr std::size_t kMaxUnsent = std::size_t{1} << 20;

template <typename Id>
std::deque<Id> in_order(const std::unordered_map<SequenceNumber, Id>& by_seq) {
  std::deque<Id> ids;
  for (const auto& [seq, id] : by_seq) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

std::shared_ptr<TurnStream> TurnStream::open(net::Loop& loop, net::GrpcChannel& channel, std::size_t max_message,
                                             Events events) {
  std::shared_ptr<TurnStream> stream(new TurnStream(loop, max_message, std::move(events)));
  stream->begin(channel);
  return stream;
}

TurnStream::TurnStream(net::Loop& loop, std::size_t max_message, Events events)
    : loop_(loop),
      max_message_(max_message),
      max_frame_(std::max(kMaxFrame, max_message) + max_message),
      events_(std::move(events)) {}

void TurnStream::begin(net::GrpcChannel& channel) {
  net::CallOptions options;
  options.max_message = max_frame_;
  options.connect_now = true;
  net::StreamHandlers handlers;
  handlers.on_message = [this](const std::string& bytes) { receive(bytes); };
  handlers.on_too_large = [this](std::string_view beginning, std::optional<std::size_t> length) {
    receive_too_large(beginning, length);
  };
  handlers.on_writable = [this] { flush(); };
  handlers.on_going_away = [this] { events_.going_away(*this); };
  handlers.on_finish = [self = shared_from_this()](net::CallResult result) { self->end(std::move(result)); };
  stream_ = channel.stream(kPath, {}, options, std::move(handlers));
}

TurnStream::~TurnStream() = default;

void TurnStream::start_turn(const core::StartTurn& turn) {
  const SequenceNumber seq = take_seq();
  turns_[seq] = turn.token;
  Piece piece{{}, seq, true, latest_begin(turn)};
  append_turn(piece.bytes, encode_turn(turn, seq, time_left(turn)));
  queue(std::move(piece));
}

void TurnStream::deactivate(core::DeactivationId token, app::v1::Deactivate message) {
  const SequenceNumber seq = take_seq();
  deactivations_[seq] = token;
  message.set_seq(seq.value());
  app::v1::TurnFrame frame;
  frame.add_deactivations()->Swap(&message);
  queue({frame.SerializeAsString(), seq, false});
}

void TurnStream::queue(Piece piece) {
  queued_.push_back(std::move(piece));
  if (std::exchange(flush_posted_, true)) return;
  loop_.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->flush();
  });
}

void TurnStream::flush() {
  flush_posted_ = false;
  const auto self = shared_from_this();  // what is reported may end this stream
  while (stream_ && !queued_.empty() && stream_->unsent_bytes() < kMaxUnsent) {
    std::string frame = take_frame();
    if (stream_ && !frame.empty()) stream_->send(std::move(frame));
  }
  half_close_if_done();
}

// Pieces of a message joined are the message: protobuf's repeated fields concatenate.
std::string TurnStream::take_frame() {
  const auto now = net::Clock::now();
  std::string frame;
  while (!queued_.empty() && (frame.empty() || frame.size() + queued_.front().bytes.size() <= kMaxFrame)) {
    const Piece piece = std::move(queued_.front());
    queued_.pop_front();
    const bool in_flight = piece.turn ? turns_.contains(piece.seq) : deactivations_.contains(piece.seq);
    if (!in_flight) continue;  // given up meanwhile
    if (piece.latest <= now) {
      expire(piece.seq);
      continue;
    }
    if (!piece.turn) events_.deactivation_sent(base::at(deactivations_, piece.seq));
    frame += piece.bytes;
  }
  return frame;
}

void TurnStream::expire(SequenceNumber seq) {
  finish_turn(seq, core::Answer::failed(core::Outcome::kExpired, core::Reason::kDeadline,
                                        "waited for the app to read its stream"));
}

void TurnStream::retire() {
  retiring_ = true;
  half_close_if_done();
}

void TurnStream::half_close_if_done() {
  if (!retiring_ || !takes_more() || !queued_.empty() || !turns_.empty() || !deactivations_.empty()) return;
  half_closed_ = true;
  stream_->half_close();
}

// What is wrong with one turn is that one's affair: a result for none that is under way (answered twice, or after it
// was broken off) changes nothing, and one that cannot be read or is too large ends its own turn.
void TurnStream::receive(const std::string& bytes) {
  auto frame = read_result_frame(bytes, max_message_);
  if (!frame) return fail("a frame that is not a ResultFrame");
  const auto self = shared_from_this();  // what is reported may end this stream
  for (app::v1::TurnResult& result : frame->results) {
    finish_turn(SequenceNumber(result.seq()), read_turn_result(result));
    if (!stream_) return;
  }
  for (const ReadFrame::TooLarge& result : frame->too_large) {
    finish_turn(result.seq, too_large_answer(result.size, max_message_));
    if (!stream_) return;
  }
  for (const SequenceNumber seq : frame->garbled) {
    finish_turn(seq, core::Answer::failed(core::Outcome::kUnknown, core::Reason::kAppGarbage,
                                          "its result is not of the contract"));
    if (!stream_) return;
  }
  for (const app::v1::Deactivated& done : frame->deactivated) {
    const SequenceNumber seq(done.seq());
    const auto found = deactivations_.find(seq);
    if (found == deactivations_.end()) {
      if (!was_used(seq)) events_.oddity("the answer names a deactivation that was never sent", seq);
      continue;
    }
    const core::DeactivationId token = found->second;
    deactivations_.erase(found);
    events_.deactivated(token, done);
    if (!stream_) return;
  }
  half_close_if_done();
}

// A frame of which only the beginning was kept. Where one result is all of it, that turn alone is concerned; turns
// whose results went by with it would wait for ever, so then the stream ends. The length of a compressed frame is not
// known, but one result that is beyond the limit by itself accounts for it.
void TurnStream::receive_too_large(std::string_view beginning, std::optional<std::size_t> length) {
  const auto first = read_first_result(beginning);
  const bool alone = first && (length ? first->end == *length : first->end > max_frame_);
  if (!alone) {
    return fail("a frame larger than the limit of " + std::to_string(max_frame_) +
                " bytes (--max-message), and not one turn's result");
  }
  const auto self = shared_from_this();  // what is reported may end this stream
  finish_turn(first->seq, too_large_answer(first->size, max_message_));
  if (stream_) half_close_if_done();
}

void TurnStream::finish_turn(SequenceNumber seq, core::Answer answer) {
  const auto found = turns_.find(seq);
  if (found == turns_.end()) {
    if (!was_used(seq)) events_.oddity("the result names a turn that was never sent", seq);
    return;
  }
  const core::TurnId turn = found->second;
  turns_.erase(found);
  events_.turn_ended(turn, std::move(answer));
}

void TurnStream::give_up(core::TurnId turn) {
  std::erase_if(turns_, [turn](const auto& one) { return one.second == turn; });
  half_close_if_done();
}

void TurnStream::give_up_deactivation(core::DeactivationId deactivation) {
  std::erase_if(deactivations_, [deactivation](const auto& one) { return one.second == deactivation; });
  half_close_if_done();
}

void TurnStream::close() {
  if (const auto stream = std::exchange(stream_, nullptr)) stream->cancel();
}

void TurnStream::fail(const std::string& why) {
  stream_->cancel();
  net::CallResult result;
  result.status = net::GrpcStatus::kCancelled;
  result.message = why;
  loop_.post([self = shared_from_this(), result = std::move(result)] { self->end(result); });
}

void TurnStream::end(net::CallResult result) {
  if (!std::exchange(stream_, nullptr)) return;
  queued_.clear();
  Events::Unanswered unanswered{in_order(turns_), in_order(deactivations_)};
  turns_.clear();
  deactivations_.clear();
  events_.ended(*this, std::move(result), std::move(unanswered));
}

}  // namespace ringside::adapters
