// HTTP/1.1: messages cut out of a stream of bytes, and whole connections of clients.
#include <memory>
#include <string>

#include "sidecar/base/check.h"
#include "sidecar/net/http1/http1_reader.h"
#include "sidecar/net/http1/http1_session.h"
#include "tests/fuzz/connection.h"
#include "tests/fuzz/target.h"

namespace ringside::fuzz {
namespace {

constexpr net::Http1Limits kLimits{512, 512};

// All messages in these bytes, and how it ended, as one text; they come in pieces of that size.
template <bool kRequest>
std::string told(std::string_view bytes, std::size_t piece) {
  using State = typename net::Http1Reader<kRequest>::State;
  net::Http1Reader<kRequest> reader(kLimits);
  std::string all;
  const auto take = [&] {
    all += reader.head().method + " " + reader.head().target + " " + std::to_string(reader.head().status);
    for (const net::Header& header : reader.head().headers) {
      RINGSIDE_CHECK(net::is_header_value(header.value));
      all += "|" + header.name + ":" + header.value;
    }
    all += reader.keep_alive() ? " stays " : " ends ";
    const std::string body = reader.take_body();
    RINGSIDE_CHECK(body.size() <= kLimits.max_body);
    all += body + "\n";
  };
  // Whether the connection goes on.
  const auto advance = [&] {
    while (reader.advance() == State::kDone) {
      take();
      if (!reader.keep_alive()) return false;
      reader.next();
    }
    return reader.state() != State::kFailed;
  };
  bool going = true;
  for (std::size_t at = 0; at < bytes.size() && going; at += piece) {
    reader.feed(bytes.substr(at, piece));
    going = advance();
  }
  if (going && reader.end_of_stream() == State::kDone) take();
  if (reader.state() == State::kFailed) {
    RINGSIDE_CHECK(!reader.why().empty());
    all += "failed";
  }
  return all;
}

// Where a message ends does not depend on how its bytes arrive: else two readers could see two messages.
template <bool kRequest>
void arrives_anyhow(std::string_view input) {
  Input choices(input);
  const std::size_t piece = choices.byte() + std::size_t{1};
  const std::string_view bytes = choices.rest();
  RINGSIDE_CHECK(told<kRequest>(bytes, bytes.size() + 1) == told<kRequest>(bytes, piece));
}

}  // namespace

void http1_requests(std::string_view input) { arrives_anyhow<true>(input); }
void http1_answers(std::string_view input) { arrives_anyhow<false>(input); }

void http1_server(std::string_view input) {
  auto options = std::make_shared<net::Http1Options>();
  options->max_header = 1024;
  options->max_body = 1024;
  options->handler = [](const net::HttpRequest& request, net::HttpReply reply) {
    if (request.target == "/dropped") return;
    net::HttpResponse response;
    response.headers = request.headers;
    response.body = request.body;
    reply(std::move(response));
  };
  Input choices(input);
  const std::size_t at_once = choices.byte();
  Connection connection;
  bool ended = false;
  const auto place = std::make_shared<net::YieldOrder::Place>(std::make_shared<net::YieldOrder>(), "unix", [] {});
  const auto session = std::make_shared<net::Http1Session>(connection.loop(), connection.take_transport(),
                                                           std::move(options), std::make_shared<net::Budget>(64 * 1024),
                                                           place, [&](std::string_view) { ended = true; });
  session->start(choices.rest().substr(0, at_once));
  if (at_once < choices.rest().size()) connection.send(choices.rest().substr(at_once));
  connection.finish();
  RINGSIDE_CHECK(ended);
}

}  // namespace ringside::fuzz
