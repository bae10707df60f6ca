#include "sidecar/wire/method_call.h"

#include <algorithm>
#include <array>
#include <vector>

#include <messages/control_plane.pb.h>
#include <ringside/http/v1/http.pb.h>

#include "sidecar/base/text.h"
#include "sidecar/net/http1/http1_gate.h"
#include "sidecar/wire/apply.h"

namespace ringside::wire {
namespace {

namespace http = ringside::http::v1;

constexpr std::string_view kPathCharacters = "!$&'()*+,;=:@";  // besides unreserved ones (RFC 3986 §3.3)
constexpr std::string_view kQueryCharacters = "!$&'()*+,;=:@/?%[]{}|^`\"<>\\";  // verbatim, as clients send them

// What the sidecar has its own word for, besides what belongs to a connection. In lower case.
constexpr std::array<std::string_view, 3> kOwnHeaders = {"forwarded", "proxy-authenticate", "proxy-authorization"};
constexpr std::string_view kLengthHeader = "content-length";
constexpr std::array<std::string_view, 3> kCallHeaders = {"idempotency-key", "traceparent", "tracestate"};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

core::Answer bad_path(std::string detail) { return invalid(core::Reason::kBadPath, std::move(detail)); }

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// One segment, decoded, into its one spelling. Nothing: fine; else what is wrong with it.
std::optional<std::string> check_segment(const std::string& segment) {
  // Some servers cut a parameter off before they look for dots: "..;x" is ".." there.
  const std::string bare = segment.substr(0, segment.find(';'));
  if (bare == "..") return "a method path must not hold \"..\"";
  if (segment.find_first_of("/\\") != std::string::npos) return "a method path must not hold an encoded slash";
  if (has_control(segment)) return "a method path must not hold control characters";
  return std::nullopt;
}

bool of_type(const google::protobuf::Any& any, std::string_view name) {
  const std::string& url = any.type_url();
  return url.size() > name.size() && url.ends_with(name) && url[url.size() - name.size() - 1] == '/';
}

constexpr std::string_view kRequestType = "ringside.http.v1.Request";
constexpr std::string_view kResponseType = "ringside.http.v1.Response";

template <typename Message>
void pack(const Message& message, std::string_view type, google::protobuf::Any& any) {
  any.set_type_url("type.googleapis.com/" + std::string(type));
  message.SerializeToString(any.mutable_value());
}

template <typename Message>
void put_headers(const net::Metadata& headers, Message& message) {
  for (const net::Header& header : headers) {
    http::Header* out = message.add_headers();
    out->set_name(header.name);
    out->set_value(header.value);
  }
}

// False: one of them could not stand in a message.
template <typename Message>
bool get_headers(const Message& message, net::Metadata& headers) {
  for (const http::Header& header : message.headers()) {
    if (!net::is_token(header.name()) || !net::is_header_value(header.value())) return false;
    headers.add(net::to_lower(header.name()), header.value());
  }
  return true;
}

// With the length of a body that does not come along: that of an answer to HEAD.
net::Metadata answer_headers(const net::Metadata& headers, std::string_view body) {
  net::Metadata kept = end_to_end_headers(headers, false);
  const std::string* length = headers.find(kLengthHeader);
  if (length != nullptr && body.empty()) kept.add(std::string(kLengthHeader), *length);
  return kept;
}

bool good_method(std::string_view method) { return net::is_token(method) && method != "CONNECT" && method != "TRACE"; }

}  // namespace

std::optional<core::Answer> normalize_method_path(std::string_view path, std::string& normalized) {
  normalized.clear();
  if (path.empty()) return bad_path("the method's path is empty");
  bool first = true;
  while (true) {
    const std::size_t end = path.find('/');
    const auto segment = base::percent_decode(path.substr(0, end));
    if (!segment) return bad_path("the method's path is not well percent-encoded");
    if (const auto wrong = check_segment(*segment)) return bad_path(*wrong);
    if (*segment != ".") {
      if (!first) normalized += '/';
      first = false;
      normalized += base::percent_encode(*segment, kPathCharacters);
    }
    if (end == std::string_view::npos) break;
    path.remove_prefix(end + 1);
  }
  if (normalized.empty() || normalized.front() == '/')
    return bad_path("the method's path starts with a slash; it begins with a name, as in cart/add");
  return std::nullopt;
}

net::Metadata end_to_end_headers(const net::Metadata& headers, bool of_request) {
  std::vector<std::string> named;
  for (const net::Header& header : headers) {
    if (header.name != "connection") continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      named.push_back(net::to_lower(net::trim(rest.substr(0, comma))));
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
  }
  net::Metadata kept;
  for (const net::Header& header : headers) {
    if (net::is_connections_own(header.name) || among(kOwnHeaders, header.name) ||
        header.name.starts_with("ringside-")) {
      continue;
    }
    if (of_request && among(kCallHeaders, header.name)) continue;
    if (std::find(named.begin(), named.end(), header.name) != named.end()) continue;
    kept.add(header.name, header.value);
  }
  return kept;
}

std::optional<core::Answer> write_method_call(core::ActorId id, const net::HttpRequest& request,
                                              std::string_view path_and_query, std::string& apply_request) {
  if (!good_method(request.method)) {
    return invalid(core::Reason::kMethodNotAllowed, "method calls pass any HTTP method but CONNECT and TRACE");
  }
  const std::size_t mark = path_and_query.find('?');
  http::Request call;
  if (auto refusal = normalize_method_path(path_and_query.substr(0, mark), *call.mutable_path())) return refusal;
  if (mark != std::string_view::npos) {
    call.set_query(base::percent_encode(path_and_query.substr(mark + 1), kQueryCharacters));
  }
  call.set_method(request.method);
  put_headers(end_to_end_headers(request.headers, true), call);
  call.set_body(request.body);
  messages::ApplyRequest batch;
  batch.set_id(id);
  pack(call, kRequestType, *batch.add_messages());
  apply_request = batch.SerializeAsString();
  return std::nullopt;
}

bool is_method_call(std::string_view apply_request) {
  // Most batches are none: their first bytes tell.
  constexpr std::size_t kWhereItWouldStand = 128;
  if (apply_request.substr(0, kWhereItWouldStand).find(kRequestType) == std::string_view::npos) return false;
  messages::ApplyRequest batch;
  return batch.ParseFromArray(apply_request.data(), static_cast<int>(apply_request.size())) &&
         batch.messages_size() == 1 && of_type(batch.messages(0), kRequestType);
}

std::optional<std::size_t> method_body_size(std::string_view apply_request) {
  messages::ApplyRequest batch;
  http::Request call;
  const auto size = static_cast<int>(apply_request.size());
  if (!is_method_call(apply_request) || !batch.ParseFromArray(apply_request.data(), size) ||
      !call.ParseFromString(batch.messages(0).value())) {
    return std::nullopt;
  }
  return call.body().size();
}

std::optional<core::Answer> read_method_call(const std::string& apply_request, net::HttpRequest& request) {
  messages::ApplyRequest batch;
  http::Request call;
  const auto malformed = [] { return invalid(core::Reason::kMalformed, "the batch is not a well-formed method call"); };
  if (!batch.ParseFromString(apply_request) || batch.messages_size() != 1) return malformed();
  if (!call.ParseFromString(batch.messages(0).value()) || !good_method(call.method())) return malformed();
  std::string path;
  if (auto refusal = normalize_method_path(call.path(), path)) return refusal;
  request = {};
  net::Metadata headers;
  if (!get_headers(call, headers)) return malformed();
  request.headers = end_to_end_headers(headers, true);
  request.method = call.method();
  request.target = "/actors/" + std::to_string(batch.id()) + "/method/" + path;
  if (!call.query().empty()) request.target += "?" + base::percent_encode(call.query(), kQueryCharacters);
  request.body = std::move(*call.mutable_body());
  return std::nullopt;
}

std::string write_method_answer(const net::HttpResponse& response) {
  http::Response answer;
  answer.set_status(static_cast<std::uint32_t>(response.status));
  put_headers(answer_headers(response.headers, response.body), answer);
  answer.set_body(response.body);
  messages::ApplyResult result;
  result.set_accepted(true);
  pack(answer, kResponseType, *result.add_replies());
  return result.SerializeAsString();
}

std::optional<net::HttpResponse> read_method_answer(const std::string& apply_result, bool& malformed) {
  malformed = false;
  messages::ApplyResult result;
  if (!result.ParseFromString(apply_result)) return std::nullopt;
  for (const google::protobuf::Any& reply : result.replies()) {
    if (!of_type(reply, kResponseType)) continue;
    http::Response answer;
    net::Metadata headers;
    if (!answer.ParseFromString(reply.value()) || answer.status() < 200 || answer.status() > 999 ||
        !get_headers(answer, headers)) {
      malformed = true;
      return std::nullopt;
    }
    net::HttpResponse response;
    response.headers = answer_headers(headers, answer.body());
    response.status = static_cast<int>(answer.status());
    response.body = std::move(*answer.mutable_body());
    return response;
  }
  return std::nullopt;
}

}  // namespace ringside::wire
