#include "sidecar/net/http1/http1_client.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "sidecar/net/deadline_queue.h"
#include "sidecar/net/http1/connect_pace.h"
#include "sidecar/net/http1/http1_client_connection.h"
#include "sidecar/net/http1/reuse_trust.h"

namespace ringside::net {

namespace {

// Of a server that may close after each answer, this many connections at once are watched for that.
constexpr std::size_t kMostWatched = 4;
// Most servers accept sooner than that.
constexpr std::chrono::milliseconds kAccepts{10};
// One that waited at an idle connection is not watched again for so long.
constexpr std::chrono::seconds kInTheWay{1};

std::string host_header(const Http1ClientOptions& options) {
  if (!options.host_header.empty()) return options.host_header;
  return options.endpoint.is_unix() ? "localhost" : options.endpoint.to_string();
}

// Empty where the request line cannot be written safely.
std::string write_request(const HttpRequest& request, const std::string& host, bool keep_alive) {
  if (!is_sendable(request)) return {};
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\nhost: " + host + "\r\n";
  for (const Header& header : request.headers) {
    if (is_connections_own(header.name) || !is_token(header.name) || !is_header_value(header.value)) continue;
    text += header.name + ": " + header.value + "\r\n";
  }
  if (!keep_alive) text += "connection: close\r\n";
  if (!is_bodiless(request)) text += "content-length: " + std::to_string(request.body.size()) + "\r\n";
  text += "\r\n";
  text += request.body;
  return text;
}

// Right behind the request line.
void add_time_left(std::string& request, const HttpStart& start) {
  request.insert(request.find("\r\n") + 2, start.time_left_header + ": " + time_left(start.by) + "\r\n");
}

}  // namespace

class Http1Client::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Loop& loop, Http1ClientOptions options)
      : loop_(loop),
        options_(std::move(options)),
        host_(host_header(options_)),
        deadlines_(loop, [this](RequestId id) { expire(id); }),
        trust_(options_.watch_after_answer),
        pace_(options_.last_place),
        sweep_(loop),
        room_(loop),
        accepts_(loop) {}

  struct Limits {
    std::optional<Clock::time_point> deadline;
    std::optional<HttpStart> start;
    std::optional<Clock::duration> answer_within;
  };

  RequestId request(const HttpRequest& request, Limits limits, Done done) {
    const RequestId id = ++last_id_;
    Pending pending;
    pending.bytes = write_request(request, host_, options_.max_idle.count() > 0);
    pending.head_request = request.method == "HEAD";
    pending.deadline = limits.start ? limits.start->by : limits.deadline;
    pending.answer_within = limits.answer_within;
    pending.begin = std::move(limits.start);
    pending.done = std::move(done);
    const bool malformed = pending.bytes.empty();
    const bool full = busy_ >= options_.max_connections && waiting_.size() >= options_.max_waiting;
    const auto due = pending.deadline;
    requests_.emplace(id, std::move(pending));
    if (malformed || full || closed_) {
      HttpResult refused = not_sent(malformed ? "the request cannot be written as HTTP"
                                    : full    ? "too many requests are waiting"
                                              : "closed");
      refused.overloaded = full && !malformed;
      loop_.post([weak = weak_from_this(), id, refused = std::move(refused)]() mutable {
        if (const auto self = weak.lock()) self->finish(id, std::move(refused));
      });
      return id;
    }
    if (due) deadlines_.add(*due, id);
    waiting_.push_back(id);
    start_soon();
    return id;
  }

  bool cancel(RequestId id) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return false;
    const bool untouched = withdraw(found->second);
    forget(id);
    start_soon();
    return untouched;
  }

  std::string answer_so_far(RequestId id) const {
    const auto found = requests_.find(id);
    if (found == requests_.end() || !found->second.connection) return "";
    return found->second.connection->answer_so_far();
  }

  void renew_connections() {
    for (auto& [id, pending] : requests_) {
      if (pending.connection) pending.connection->retire();
    }
    for (const auto& connection : std::exchange(idle_, {})) connection->abandon();
  }

  void close() {
    closed_ = true;
    for (auto& [id, pending] : requests_) {
      if (pending.connection) pending.connection->abandon();
    }
    for (const auto& connection : idle_) connection->abandon();
    requests_.clear();
    waiting_.clear();
    idle_.clear();
    deadlines_.clear();
    sweep_.cancel();
    room_.cancel();
    accepts_.cancel();
    busy_ = 0;
    connecting_ = 0;
    on_new_ = 0;
  }

  bool any_begun() const {
    return std::any_of(requests_.begin(), requests_.end(), [](const auto& entry) { return entry.second.begun(); });
  }
  std::size_t connections() const { return busy_ + idle_.size(); }
  std::size_t waiting() const { return waiting_.size(); }
  const Endpoint& endpoint() const { return options_.endpoint; }

 private:
  struct Pending {
    std::string bytes;
    bool head_request = false;
    bool started = false;  // no longer among the waiting
    std::optional<Clock::time_point> deadline;
    std::optional<HttpStart> begin;  // the deadline is that of the beginning
    std::optional<Clock::duration> answer_within;
    Done done;
    std::shared_ptr<Http1ClientConnection> connection;
    bool first = false;  // of its connection
    bool begun() const { return connection && !connection->untouched(); }
  };

  // In the next loop iteration, so that no `done` runs inside request() or cancel().
  void start_soon() {
    loop_.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->start_waiting();
    });
  }

  void start_waiting() {
    while (!waiting_.empty() && busy_ < options_.max_connections) {
      const RequestId id = waiting_.front();
      waiting_.pop_front();
      const auto found = requests_.find(id);
      if (found == requests_.end()) continue;  // cancelled or expired while it waited
      auto connection = take_idle();
      if (!connection && !pace_.may_connect(connecting_, Clock::now())) {
        waiting_.push_front(id);
        return start_when_connecting_is_allowed();
      }
      start(id, found->second, std::move(connection));
    }
  }

  // Nothing tells when a server accepts, so it is looked at again, and whenever something ends.
  void start_when_connecting_is_allowed() {
    if (std::exchange(pacing_, true)) return;
    room_.after(std::chrono::milliseconds(1), [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->pacing_ = false;
      self->start_waiting();
    });
  }

  void start(RequestId id, Pending& pending, std::shared_ptr<Http1ClientConnection> connection) {
    if (connection) {
      start_clock(id, pending);
    } else {
      connection = make_connection(id);
      ++connecting_;
      ++on_new_;
      pending.first = true;
    }
    ++busy_;
    pending.started = true;
    pending.connection = connection;
    if (pending.begin && !pending.begin->time_left_header.empty()) add_time_left(pending.bytes, *pending.begin);
    connection->send(std::move(pending.bytes), pending.head_request,
                     [weak = weak_from_this(), id](HttpResult result, bool reusable) {
                       if (const auto self = weak.lock()) self->on_done(id, std::move(result), reusable);
                     });
  }

  void start_clock(RequestId id, Pending& pending) {
    if (!pending.answer_within) return;
    pending.deadline = Clock::now() + *pending.answer_within;
    deadlines_.add(*pending.deadline, id);
  }

  // `first` is the request that it is made for.
  std::shared_ptr<Http1ClientConnection> make_connection(RequestId first) {
    Http1ClientConnection::Events events;
    events.connected = [this, first](Transport* transport) {
      --connecting_;
      if (transport == nullptr) return pace_.failed();
      pace_.connected(*transport);
      if (!idle_.empty()) give_way_later();
      if (const auto found = requests_.find(first); found != requests_.end()) start_clock(first, found->second);
      if (options_.on_connected) options_.on_connected(*transport);
    };
    events.ended = [this](Http1ClientConnection& connection) {
      std::erase_if(idle_, [&connection](const auto& one) { return one.get() == &connection; });
      idle_ended(connection);
    };
    return std::make_shared<Http1ClientConnection>(loop_, options_, std::move(events));
  }

  void idle_ended(const Http1ClientConnection& connection) {
    const bool expected = !trust_.trusted();
    trust_.closed(connection.idle_for(Clock::now()));
    if (!expected && options_.on_idle_end) options_.on_idle_end();
  }

  // The one used last: the others age and go.
  std::shared_ptr<Http1ClientConnection> take_idle() {
    const Clock::time_point now = Clock::now();
    for (std::size_t i = idle_.size(); i-- > 0;) {
      auto connection = idle_[i];
      const bool expired = connection->expired(now);
      if (!expired && !trust_.may_reuse(connection->idle_for(now))) continue;
      if (!expired && !connection->stands()) continue;  // its end is about to be heard
      idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
      if (!expired) {
        trust_.kept(connection->idle_for(now));
        return connection;
      }
      connection->abandon();
    }
    return nullptr;
  }

  void on_done(RequestId id, HttpResult result, bool reusable) {
    const auto keep = shared_from_this();
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    const auto connection = std::move(found->second.connection);
    --busy_;
    if (found->second.first) --on_new_;
    // It had closed the connection when the request came, or was about to.
    const bool lost = result.outcome != HttpOutcome::kAnswered && !result.malformed && !result.too_large;
    if (lost && connection->reused_after()) trust_.closed(*connection->reused_after());
    if (reusable && may_keep() && !must_give_way()) {
      idle_.push_back(connection);
      sweep_later();
    } else if (reusable) {
      connection->abandon();
    }
    finish(id, std::move(result));
    start_waiting();
  }

  bool may_keep() const {
    return trust_.trusted() || (idle_.size() < kMostWatched && Clock::now() >= in_the_way_until_);
  }

  // A server that serves one connection at a time comes to the next one only when this one ends.
  bool must_give_way() { return (options_.gives_way || on_new_ > 0) && pace_.others_wait(); }

  // It may wait at one that is idle.
  void give_way_later() {
    if (std::exchange(giving_way_, true)) return;
    accepts_.after(kAccepts, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->giving_way_ = false;
      if (self->on_new_ == 0 || !self->pace_.others_wait()) return;
      for (const auto& connection : std::exchange(self->idle_, {})) connection->abandon();
      self->in_the_way_until_ = Clock::now() + kInTheWay;
    });
  }

  // Whatever nobody took while it was fresh is closed by us, before the server would.
  void sweep_later() {
    if (std::exchange(sweeping_, true)) return;
    const Clock::duration watched = trust_.trusted() ? options_.max_idle : trust_.watch();
    sweep_.after(std::min<Clock::duration>(options_.max_idle, watched), [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->sweeping_ = false;
      const Clock::time_point now = Clock::now();
      std::erase_if(self->idle_, [&self, now](const auto& connection) {
        if (connection->expired(now)) {
          connection->abandon();
          return true;
        }
        const auto idle = connection->idle_for(now);
        if (idle < 2 * self->trust_.watch() && connection->stands()) self->trust_.kept(idle);  // once for each answer
        return false;
      });
      if (!self->idle_.empty()) self->sweep_later();
    });
  }

  void expire(RequestId id) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    found->second.deadline.reset();
    if (found->second.begin && found->second.begun()) return;
    HttpResult result;
    result.timed_out = true;
    const std::string begun = answer_so_far(id);
    result.error = begun.empty() ? "the deadline passed" : begun + ", and did not end by the deadline";
    result.outcome = withdraw(found->second) ? HttpOutcome::kNotSent : HttpOutcome::kLost;
    const auto keep = shared_from_this();
    finish(id, std::move(result));
    start_waiting();
  }

  // Takes a request off its connection; true when not a byte was written.
  bool withdraw(Pending& pending) {
    if (!pending.connection) return true;
    const bool untouched = pending.connection->untouched();
    if (pending.connection->connecting()) --connecting_;
    pending.connection->abandon();
    pending.connection.reset();
    --busy_;
    if (pending.first) --on_new_;
    return untouched;
  }

  void forget(RequestId id) {
    const auto found = requests_.find(id);
    if (found->second.deadline) deadlines_.remove(*found->second.deadline, id);
    // One that still waited leaves its place in the queue's bound at once.
    if (!found->second.started) std::erase(waiting_, id);
    requests_.erase(found);
  }

  void finish(RequestId id, HttpResult result) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    auto done = std::move(found->second.done);
    forget(id);
    done(std::move(result));
  }

  Loop& loop_;
  const Http1ClientOptions options_;
  const std::string host_;
  DeadlineQueue<Http1Client::RequestId> deadlines_;
  ReuseTrust trust_;
  ConnectPace pace_;
  Timer sweep_;
  Timer room_;  // for another connection in the server's backlog
  Timer accepts_;
  Clock::time_point in_the_way_until_ = Clock::time_point::min();
  absl::flat_hash_map<RequestId, Pending> requests_;
  std::deque<RequestId> waiting_;
  std::deque<std::shared_ptr<Http1ClientConnection>> idle_;
  std::size_t busy_ = 0;
  std::size_t connecting_ = 0;
  std::size_t on_new_ = 0;  // requests under way on connections that were made for them
  RequestId last_id_ = 0;
  bool sweeping_ = false;
  bool pacing_ = false;
  bool giving_way_ = false;
  bool closed_ = false;
};

Http1Client::Http1Client(Loop& loop, Http1ClientOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}

Http1Client::~Http1Client() { close(); }

Http1Client::RequestId Http1Client::request(const HttpRequest& request, std::optional<Clock::time_point> deadline,
                                            Done done) {
  return impl_->request(request, {deadline, {}, {}}, std::move(done));
}
Http1Client::RequestId Http1Client::request_by(const HttpRequest& request, HttpStart start, Done done) {
  return impl_->request(request, {{}, std::move(start), {}}, std::move(done));
}
Http1Client::RequestId Http1Client::request_within(const HttpRequest& request, std::chrono::milliseconds answer,
                                                   Done done) {
  return impl_->request(request, {{}, {}, answer}, std::move(done));
}
bool Http1Client::cancel(RequestId request) { return impl_->cancel(request); }
std::string Http1Client::answer_so_far(RequestId request) const { return impl_->answer_so_far(request); }
void Http1Client::renew_connections() { impl_->renew_connections(); }
void Http1Client::close() { impl_->close(); }
bool Http1Client::any_begun() const { return impl_->any_begun(); }
std::size_t Http1Client::connections() const { return impl_->connections(); }
std::size_t Http1Client::waiting() const { return impl_->waiting(); }
const Endpoint& Http1Client::endpoint() const { return impl_->endpoint(); }

}  // namespace ringside::net
