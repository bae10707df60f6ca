#include "adapters/grpc/turn_stream.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <ringside/app/v1/app.pb.h>

#include "adapters/grpc/turn_codec.h"
#include "adapters/turn_headers.h"

namespace ringside::adapters {
namespace {

constexpr const char* kPath = "/ringside.app.v1.ActorHost/ApplyStream";
constexpr std::size_t kMaxFrame = std::size_t{1} << 20;
constexpr std::size_t kMaxUnsent = std::size_t{1} << 20;

std::deque<core::Token> in_order(const std::unordered_map<std::uint64_t, core::Token>& by_seq) {
  std::deque<core::Token> tokens;
  for (const auto& [seq, token] : by_seq) tokens.push_back(token);
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

}  // namespace

std::shared_ptr<TurnStream> TurnStream::open(net::Loop& loop, net::GrpcChannel& channel, std::size_t max_message,
                                             Events events) {
  std::shared_ptr<TurnStream> stream(new TurnStream(loop, std::move(events)));
  stream->begin(channel, max_message);
  return stream;
}

void TurnStream::begin(net::GrpcChannel& channel, std::size_t max_message) {
  net::CallOptions options;
  options.max_message = std::max(kMaxFrame, max_message) + max_message;
  options.connect_now = true;
  net::StreamHandlers handlers;
  handlers.on_message = [this](const std::string& bytes) { receive(bytes); };
  handlers.on_writable = [this] { flush(); };
  handlers.on_going_away = [this] { events_.going_away(*this); };
  handlers.on_finish = [self = shared_from_this()](net::CallResult result) { self->end(std::move(result)); };
  stream_ = channel.stream(kPath, {}, options, std::move(handlers));
}

TurnStream::~TurnStream() = default;

void TurnStream::start_turn(const core::StartTurn& turn) {
  const std::uint64_t seq = next_seq_++;
  turns_[seq] = turn.token;
  Piece piece{{}, seq, latest_begin(turn)};
  append_turn(piece.bytes, encode_turn(turn, seq, time_left(turn)));
  queue(std::move(piece));
}

void TurnStream::deactivate(core::Token token, const Forget& what) {
  const std::uint64_t seq = next_seq_++;
  deactivations_[seq] = token;
  app::v1::TurnFrame frame;
  app::v1::Deactivate* deactivate = frame.add_deactivations();
  deactivate->set_seq(seq);
  deactivate->set_all(what.all);
  if (!what.all) deactivate->add_ids(what.actor.id);
  queue({frame.SerializeAsString()});
}

void TurnStream::queue(Piece piece) {
  queued_.push_back(std::move(piece));
  if (std::exchange(flush_posted_, true)) return;
  boost::asio::post(loop_, [weak = weak_from_this()] {
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
    if (piece.latest <= now) {
      expire(piece.seq);
    } else {
      frame += piece.bytes;
    }
  }
  return frame;
}

void TurnStream::expire(std::uint64_t seq) {
  const auto found = turns_.find(seq);
  const core::Token turn = found->second;
  turns_.erase(found);
  events_.turn_ended(turn, core::Answer::failed(core::Outcome::kExpired, core::Reason::kDeadline,
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

void TurnStream::receive(const std::string& bytes) {
  app::v1::ResultFrame frame;
  if (!frame.ParseFromString(bytes)) return fail("a frame that is no ResultFrame");
  const auto self = shared_from_this();  // what is reported may end this stream
  for (app::v1::TurnResult& result : *frame.mutable_results()) {
    const auto found = turns_.find(result.seq());
    if (found == turns_.end()) return fail("a result for a turn that is not under way");
    const core::Token turn = found->second;
    turns_.erase(found);
    events_.turn_ended(turn, read_turn_result(result));
    if (!stream_) return;
  }
  for (const app::v1::Deactivated& done : frame.deactivated()) {
    const auto found = deactivations_.find(done.seq());
    if (found == deactivations_.end()) return fail("an answer to a deactivation that is not under way");
    const core::Token token = found->second;
    deactivations_.erase(found);
    events_.deactivated(token);
    if (!stream_) return;
  }
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
  boost::asio::post(loop_, [self = shared_from_this(), result = std::move(result)] { self->end(result); });
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
