#include "sidecar/net/http2/http2_client.h"

#include <algorithm>
#include <utility>

#include <absl/container/flat_hash_map.h>

#include "sidecar/net/deadline_queue.h"
#include "sidecar/net/http2/http2_exchange.h"

namespace ringside::net {

class Http2Client::Impl final : public ExchangeOwner, public std::enable_shared_from_this<Impl> {
 public:
  struct Limits {
    std::optional<Clock::time_point> deadline;
    std::optional<HttpStart> start;
    std::optional<Clock::duration> answer_within;
  };

  Impl(Loop& loop, std::shared_ptr<ExchangeLink> link, Http2ClientOptions options)
      : loop_(loop),
        link_(std::move(link)),
        options_(std::move(options)),
        deadlines_(loop, [this](RequestId id) { expire(id); }) {}

  RequestId request(const HttpRequest& request, Limits limits, Done done) {
    const RequestId id = ++last_id_;
    Pending pending;
    pending.deadline = limits.start ? limits.start->by : limits.deadline;
    pending.answer_within = limits.answer_within;
    pending.only_begin = limits.start.has_value();
    pending.done = std::move(done);
    pending.exchange =
        std::make_shared<Http2Exchange>(weak_from_this(), link_, id, request,
                                        Http2Exchange::Terms{std::move(limits.start), options_.max_body,
                                                             link_->max_header(), options_.urgent, options_.room});
    const auto exchange = pending.exchange;
    const auto due = pending.deadline;
    requests_.emplace(id, std::move(pending));
    const bool full = waiting_ >= options_.max_waiting;
    ++waiting_;
    if (!is_sendable(request) || full || closed_) {
      HttpResult refused = not_sent(!is_sendable(request) ? "the request cannot be written as HTTP"
                                    : full                ? "too many requests are waiting"
                                                          : "closed");
      refused.overloaded = full && is_sendable(request);
      loop_.post([exchange, refused = std::move(refused)]() mutable { exchange->finish(std::move(refused)); });
      return id;
    }
    if (due) deadlines_.add(*due, id);
    link_->place(exchange);
    return id;
  }

  bool cancel(RequestId id) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return false;
    const auto exchange = found->second.exchange;
    const bool untouched = exchange->untouched();
    forget(id);
    exchange->drop();
    return untouched;
  }

  std::string answer_so_far(RequestId id) const {
    const auto found = requests_.find(id);
    return found == requests_.end() ? "" : found->second.exchange->answer_so_far();
  }

  void close() {
    closed_ = true;
    deadlines_.clear();
    waiting_ = 0;
    for (auto& [id, pending] : std::exchange(requests_, {})) pending.exchange->drop();
  }

  bool any_begun() const {
    return std::any_of(requests_.begin(), requests_.end(),
                       [](const auto& entry) { return !entry.second.exchange->untouched(); });
  }
  std::size_t waiting() const { return waiting_; }

 private:
  struct Pending {
    std::shared_ptr<Http2Exchange> exchange;
    std::optional<Clock::time_point> deadline;
    bool only_begin = false;  // the deadline is that of the beginning
    std::optional<Clock::duration> answer_within;
    Done done;
    bool waits = true;
  };

  void on_opened(RequestId id) override {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    Pending& pending = found->second;
    if (std::exchange(pending.waits, false)) --waiting_;
    if (!pending.answer_within || pending.deadline) return;
    pending.deadline = Clock::now() + *pending.answer_within;
    deadlines_.add(*pending.deadline, id);
  }

  void on_over(RequestId id, HttpResult result) override {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    const auto keep = shared_from_this();
    auto done = std::move(found->second.done);
    forget(id);
    done(std::move(result));
  }

  void forget(RequestId id) {
    const auto found = requests_.find(id);
    if (found->second.deadline) deadlines_.remove(*found->second.deadline, id);
    if (found->second.waits) --waiting_;
    requests_.erase(found);
  }

  void expire(RequestId id) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    const auto exchange = found->second.exchange;
    found->second.deadline.reset();
    if (found->second.only_begin && !exchange->untouched()) return;
    HttpResult result;
    result.timed_out = true;
    const std::string begun = exchange->answer_so_far();
    result.error = begun.empty() ? "the deadline passed" : begun + ", and did not end by the deadline";
    if (exchange->untouched()) result.outcome = HttpOutcome::kNotSent;
    exchange->finish(std::move(result));
  }

  Loop& loop_;
  const std::shared_ptr<ExchangeLink> link_;
  const Http2ClientOptions options_;
  DeadlineQueue<RequestId> deadlines_;
  absl::flat_hash_map<RequestId, Pending> requests_;
  std::size_t waiting_ = 0;
  RequestId last_id_ = 0;
  bool closed_ = false;
};

Http2Client::Http2Client(Loop& loop, const Http2Link& link, Http2ClientOptions options)
    : impl_(std::make_shared<Impl>(loop, link.exchanges(), std::move(options))) {}
Http2Client::~Http2Client() { impl_->close(); }

Http2Client::RequestId Http2Client::request(const HttpRequest& request, std::optional<Clock::time_point> deadline,
                                            Done done) {
  return impl_->request(request, {deadline, {}, {}}, std::move(done));
}
Http2Client::RequestId Http2Client::request_by(const HttpRequest& request, HttpStart start, Done done) {
  return impl_->request(request, {{}, std::move(start), {}}, std::move(done));
}
Http2Client::RequestId Http2Client::request_within(const HttpRequest& request, std::chrono::milliseconds answer,
                                                   Done done) {
  return impl_->request(request, {{}, {}, answer}, std::move(done));
}
bool Http2Client::cancel(RequestId request) { return impl_->cancel(request); }
std::string Http2Client::answer_so_far(RequestId request) const { return impl_->answer_so_far(request); }
void Http2Client::close() { impl_->close(); }
bool Http2Client::any_begun() const { return impl_->any_begun(); }
std::size_t Http2Client::waiting() const { return impl_->waiting(); }

}  // namespace ringside::net
