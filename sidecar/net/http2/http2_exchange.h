// One request and its answer over HTTP/2: from whoever makes it, by whichever connection carries it, to its one end.
//
// Nothing that a server may have seen is sent again. What was never written, or what the server says that it has not
// looked at as it goes away, goes back to the link, and by it to the next connection.
// Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sidecar/net/answer_room.h"
#include "sidecar/net/http2/http2_client_session.h"
#include "sidecar/net/http_client.h"

namespace ringside::net {

class Http2Exchange;

// Whose requests they are.
class ExchangeOwner {
 public:
  virtual ~ExchangeOwner() = default;
  virtual void on_opened(HttpClient::RequestId id) = 0;
  virtual void on_over(HttpClient::RequestId id, HttpResult result) = 0;
};

// What exchanges ask of the link.
class ExchangeLink {
 public:
  virtual ~ExchangeLink() = default;
  // Onto the connection, or among those that wait.
  virtual void place(const std::shared_ptr<Http2Exchange>& exchange) = 0;
  virtual void withdraw(const Http2Exchange& exchange) = 0;
  virtual void stream_is_free() = 0;
  virtual std::size_t max_header() const = 0;  // of an answer
};

class Http2Exchange final : public SessionStream, public std::enable_shared_from_this<Http2Exchange> {
 public:
  struct Terms {
    std::optional<HttpStart> start;
    std::size_t max_body = 0;
    std::size_t max_header = 0;
    bool urgent = false;
    std::shared_ptr<AnswerRoom> room;
  };

  Http2Exchange(std::weak_ptr<ExchangeOwner> owner, std::weak_ptr<ExchangeLink> link, HttpClient::RequestId id,
                const HttpRequest& request, Terms terms);

  bool urgent() const { return terms_.urgent; }
  // Not a byte of it has been handed to the kernel.
  bool untouched() const { return !headers_sent_; }
  // Among those that wait for the link, by when they came to it; 0: it has none yet.
  std::uint64_t rank() const { return rank_; }
  void set_rank(std::uint64_t rank) { rank_ = rank; }
  std::string answer_so_far() const { return status_ == 0 ? "" : told_answer(status_, response_.body.size()); }

  void add_headers(HeaderList& headers, std::string& timeout) const override;
  bool has_body() const override { return !request_.body.empty(); }
  void opened(const std::shared_ptr<Http2ClientSession>& session, std::int32_t stream) override;
  ssize_t read_body(std::uint8_t* to, std::size_t size, std::uint32_t* flags) override;
  void on_headers_sent() override;
  void on_header(std::string_view name, std::string_view value) override;
  void on_headers_end(bool end_stream) override;
  void on_data(std::string_view bytes) override;
  bool has_own_window() const override { return true; }
  void on_end() override;
  void on_going_away() override {}
  void on_closed(std::uint32_t error, bool going_away) override;
  void on_connection_lost(const ConnectionLoss& loss) override;

  void finish(HttpResult result);
  void drop();  // ends it without a result

 private:
  void leave();
  std::shared_ptr<Http2ClientSession> part_from_session();
  void try_again(std::string_view why);
  void too_large(const std::string& what);
  // As much as there is room for; the rest when others have ended.
  void give_window();

  const std::weak_ptr<ExchangeOwner> owner_;
  const std::weak_ptr<ExchangeLink> link_;
  const HttpClient::RequestId id_;
  const HttpRequest request_;
  const Terms terms_;
  std::string length_;  // Content-Length; empty: none
  std::uint64_t rank_ = 0;
  std::weak_ptr<Http2ClientSession> session_;
  std::int32_t stream_ = 0;
  std::size_t sent_ = 0;  // of the body
  std::uint64_t written_before_ = 0;
  int attempts_ = 0;
  int status_ = 0;
  HttpResponse response_;
  std::size_t header_bytes_ = 0;
  std::size_t unconsumed_ = 0;  // bytes of the window that have not been given back
  std::optional<AnswerRoom::Place> place_;
  bool headers_sent_ = false;
  bool headers_seen_ = false;
  bool answer_begun_ = false;  // and the session knows
  bool answered_ = false;
  bool over_ = false;
};

}  // namespace ringside::net
