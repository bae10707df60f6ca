// A server of ordinary requests over HTTP/2, and a client that speaks to it frame by frame.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sidecar/net/http2/http2_requests.h"
#include "tests/unit/net/net_fixture.h"

namespace ringside::net::testing {

struct Answer {
  std::vector<int> interim;  // 1xx
  Metadata headers;
  std::string body;
  bool ended = false;
  std::optional<std::uint32_t> reset;
  int status() const { return headers.empty() ? 0 : std::stoi(std::string(headers.get(":status"))); }
};

// One connection, whose windows are as large as can be unless the test says otherwise.
class Client {
 public:
  explicit Client(RawSocket socket, std::uint32_t window = 0x7fffffff) : socket_(std::move(socket)) {
    out_ = std::string(kPreface) + frame(kSettings, 0, 0, std::string("\0\4", 2) + number(window)) +
           frame(kWindowUpdate, 0, 0, number(0x7fff0000));
  }

  // What does not go beyond the windows that the server has opened by its first words.
  void send(std::string_view bytes) { (heard_ ? out_ : waiting_) += bytes; }
  std::uint32_t head(const Metadata& headers, bool whole) {
    const std::uint32_t stream = next_;
    next_ += 2;
    send(frame(kHeaders, kEndHeaders | (whole ? kEndStream : 0), stream, hpack(headers)));
    return stream;
  }
  std::uint32_t get(const std::string& path, const Metadata& more = {}) {
    return head(request("GET", path, more), true);
  }
  std::uint32_t post(const std::string& path, std::string_view body, const Metadata& more = {}) {
    const std::uint32_t stream = head(request("POST", path, more), false);
    data(stream, body, true);
    return stream;
  }
  // A request that is not whole.
  std::uint32_t begin(const std::string& path, std::string_view body = {}, const Metadata& more = {}) {
    const std::uint32_t stream = head(request("POST", path, more), false);
    if (!body.empty()) data(stream, body, false);
    return stream;
  }
  void data(std::uint32_t stream, std::string_view body, bool last) {
    constexpr std::size_t kFrame = 16'384;
    do {
      const std::string_view part = body.substr(0, kFrame);
      body.remove_prefix(part.size());
      send(frame(kData, body.empty() && last ? kEndStream : 0, stream, part));
    } while (!body.empty());
  }
  void reset(std::uint32_t stream) { send(frame(kRstStream, 0, stream, number(8))); }
  static Metadata request(const std::string& method, const std::string& path, const Metadata& more = {}) {
    Metadata headers{{":method", method}, {":scheme", "http"}, {":path", path}, {":authority", "localhost"}};
    headers.append(more);
    return headers;
  }

  void turn() {
    out_.erase(0, socket_.send(out_));
    socket_.pump();
    for (const Frame& one : take_frames(socket_.input())) {
      Answer& answer = answers_[one.stream];
      const bool last = (one.flags & kEndStream) != 0;
      if (one.type == kSettings && (one.flags & kAck) == 0) out_ += frame(kSettings, kAck, 0, "");
      if (one.type == kWindowUpdate && !std::exchange(heard_, true)) out_ += waiting_;
      if (one.type == kHeaders) {
        Metadata headers = reader_.read(one.payload);
        if (headers.get(":status").starts_with('1')) {
          answer.interim.push_back(std::stoi(std::string(headers.get(":status"))));
        } else {
          answer.headers.append(std::move(headers));
        }
        answer.ended = last;
      } else if (one.type == kData) {
        answer.body += one.payload;
        answer.ended = last;
      } else if (one.type == kRstStream) {
        answer.reset = static_cast<std::uint8_t>(one.payload[3]);
      } else if (one.type == kGoaway) {
        gone_ = true;
      } else if (one.type == kPing && (one.flags & kAck) != 0) {
        ++pongs_;
      }
    }
  }
  const Answer& answer(std::uint32_t stream) { return answers_[stream]; }
  bool ended(std::uint32_t stream) {
    turn();
    return answers_[stream].ended || answers_[stream].reset;
  }
  bool gone() {
    turn();
    return gone_;
  }
  // All that was sent before has been read by then.
  void ping() { send(frame(kPing, 0, 0, "12345678")); }
  int pongs() {
    turn();
    return pongs_;
  }
  bool over() {
    turn();
    return socket_.ended();
  }

 private:
  RawSocket socket_;
  std::string out_;
  std::string waiting_;  // until the server has been heard
  bool heard_ = false;
  HeaderReader reader_;
  std::map<std::uint32_t, Answer> answers_;
  std::uint32_t next_ = 1;
  bool gone_ = false;
  int pongs_ = 0;
};

class Http2Requests : public ListenerTest {
 protected:
  void SetUp() override {
    serving_.max_body = 100'000;
    serving_.handler = [this](HttpRequest request, HttpReply reply) {
      seen_.push_back(request);
      if (request.target == "/later") {
        later_.push_back(std::move(reply));
      } else if (request.target == "/large") {
        reply({200, {}, std::string(kLarge, 'x')});
      } else if (request.target == "/stream") {
        HttpStream::Events events;
        events.drained = [this] { ++drained_; };
        events.ended = [this] { ++ended_; };
        stream_ = reply.stream({200, {{"content-type", "text/event-stream"}}, ""}, std::move(events));
      } else if (request.target != "/drop") {
        reply({200, {{"x-method", request.method}, {"connection", "x"}, {"bad", "a\r\nb"}}, request.body + "."});
      }
    };
    serving_.shape_error = [](int status, std::string_view detail) {
      return HttpResponse{status, {{"content-type", "application/problem+json"}}, "{" + std::string(detail) + "}"};
    };
  }

  Client open(std::uint32_t window = 0x7fffffff) {
    if (!listener_) {
      auto options = on_loopback(
          {.methods = one_method("/s/Echo", [](const std::shared_ptr<ServerCall>& one) { one->reply("grpc"); }),
           .not_grpc = serve_requests(serving_)});
      options.http2->total = total_;
      options.http2->idle_gives_way = true;
      options.slots = slots_;
      options.http1.emplace();
      static_cast<HttpServing&>(*options.http1) = serving_;
      options.http1->total = total_;
      options.on_incident = [this](std::string_view incident, std::string_view) { incident_ = incident; };
      listener_ = serve(loop, std::move(options));
    }
    return Client(connect(), window);
  }
  const Answer& await(Client& client, std::uint32_t stream) {
    EXPECT_TRUE(run_until([&] { return client.ended(stream); })) << stream;
    return client.answer(stream);
  }
  // An answer that goes on has begun, and stream_ is its.
  std::uint32_t begin_stream(Client& client) {
    const std::uint32_t id = client.get("/stream");
    EXPECT_TRUE(run_until([&] {
      client.turn();
      return stream_ != nullptr;
    }));
    return id;
  }
  void await_read(Client& client) {
    const int before = client.pongs();
    client.ping();
    ASSERT_TRUE(run_until([&] { return client.pongs() > before; }));
  }

  static constexpr std::size_t kLarge = std::size_t{4} << 20;
  HttpServing serving_;
  std::shared_ptr<Budget> total_ = std::make_shared<Budget>(std::size_t{64} << 20);
  std::shared_ptr<Budget> slots_;
  std::vector<HttpRequest> seen_;
  std::deque<HttpReply> later_;
  std::string incident_;
  std::unique_ptr<HttpStream> stream_;
  int drained_ = 0;
  int ended_ = 0;
};

}  // namespace ringside::net::testing
