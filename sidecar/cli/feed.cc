#include "sidecar/cli/feed.h"

#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/error.hpp>

#include "sidecar/net/connector.h"
#include "sidecar/net/http1/http1_gate.h"
#include "sidecar/net/http1/http1_reader.h"

namespace ringside::cli {
namespace {

constexpr std::chrono::milliseconds kToConnect{5'000};
constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::string_view kData = "data: ";

std::string head_of(const net::HttpRequest& request) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\nhost: localhost\r\n";
  for (const net::Header& header : request.headers) text += header.name + ": " + header.value + "\r\n";
  return text + "\r\n";
}

}  // namespace

void Feed::run_until(const bool& happened) {
  while (!happened) loop_.run_once();
}

Reply Feed::connect() {
  net::Connector connector(loop_, resolver_);
  Reply reply;
  bool done = false;
  connector.connect(endpoint_, kToConnect, [&](net::ConnectResult result) {
    done = true;
    if (result) {
      transport_ = std::move(*result);
      reply.kind = Reply::Kind::kAnswered;
    } else {
      reply.error = result.error().why;
    }
  });
  run_until(done);
  return reply;
}

bool Feed::read_more() {
  std::array<char, 16 * 1024> piece{};
  for (;;) {
    net::error_code ec;
    const std::size_t got = transport_.read_some(piece.data(), piece.size(), ec);
    if (!ec) {
      buffer_.append(piece.data(), got);
      return true;
    }
    if (ec != boost::asio::error::would_block) {
      error_ = ec == boost::asio::error::eof ? "the sidecar has ended the stream of events" : ec.message();
      return false;
    }
    bool readable = false;
    transport_.wait_readable([&readable] { readable = true; });
    run_until(readable);
  }
}

// It is no stream: the answer is read as any other.
Reply Feed::answered(const std::string& bytes) {
  net::Http1Reader<false> reader({});
  reader.feed(bytes);
  while (reader.advance() < net::Http1Reader<false>::State::kDone) {
    buffer_.clear();
    if (!read_more()) {
      reader.end_of_stream();
      break;
    }
    reader.feed(buffer_);
  }
  Reply reply;
  if (reader.state() != net::Http1Reader<false>::State::kDone) {
    reply.kind = Reply::Kind::kLost;
    reply.error = error_.empty() ? reader.why() : error_;
    return reply;
  }
  reply.kind = Reply::Kind::kAnswered;
  reply.response.status = reader.head().status;
  reply.response.headers = reader.head().headers;
  reply.response.body = reader.take_body();
  return reply;
}

Reply Feed::read(const net::HttpRequest& request, const std::function<bool(std::string_view data)>& on_data) {
  Reply reply = connect();
  if (reply.kind != Reply::Kind::kAnswered) return reply;
  const auto lost = [this, &reply] {
    reply.kind = Reply::Kind::kLost;
    reply.error = error_;
    return reply;
  };
  net::error_code ec;
  const std::string head = head_of(request);
  // A connection that is new has room for so little.
  if (transport_.write_some(head.data(), head.size(), ec) != head.size()) {
    error_ = ec.message();
    return lost();
  }
  while (buffer_.find(kEndOfHead) == std::string::npos) {
    if (!read_more()) return lost();
  }
  const std::size_t body = buffer_.find(kEndOfHead) + kEndOfHead.size();
  const auto said = net::read_response_head(std::string_view(buffer_).substr(0, body));
  if (!said || said->status != 200) return answered(std::exchange(buffer_, {}));
  reply.response.status = said->status;
  reply.response.headers = said->headers;
  buffer_.erase(0, body);
  for (;;) {
    for (std::size_t end = 0; (end = buffer_.find('\n')) != std::string::npos;) {
      const std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      if (line.starts_with(kData) && !on_data(std::string_view(line).substr(kData.size()))) return reply;
    }
    if (!read_more()) return lost();
  }
}

}  // namespace ringside::cli
