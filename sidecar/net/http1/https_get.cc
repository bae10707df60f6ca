#include "sidecar/net/http1/https_get.h"

#include <array>
#include <optional>
#include <sstream>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "sidecar/net/connector.h"
#include "sidecar/net/http1/https_layer.h"

namespace ringside::net {
namespace {

namespace http = boost::beast::http;

constexpr std::uint32_t kMaxHead = 64 * 1024;
constexpr std::size_t kReadAtOnce = 16 * 1024;  // a record of TLS

}  // namespace

class HttpsGet::Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Loop& loop, std::shared_ptr<Resolver> resolver, HttpsRequest request, Events events)
      : loop_(loop),
        given_(std::move(request)),
        events_(std::move(events)),
        connector_(loop, std::move(resolver)),
        timer_(loop) {}

  void start() {
    auto trusted = HttpsLayer::trust(given_.ca_file);
    if (!trusted) {
      loop_.post([self = shared_from_this(), why = trusted.error()] { self->finish(base::Error(why)); });
      return;
    }
    trusted_ = std::move(*trusted);
    limit(given_.head, "no answer");
    connector_.connect(given_.endpoint, given_.head, [weak = weak_from_this()](ConnectResult result) {
      if (const auto self = weak.lock(); self && !self->over_) self->connected(std::move(result));
    });
  }

  void drop() {
    over_ = true;  // events_ stays: one of them may be what drops this
    close();
  }

 private:
  void connected(ConnectResult result) {
    if (!result) {
      return finish(base::Error("connecting to " + given_.endpoint.to_string() + ": " + result.error().why));
    }
    transport_.emplace(std::move(*result));
    transport_->tune(std::chrono::seconds(20));
    layer_ = std::make_unique<HttpsLayer>(*trusted_, given_.endpoint, transport_->descriptor());
    shake_hands();
  }

  void shake_hands() {
    const HttpsLayer::Progress progress = layer_->handshake();
    if (layer_->has_read_all()) transport_->read_all();
    switch (progress) {
      case HttpsLayer::Progress::kWantsRead:
        return transport_->wait_readable(then(&Exchange::shake_hands));
      case HttpsLayer::Progress::kWantsWrite:
        return transport_->wait_writable(then(&Exchange::shake_hands));
      case HttpsLayer::Progress::kFailed:
        return finish(base::Error("TLS: " + layer_->failure()));
      case HttpsLayer::Progress::kDone:
        transport_->secure(std::move(layer_));
        return begin_request();
    }
  }

  void begin_request() {
    http::request<http::empty_body> request(http::verb::get, given_.target, 11);
    request.set(http::field::host, given_.endpoint.to_string());
    request.set(http::field::connection, "close");
    for (const auto& [name, value] : given_.headers) request.insert(name, value);
    std::ostringstream text;
    text << request;
    unsent_ = std::move(text).str();
    parser_.header_limit(kMaxHead);
    parser_.body_limit(boost::none);
    parser_.eager(true);
    send();
  }

  void send() {
    while (!unsent_.empty()) {
      error_code ec;
      unsent_.erase(0, transport_->write_some(unsent_.data(), unsent_.size(), ec));
      if (ec == boost::asio::error::would_block) return transport_->wait_writable(then(&Exchange::send));
      if (ec) return finish(base::Error("sending: " + ec.message()));
    }
    read();
  }

  // As much as has arrived, and no more than some records, so that others have their turn.
  void read() {
    std::array<char, kReadAtOnce> piece;
    error_code ec;
    const std::size_t got = transport_->read_some(piece.data(), piece.size(), ec);
    if (ec == boost::asio::error::would_block) return transport_->wait_readable(then(&Exchange::read));
    if (!ec) {
      buffer_.commit(boost::asio::buffer_copy(buffer_.prepare(got), boost::asio::buffer(piece.data(), got)));
      while (buffer_.size() > 0 && !parser_.is_done()) {
        const std::size_t used = parser_.put(buffer_.data(), ec);
        buffer_.consume(used);
        if (ec == http::error::need_more) {
          ec = {};
          break;
        }
        if (ec || used == 0) break;
      }
    } else if (ec == boost::asio::error::eof) {
      ec = {};
      parser_.put_eof(ec);
      if (!ec && !parser_.is_done()) ec = boost::asio::error::eof;
    }
    arrived(ec);
    if (!over_) transport_->wait_readable(then(&Exchange::read));
  }

  void arrived(const error_code& error) {
    if (parser_.is_header_done() && !head_seen_) {
      head_seen_ = true;
      events_.head(parser_.get().result_int());
      if (over_) return;
    }
    if (head_seen_) {
      limit(given_.silence, "the server went silent");
      if (const std::string bytes = std::exchange(parser_.get().body(), {}); !bytes.empty()) events_.body(bytes);
      if (over_) return;
    }
    if (parser_.is_done()) return finish({});
    if (error) finish(base::Error(head_seen_ ? "the answer broke off: " + error.message() : error.message()));
  }

  void limit(std::chrono::milliseconds time, const char* why) {
    timer_.after(time, [weak = weak_from_this(), why] {
      const auto self = weak.lock();
      if (self && !self->over_) self->finish(base::Error(why));
    });
  }

  void finish(const base::Result<void, std::string>& whole) {
    if (std::exchange(over_, true)) return;
    close();
    const auto ended = std::move(events_.ended);
    ended(whole);
  }

  void close() {
    timer_.cancel();
    connector_.cancel();
    if (transport_) transport_->close();
  }

  // What a wait leads to.
  loop::Task then(void (Exchange::*next)()) {
    return [self = shared_from_this(), next] {
      if (!self->over_) (self.get()->*next)();
    };
  }

  Loop& loop_;
  HttpsRequest given_;
  Events events_;
  Connector connector_;
  Timer timer_;
  SslContextHandle trusted_;
  std::optional<Transport> transport_;
  std::unique_ptr<HttpsLayer> layer_;  // until the handshake is done
  std::string unsent_;
  boost::beast::flat_buffer buffer_;
  http::parser<false, http::string_body> parser_;
  bool head_seen_ = false;
  bool over_ = false;
};

HttpsGet::HttpsGet(Loop& loop, std::shared_ptr<Resolver> resolver, HttpsRequest request, Events events)
    : exchange_(std::make_shared<Exchange>(loop, std::move(resolver), std::move(request), std::move(events))) {
  exchange_->start();
}

HttpsGet::~HttpsGet() { exchange_->drop(); }

}  // namespace ringside::net
