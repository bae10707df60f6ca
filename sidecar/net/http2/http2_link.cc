#include "sidecar/net/http2/http2_link.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <boost/asio/error.hpp>

#include "sidecar/net/connector.h"

namespace ringside::net {
namespace {

constexpr std::chrono::seconds kSilence{20};

std::string authority_of(const Endpoint& endpoint) { return endpoint.is_unix() ? "localhost" : endpoint.to_string(); }

}  // namespace

class Http2Link::Impl final : public ExchangeLink, public SessionOwner, public std::enable_shared_from_this<Impl> {
 public:
  Impl(Loop& loop, Http2LinkOptions options)
      : loop_(loop), options_(std::move(options)), connector_(loop, options_.resolver) {}

  std::size_t max_header() const override { return options_.max_header; }

  void place(const std::shared_ptr<Http2Exchange>& exchange) override {
    if (exchange->rank() == 0) exchange->set_rank(++last_rank_);
    if (!closed_ && has_room_for(*exchange) && current_->open(exchange)) return;
    waiting_.emplace(place_of(*exchange), exchange);
    if (!current_ && !connecting_ && !closed_) connect();
  }

  void withdraw(const Http2Exchange& exchange) override { waiting_.erase(place_of(exchange)); }

  void stream_is_free() override {
    while (!waiting_.empty() && has_room_for(*waiting_.begin()->second)) {
      const auto exchange = waiting_.begin()->second;
      waiting_.erase(waiting_.begin());
      place(exchange);
    }
  }

  void close() {
    closed_ = true;
    stop_connecting();
    waiting_.clear();
    current_.reset();
    for (const auto& session : std::exchange(sessions_, {})) session->close("");
  }

 private:
  // Urgent ones first, the others as they were made.
  static std::pair<bool, std::uint64_t> place_of(const Http2Exchange& exchange) {
    return {!exchange.urgent(), exchange.rank()};
  }

  bool has_room_for(const Http2Exchange& exchange) const {
    if (!current_ || !current_->ready()) return false;
    const std::size_t left_free =
        exchange.urgent() ? 0 : std::min(options_.reserved_streams, current_->allowed_streams() / 4);
    return current_->room() > left_free;
  }

  void connect() {
    connecting_ = true;
    connector_.connect(options_.endpoint, options_.connect_timeout, [this](ConnectResult result) {
      const auto keep = shared_from_this();
      if (!result) return connect_failed(result.error().why, result.error().no_listener);
      result->tune(kSilence);
      if (options_.on_connected) options_.on_connected(*result);
      if (!closed_) begin_session(std::move(*result));
    });
  }

  void begin_session(Transport transport) {
    // Small, as whatever a stream's window allows comes unasked; answers beyond it come as there is room for them.
    Http2Settings settings;
    settings.stream_window = 64 * 1024;
    settings.connection_window = 64 << 20;
    settings.max_header_list = options_.max_header;
    current_ = std::make_shared<Http2ClientSession>(loop_, std::move(transport), weak_from_this(),
                                                    authority_of(options_.endpoint), settings);
    sessions_.insert(current_);
    current_->start(options_.connect_timeout);
  }

  void stop_connecting() {
    connector_.cancel();
    connecting_ = false;
  }

  void connect_failed(const std::string& why, bool no_listener) {
    connecting_ = false;
    HttpResult failed = not_sent("connecting to " + options_.endpoint.to_string() + ": " + why);
    failed.no_listener = no_listener;
    const auto keep = shared_from_this();
    const auto waiting = std::exchange(waiting_, {});
    for (const auto& [place, exchange] : waiting) exchange->finish(failed);
  }

  void on_session_ready(Http2ClientSession& session) override {
    if (current_.get() != &session) return;
    connecting_ = false;
    stream_is_free();
  }

  void on_session_settings() override { stream_is_free(); }

  void on_session_going_away(Http2ClientSession& session) override {
    if (current_.get() != &session || connecting_) return;  // before it was ready: its end will tell
    current_.reset();
    if (!waiting_.empty() && !closed_) connect();
  }

  void on_session_end(Http2ClientSession& session, const std::string& why, error_code ec) override {
    const auto keep = shared_from_this();
    const bool was_current = current_.get() == &session;
    sessions_.erase(session.shared());
    if (!was_current || closed_) return;
    current_.reset();
    if (connecting_) {
      const bool ended = ec == boost::asio::error::eof || ec == boost::asio::error::connection_reset;
      return connect_failed("it does not speak HTTP/2 with prior knowledge (h2c): " +
                                (ended || why.empty() ? "it closed the connection before it had said so" : why),
                            false);
    }
    if (options_.on_lost) options_.on_lost();
    if (!waiting_.empty() && !connecting_ && !current_ && !closed_) connect();
  }

  Loop& loop_;
  const Http2LinkOptions options_;
  Connector connector_;
  std::map<std::pair<bool, std::uint64_t>, std::shared_ptr<Http2Exchange>> waiting_;
  std::shared_ptr<Http2ClientSession> current_;
  std::set<std::shared_ptr<Http2ClientSession>> sessions_;  // also those that finish their requests after a GOAWAY
  std::uint64_t last_rank_ = 0;
  bool connecting_ = false;
  bool closed_ = false;
};

Http2Link::Http2Link(Loop& loop, Http2LinkOptions options) : impl_(std::make_shared<Impl>(loop, std::move(options))) {}
Http2Link::~Http2Link() { impl_->close(); }
std::shared_ptr<ExchangeLink> Http2Link::exchanges() const { return impl_; }

}  // namespace ringside::net
