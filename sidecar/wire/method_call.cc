#include "sidecar/wire/method_call.h"

#include <algorithm>
#include <array>
#include <vector>

#include <google/protobuf/io/coded_stream.h>
#include <messages/control_plane.pb.h>
#include <ringside/http/v1/http.pb.h>

#include "sidecar/base/checked.h"
#include "sidecar/base/text.h"
#include "sidecar/net/http1/http1_gate.h"
#include "sidecar/wire/invalid.h"

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

base::Error<core::Answer> bad_path(std::string detail) {
  return base::Error(invalid(core::Reason::kBadPath, std::move(detail)));
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// One segment, decoded. The error says what is wrong with it.
base::Result<void, std::string> check_segment(const std::string& segment) {
  // Some servers cut a parameter off before they look for dots: "..;x" is ".." there.
  const std::string bare = segment.substr(0, segment.find(';'));
  if (bare == "..") return base::Error("a method path must not hold \"..\"");
  if (segment.find_first_of("/\\") != std::string::npos) {
    return base::Error("a method path must not hold an encoded slash");
  }
  if (has_control(segment)) return base::Error("a method path must not hold control characters");
  return {};
}

bool of_type(const google::protobuf::Any& any, std::string_view name) {
  const std::string& url = any.type_url();
  return url.size() > name.size() && url.ends_with(name) && url[url.size() - name.size() - 1] == '/';
}

constexpr std::string_view kTypePrefix = "type.googleapis.com/";
constexpr std::string_view kRequestType = "ringside.http.v1.Request";
constexpr std::string_view kResponseType = "ringside.http.v1.Response";

template <typename Message>
void pack(const Message& message, std::string_view type, google::protobuf::Any& any) {
  any.set_type_url(std::string(kTypePrefix).append(type));
  message.SerializeToString(any.mutable_value());
}

template <typename Message>
void put_headers(const core::HttpHeaders& headers, Message& message) {
  for (const auto& [name, value] : headers) {
    http::Header* out = message.add_headers();
    out->set_name(name);
    out->set_value(value);
  }
}

template <typename Message>
core::HttpHeaders get_headers(const Message& message) {
  core::HttpHeaders headers;
  for (const http::Header& header : message.headers()) headers.emplace_back(header.name(), header.value());
  return headers;
}

core::HttpHeaders to_core(const net::Metadata& headers) {
  core::HttpHeaders out;
  for (const net::Header& header : headers) out.emplace_back(header.name, header.value);
  return out;
}

// Nothing: one of them could not stand in a message.
std::optional<net::Metadata> to_net(const core::HttpHeaders& headers) {
  net::Metadata out;
  for (const auto& [name, value] : headers) {
    if (!net::is_token(name) || !net::is_header_value(value)) return std::nullopt;
    out.add(net::to_lower(name), value);
  }
  return out;
}

// With the length of a body that does not come along: that of an answer to HEAD.
net::Metadata answer_headers(const net::Metadata& headers, std::string_view body) {
  net::Metadata kept = end_to_end_headers(headers, false);
  const std::string* length = headers.find(kLengthHeader);
  if (length != nullptr && body.empty()) kept.add(std::string(kLengthHeader), *length);
  return kept;
}

// A field with a number below 16 that has a length; protobuf leaves out an empty one that is not a message.
std::size_t message_size(std::size_t length) {
  return 1 + google::protobuf::io::CodedOutputStream::VarintSize64(length) + length;
}
std::size_t field_size(std::size_t length) { return length == 0 ? 0 : message_size(length); }

// Servers that give headers to their programs as variables (CGI, WSGI, Rack) make one name of "ringside-epoch" and
// "ringside_epoch": whatever they could take for one of our names is one.
std::string folded(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!kept) c = '-';
  }
  return out;
}

// Of the batch that write_batch() makes, without making it.
std::size_t batch_size(core::ActorId id, const core::MethodCall& call) {
  std::size_t request = field_size(call.method.size()) + field_size(call.path.size()) + field_size(call.query.size()) +
                        field_size(call.body.size());
  for (const auto& [name, value] : call.headers) {
    request += message_size(field_size(name.size()) + field_size(value.size()));
  }
  const std::size_t any = field_size(kTypePrefix.size() + kRequestType.size()) + field_size(request);
  return 1 + google::protobuf::io::CodedOutputStream::VarintSize64(id.value()) + message_size(any);
}

// The message of a batch that is a method call; nothing: it is not one.
std::optional<std::string> request_in(std::string_view batch) {
  // Most batches are not: their first bytes tell.
  constexpr std::size_t kWhereItWouldStand = 128;
  if (batch.substr(0, kWhereItWouldStand).find(kRequestType) == std::string_view::npos) return std::nullopt;
  messages::ApplyRequest whole;
  if (!whole.ParseFromArray(batch.data(), static_cast<int>(batch.size())) || whole.messages_size() != 1 ||
      !of_type(whole.messages(0), kRequestType)) {
    return std::nullopt;
  }
  return std::move(*whole.mutable_messages(0)->mutable_value());
}

std::optional<core::MethodCall> parse_request(const std::string& message) {
  http::Request in;
  if (!in.ParseFromString(message)) return std::nullopt;
  core::MethodCall call;
  call.headers = get_headers(in);
  call.method = std::move(*in.mutable_method());
  call.path = std::move(*in.mutable_path());
  call.query = std::move(*in.mutable_query());
  call.body = std::move(*in.mutable_body());
  return call;
}

core::HttpAnswer to_answer(http::Response in) {
  return {static_cast<int>(in.status()), get_headers(in), std::move(*in.mutable_body())};
}

bool good_method(std::string_view method) { return net::is_token(method) && method != "CONNECT" && method != "TRACE"; }

}  // namespace

base::Result<std::string, core::Answer> normalize_method_path(std::string_view path) {
  std::string normalized;
  if (path.empty()) return bad_path("the method's path is empty");
  bool first = true;
  while (true) {
    const std::size_t end = path.find('/');
    const auto segment = base::percent_decode(path.substr(0, end));
    if (!segment) return bad_path("the method's path is not well percent-encoded");
    if (const auto checked = check_segment(*segment); !checked) return bad_path(checked.error());
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
  return normalized;
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
    const std::string name = folded(header.name);
    if (net::is_connections_own(name) || among(kOwnHeaders, name) || name.starts_with("ringside-")) continue;
    if (of_request && among(kCallHeaders, name)) continue;
    if (std::find(named.begin(), named.end(), header.name) != named.end()) continue;
    kept.add(header.name, header.value);
  }
  return kept;
}

base::Result<core::MethodCall, core::Answer> make_method_call(core::ActorId id, net::HttpRequest& request,
                                                              std::string_view path_and_query) {
  if (!good_method(request.method)) {
    return base::Error(
        invalid(core::Reason::kMethodNotAllowed, "method calls pass any HTTP method but CONNECT and TRACE"));
  }
  const std::size_t mark = path_and_query.find('?');
  auto path = normalize_method_path(path_and_query.substr(0, mark));
  if (!path) return base::Error(path.error());
  core::MethodCall call;
  call.path = std::move(*path);
  if (mark != std::string_view::npos) {
    call.query = base::percent_encode(path_and_query.substr(mark + 1), kQueryCharacters);
  }
  call.headers = to_core(end_to_end_headers(request.headers, true));
  call.method = request.method;
  call.body = std::move(request.body);
  call.batch_size = batch_size(id, call);
  return call;
}

net::HttpRequest write_http_request(core::ActorId id, const core::MethodCall& call) {
  net::HttpRequest request;
  request.method = call.method;
  request.target = "/actors/" + to_string(id) + "/method/" + call.path;
  if (!call.query.empty()) request.target += "?" + call.query;
  for (const auto& [name, value] : call.headers) request.headers.add(name, value);
  request.body = call.body;
  return request;
}

core::HttpAnswer make_method_answer(net::HttpResponse response) {
  core::HttpHeaders headers = to_core(answer_headers(response.headers, response.body));
  return {response.status, std::move(headers), std::move(response.body)};
}

std::optional<base::Result<net::HttpResponse, std::string>> take_method_answer(core::Answer& answer) {
  const base::Error<std::string> malformed("the application's ringside.http.v1.Response is malformed");
  core::HttpAnswer taken;
  if (auto* passed = std::get_if<core::HttpAnswer>(&answer.result)) {
    taken = std::move(*passed);
  } else {
    messages::ApplyResult result;
    if (!result.ParseFromString(answer.serialized())) return std::nullopt;
    const auto& replies = result.replies();
    const auto found =
        std::find_if(replies.begin(), replies.end(), [](const auto& reply) { return of_type(reply, kResponseType); });
    if (found == replies.end()) return std::nullopt;
    http::Response in;
    if (!in.ParseFromString(found->value())) return malformed;
    taken = to_answer(std::move(in));
  }
  const auto headers = to_net(taken.headers);
  if (taken.status < 200 || taken.status > 999 || !headers) return malformed;
  net::HttpResponse response;
  response.status = taken.status;
  response.headers = answer_headers(*headers, taken.body);
  response.body = std::move(taken.body);
  return response;
}

std::string write_batch(const core::Call& call) {
  if (const auto* batch = std::get_if<std::string>(&call.request)) return *batch;
  const core::MethodCall& method_call = *base::as<std::shared_ptr<const core::MethodCall>>(call.request);
  http::Request request;
  request.set_method(method_call.method);
  request.set_path(method_call.path);
  request.set_query(method_call.query);
  put_headers(method_call.headers, request);
  request.set_body(method_call.body);
  messages::ApplyRequest batch;
  batch.set_id(call.id.value());
  pack(request, kRequestType, *batch.add_messages());
  return batch.SerializeAsString();
}

std::optional<core::MethodCall> unpack_method_call(std::string_view batch) {
  const auto message = request_in(batch);
  return message ? parse_request(*message) : std::nullopt;
}

std::optional<base::Result<core::MethodCall, core::Answer>> read_method_call(std::string_view batch) {
  const auto message = request_in(batch);
  if (!message) return std::nullopt;
  const base::Error malformed(invalid(core::Reason::kMalformed, "the batch is not a well-formed method call"));
  auto call = parse_request(*message);
  if (!call || !good_method(call->method)) return malformed;
  auto path = normalize_method_path(call->path);
  if (!path) return base::Error(path.error());
  const auto headers = to_net(call->headers);
  if (!headers) return malformed;
  call->path = std::move(*path);
  call->query = base::percent_encode(call->query, kQueryCharacters);
  call->headers = to_core(end_to_end_headers(*headers, true));
  call->batch_size = batch.size();
  return std::move(*call);
}

std::string write_method_answer(const core::HttpAnswer& answer) {
  http::Response response;
  response.set_status(static_cast<std::uint32_t>(answer.status));
  put_headers(answer.headers, response);
  response.set_body(answer.body);
  messages::ApplyResult result;
  result.set_accepted(true);
  pack(response, kResponseType, *result.add_replies());
  return result.SerializeAsString();
}

}  // namespace ringside::wire
