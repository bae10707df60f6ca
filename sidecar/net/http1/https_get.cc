#include "sidecar/net/http1/https_get.h"

#include <optional>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "sidecar/net/connector.h"

namespace ringside::net {
namespace {

namespace ssl = boost::asio::ssl;
namespace http = boost::beast::http;

constexpr std::uint32_t kMaxHead = 64 * 1024;
constexpr std::size_t kReadAtOnce = 64 * 1024;

}  // namespace

class HttpsGet::Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Loop& loop, std::shared_ptr<Resolver> resolver, HttpsRequest request, Events events)
      : loop_(loop),
        given_(std::move(request)),
        events_(std::move(events)),
        connector_(loop, std::move(resolver)),
        timer_(loop),
        context_(ssl::context::tls_client) {}

  void start() {
    error_code error;
    context_.set_verify_mode(ssl::verify_peer, error);
    context_.load_verify_file(given_.ca_file, error);
    if (error) {
      const std::string why = "cannot read the certificates in " + given_.ca_file + ": " + error.message();
      boost::asio::post(loop_, [self = shared_from_this(), why] { self->finish(base::Error(why)); });
      return;
    }
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
    transport_ = std::make_unique<Transport>(std::move(*result));
    transport_->tune(std::chrono::seconds(20));
    stream_.emplace(transport_->socket(), context_);
    const std::string& host = given_.endpoint.host;
    error_code ignored;
    stream_->set_verify_callback(ssl::host_name_verification(host), ignored);
    // A server name is a name; RFC 6066 has no room for addresses.
    if (!given_.endpoint.is_literal()) SSL_set_tlsext_host_name(stream_->native_handle(), host.c_str());
    stream_->async_handshake(ssl::stream_base::client, [self = shared_from_this()](const error_code& error) {
      if (self->over_) return;
      if (error) return self->finish(base::Error("TLS: " + self->why_not_trusted(error)));
      self->send();
    });
  }

  // OpenSSL's verdict on the certificate says more than "certificate verify failed".
  std::string why_not_trusted(const error_code& error) {
    const long verdict = SSL_get_verify_result(stream_->native_handle());
    if (verdict == X509_V_OK) return error.message();
    return error.message() + " (" + X509_verify_cert_error_string(verdict) + ")";
  }

  void send() {
    request_.method(http::verb::get);
    request_.target(given_.target);
    request_.set(http::field::host, given_.endpoint.to_string());
    request_.set(http::field::connection, "close");
    for (const auto& [name, value] : given_.headers) request_.insert(name, value);
    http::async_write(*stream_, request_, [self = shared_from_this()](const error_code& error, std::size_t) {
      if (self->over_) return;
      if (error) return self->finish(base::Error("sending: " + error.message()));
      self->parser_.header_limit(kMaxHead);
      self->parser_.body_limit(boost::none);
      self->buffer_.reserve(kReadAtOnce);
      self->read();
    });
  }

  void read() {
    http::async_read_some(*stream_, buffer_, parser_,
                          [self = shared_from_this()](const error_code& error, std::size_t) {
                            if (!self->over_) self->arrived(error);
                          });
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
    if (error) return finish(base::Error(head_seen_ ? "the answer broke off: " + error.message() : error.message()));
    read();
  }

  void limit(std::chrono::milliseconds time, const char* why) {
    timer_.expires_after(time);
    timer_.async_wait([weak = weak_from_this(), why](const error_code& error) {
      const auto self = weak.lock();
      if (!error && self && !self->over_) self->finish(base::Error(why));
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
    // The stream stays until the handlers that use it have ended.
    if (transport_) transport_->close();
  }

  Loop& loop_;
  HttpsRequest given_;
  Events events_;
  Connector connector_;
  boost::asio::steady_timer timer_;
  ssl::context context_;
  std::unique_ptr<Transport> transport_;
  std::optional<ssl::stream<Transport::Socket&>> stream_;
  http::request<http::empty_body> request_;
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
