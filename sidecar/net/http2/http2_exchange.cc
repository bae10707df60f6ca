#include "sidecar/net/http2/http2_exchange.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <nghttp2/nghttp2.h>

#include "sidecar/base/parse.h"

namespace ringside::net {
namespace {

// A server that refuses a request on so many connections in turn will do so on the next one.
constexpr int kMostAttempts = 3;

}  // namespace

Http2Exchange::Http2Exchange(std::weak_ptr<ExchangeOwner> owner, std::weak_ptr<ExchangeLink> link,
                             HttpClient::RequestId id, const HttpRequest& request, Terms terms)
    : owner_(std::move(owner)), link_(std::move(link)), id_(id), request_(request), terms_(std::move(terms)) {
  if (!is_bodiless(request_)) length_ = std::to_string(request_.body.size());
}

void Http2Exchange::add_headers(HeaderList& headers, std::string& timeout) const {
  headers.add(":method", request_.method);
  headers.add(":path", request_.target);
  for (const Header& header : request_.headers) {
    if (is_connections_own(header.name) || !is_token(header.name) || !is_header_value(header.value)) continue;
    headers.add(header.name, header.value);
  }
  if (terms_.start && !terms_.start->time_left_header.empty()) {
    timeout = time_left(terms_.start->by);
    headers.add(terms_.start->time_left_header, timeout);
  }
  if (!length_.empty()) headers.add("content-length", length_);
}

void Http2Exchange::opened(const std::shared_ptr<Http2ClientSession>& session, std::int32_t stream) {
  session_ = session;
  stream_ = stream;
  if (const auto owner = owner_.lock()) owner->on_opened(id_);
}

ssize_t Http2Exchange::read_body(std::uint8_t* to, std::size_t size, std::uint32_t* flags) {
  if (over_) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const std::size_t part = std::min(size, request_.body.size() - sent_);
  std::memcpy(to, request_.body.data() + sent_, part);
  sent_ += part;
  if (sent_ == request_.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(part);
}

void Http2Exchange::on_headers_sent() {
  headers_sent_ = true;
  if (const auto session = session_.lock()) written_before_ = session->bytes_written();
}

void Http2Exchange::on_header(std::string_view name, std::string_view value) {
  if (over_ || headers_seen_) return;  // trailers say nothing here
  header_bytes_ += list_size(name, value);
  if (header_bytes_ > terms_.max_header) {
    return too_large("the headers are larger than the limit of " + std::to_string(terms_.max_header) + " bytes");
  }
  if (name == ":status") {
    status_ = base::parse_whole<int>(value).value_or(0);
  } else if (!name.starts_with(':')) {
    response_.headers.add(std::string(name), std::string(value));
  }
}

void Http2Exchange::on_headers_end(bool end_stream) {
  if (over_) return;
  if (status_ / 100 == 1 && !end_stream) {
    response_.headers = Metadata();
    header_bytes_ = 0;
    status_ = 0;
    return;
  }
  headers_seen_ = true;
  if (status_ < 200 || status_ > 999) {
    HttpResult result;
    result.malformed = true;
    result.error = "the answer has " + std::to_string(status_) + " for its status, which is none of a final answer";
    return finish(std::move(result));
  }
  if (end_stream) return on_end();
  const auto session = session_.lock();
  if (session && !std::exchange(answer_begun_, true)) session->answer_begun();
}

void Http2Exchange::on_data(std::string_view bytes) {
  if (over_) return;
  if (response_.body.size() + bytes.size() > terms_.max_body) {
    return too_large("the body is larger than the limit of " + std::to_string(terms_.max_body) + " bytes");
  }
  response_.body.append(bytes);
  unconsumed_ += bytes.size();
  if (response_.body.size() > AnswerRoom::kSmall && terms_.room) {
    if (!place_) {
      place_.emplace(terms_.room, [this] { give_window(); });
      place_->may_read(1);
    }
    place_->hold(bytes.size(), response_.body.capacity());
  }
  give_window();
}

void Http2Exchange::on_end() {
  if (over_) return;
  HttpResult result;
  result.outcome = HttpOutcome::kAnswered;
  result.response = std::move(response_);
  result.response.status = status_;
  answered_ = true;
  finish(std::move(result));
}

void Http2Exchange::on_closed(std::uint32_t error, bool going_away) {
  if (over_) return;
  part_from_session();
  const bool refused = error == NGHTTP2_REFUSED_STREAM || untouched();
  if (refused && going_away) return try_again("the server goes away");
  if (refused) {
    HttpResult result = not_sent("the server refused the stream");
    result.overloaded = true;
    return finish(std::move(result));
  }
  HttpResult result;
  result.malformed = error == NGHTTP2_PROTOCOL_ERROR;
  result.error = result.malformed ? "the answer is not valid HTTP/2"
                                  : std::string("the server reset the stream: ") + nghttp2_http2_strerror(error);
  finish(std::move(result));
}

void Http2Exchange::on_connection_lost(const ConnectionLoss& loss) {
  if (over_) return;
  part_from_session();
  if (untouched()) return try_again(loss.why.empty() ? "the connection ended" : loss.why);
  // The server's end of the connection says up to which byte it had received: nothing of this request.
  if (status_ == 0 && loss.received && *loss.received <= written_before_) {
    return finish(not_sent("the server closed the connection before the request had come"));
  }
  HttpResult lost;
  lost.error = loss.why.empty() ? "the server closed the connection" : loss.why;
  finish(std::move(lost));
}

void Http2Exchange::finish(HttpResult result) {
  if (over_) return;
  leave();
  if (const auto owner = owner_.lock()) owner->on_over(id_, std::move(result));
  if (const auto link = link_.lock()) link->stream_is_free();
}

void Http2Exchange::drop() {
  if (over_) return;
  leave();
  if (const auto link = link_.lock()) link->stream_is_free();
}

void Http2Exchange::leave() {
  over_ = true;
  place_.reset();
  if (const auto link = link_.lock()) link->withdraw(*this);
  const auto session = part_from_session();
  const bool ended = answered_ && sent_ == request_.body.size();
  if (session && stream_ != 0) session->forget(stream_, !ended);
}

std::shared_ptr<Http2ClientSession> Http2Exchange::part_from_session() {
  auto session = std::exchange(session_, {}).lock();
  if (session && std::exchange(answer_begun_, false)) session->answer_over();
  return session;
}

void Http2Exchange::try_again(std::string_view why) {
  stream_ = 0;
  if (++attempts_ >= kMostAttempts) {
    return finish(
        not_sent("it was refused on " + std::to_string(attempts_) + " connections in turn: " + std::string(why)));
  }
  sent_ = 0;
  headers_sent_ = headers_seen_ = false;
  status_ = 0;
  header_bytes_ = 0;
  response_ = HttpResponse();
  if (const auto link = link_.lock()) link->place(shared_from_this());
}

void Http2Exchange::too_large(const std::string& what) {
  HttpResult result;
  result.too_large = true;
  result.error = "of the answer, " + what;
  finish(std::move(result));
}

void Http2Exchange::give_window() {
  const auto session = session_.lock();
  if (!session || unconsumed_ == 0 || (place_ && place_->may_read(unconsumed_) == 0)) return;
  session->consume_stream(stream_, std::exchange(unconsumed_, 0));
}

}  // namespace ringside::net
