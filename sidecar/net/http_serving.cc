#include "sidecar/net/http_serving.h"

#include <ctime>

namespace ringside::net {

HttpResponse refusal(const HttpServing& serving, int status, std::string_view detail) {
  if (serving.shape_error) return serving.shape_error(status, detail);
  HttpResponse response;
  response.status = status;
  response.headers.add("content-type", "text/plain; charset=utf-8");
  response.body = std::string(detail) + "\n";
  return response;
}

bool is_bodiless(int status) { return status == 204 || status == 304 || status < 200; }

std::string content_length(const HttpResponse& response, bool to_head) {
  if (is_bodiless(response.status)) return {};
  if (!to_head || !response.body.empty()) return std::to_string(response.body.size());
  const std::string_view given = response.headers.get("content-length");
  const bool number = given.size() <= 18 && given.find_first_not_of("0123456789") == std::string_view::npos;
  return number ? std::string(given) : std::string();
}

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, size};
}

void PendingReply::respond(HttpResponse response) {
  cancel_ = nullptr;
  at_input_end_ = nullptr;
  if (const auto taker = std::exchange(taker_, {}).lock()) taker->respond(std::move(response));
}

std::unique_ptr<HttpStream> PendingReply::stream(HttpResponse head, HttpStream::Events events) {
  cancel_ = nullptr;
  at_input_end_ = nullptr;
  const auto taker = std::exchange(taker_, {}).lock();
  return taker ? taker->begin_stream(std::move(head), std::move(events)) : nullptr;
}

void PendingReply::drop() {
  if (const auto taker = taker_.lock()) respond(refusal(taker->serving(), 500, "the request was not answered"));
}

void PendingReply::on_cancel(absl::AnyInvocable<void()> callback) {
  if (broken_) return callback();
  cancel_ = std::move(callback);
}

void PendingReply::end_input() {
  if (std::exchange(input_ended_, true)) return;
  if (auto callback = std::exchange(at_input_end_, nullptr)) callback();
}

void PendingReply::cancel() {
  broken_ = true;
  end_input();
  if (auto callback = std::exchange(cancel_, nullptr)) callback();
}

}  // namespace ringside::net
