#include "sidecar/net/http1/http1_gate.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "sidecar/net/http_message.h"

namespace ringside::net {

namespace {

constexpr std::string_view kLineEnd = "\r\n";

// Done, or the rule that is broken.
using Checked = base::Result<void, std::string>;

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Takes one line off the front; its bytes are all allowed ones, so no bare CR or LF hides in it. Nothing: there is none
// such.
std::optional<std::string_view> take_line(std::string_view& block) {
  const std::size_t end = block.find(kLineEnd);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = block.substr(0, end);
  block.remove_prefix(end + kLineEnd.size());
  if (!is_header_value(line)) return std::nullopt;
  return line;
}

// The minor version.
std::optional<int> read_version(std::string_view text) {
  if (text != "HTTP/1.1" && text != "HTTP/1.0") return std::nullopt;
  return text.back() - '0';
}

struct AbsoluteForm {
  std::string authority;
  std::string path;
};

// "http://host/path".
std::optional<AbsoluteForm> read_absolute_form(std::string_view target) {
  constexpr std::string_view kScheme = "http://";
  if (to_lower(target.substr(0, kScheme.size())) != kScheme) return std::nullopt;
  const std::size_t end = std::min(target.find_first_of("/?", kScheme.size()), target.size());
  AbsoluteForm form{std::string(target.substr(kScheme.size(), end - kScheme.size())), std::string(target.substr(end))};
  if (form.authority.empty()) return std::nullopt;
  if (!form.path.starts_with('/')) form.path.insert(0, "/");
  return form;
}

// Yields the host of a target in absolute form; empty: it is a path.
base::Result<std::string, std::string> read_request_line(std::string_view line, Http1Head& head) {
  std::string authority;
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || !is_token(line.substr(0, first))) {
    return base::Error("the request line is not a method, a target and a version");
  }
  const auto minor = read_version(line.substr(last + 1));
  if (!minor) return base::Error("the version is " + in_quotes(line.substr(last + 1)) + ", not HTTP/1.1 or HTTP/1.0");
  head.minor = *minor;
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (!is_path(head.target, head.method)) {
    auto absolute = read_absolute_form(head.target);
    if (!absolute) return base::Error("the request target must be a path");
    authority = std::move(absolute->authority);
    head.target = std::move(absolute->path);
  }
  if (const auto checked = check_target(head.target); !checked) return base::Error(checked.error());
  return authority;
}

Checked read_status_line(std::string_view line, Http1Head& head) {
  const bool shaped =
      line.size() >= 12 && line[8] == ' ' && is_digits(line.substr(9, 3)) && (line.size() == 12 || line[12] == ' ');
  const auto minor = read_version(line.substr(0, 8));
  if (!shaped || !minor || line[9] == '0') {
    return base::Error("the status line is not HTTP/1.1 or HTTP/1.0 and a status of three digits: " + in_quotes(line));
  }
  head.minor = *minor;
  head.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  return {};
}

Checked read_headers(std::string_view block, Http1Head& head) {
  for (;;) {
    const auto taken = take_line(block);
    if (!taken) return base::Error("the headers hold a control character or a bare line end");
    const std::string_view line = *taken;
    if (line.empty()) return {};
    if (line.front() == ' ' || line.front() == '\t') {
      return base::Error("a header is folded: " + in_quotes(line));
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return base::Error("a header has no name of letters, digits and hyphens: " + in_quotes(line.substr(0, colon)));
    }
    head.headers.add(to_lower(line.substr(0, colon)), std::string(trim(line.substr(colon + 1))));
  }
}

Checked check_framing(Http1Head& head) {
  const std::size_t lengths = head.headers.count("content-length");
  const std::size_t encodings = head.headers.count("transfer-encoding");
  head.has_length = lengths == 1;
  head.chunked = encodings == 1;
  const std::string_view length = head.headers.get("content-length");
  if (lengths > 1) return base::Error("there are two Content-Length headers");
  if (head.has_length && (!is_digits(length) || length.size() > 18)) {
    return base::Error("Content-Length is not a number of at most 18 digits: " + in_quotes(length));
  }
  if (encodings > 1 || (head.chunked && to_lower(head.headers.get("transfer-encoding")) != "chunked")) {
    return base::Error("Transfer-Encoding is not just chunked: " + in_quotes(head.headers.get("transfer-encoding")));
  }
  if (head.chunked && head.has_length) return base::Error("there is a Content-Length beside Transfer-Encoding");
  if (head.chunked && head.minor == 0) return base::Error("HTTP/1.0 has no Transfer-Encoding");
  return {};
}

// What follows the first line.
Checked read_rest(std::string_view block, Http1Head& head) {
  if (auto read = read_headers(block, head); !read) return read;
  return check_framing(head);
}

}  // namespace

bool has_token(const Metadata& headers, std::string_view name, std::string_view token) {
  for (const Header& header : headers) {
    if (header.name != name) continue;
    const std::string lower = to_lower(header.value);
    std::string_view rest = lower;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      if (trim(rest.substr(0, comma)) == token) return true;
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
  }
  return false;
}

base::Result<Http1Head, std::string> read_request_head(std::string_view block) {
  const auto line = take_line(block);
  if (!line) return base::Error("the request line holds a control character or a bare line end");
  Http1Head head;
  auto authority = read_request_line(*line, head);
  if (!authority) return base::Error(authority.error());
  if (const auto rest = read_rest(block, head); !rest) return base::Error(rest.error());
  const std::size_t hosts = head.headers.count("host");
  if (hosts > 1) return base::Error("there are two Host headers");
  if (hosts == 0 && head.minor == 1) return base::Error("there is no Host header");
  if (!authority->empty()) head.headers.set("host", std::move(*authority));
  if (const auto checked = check_host(head.headers.get("host")); !checked) return base::Error(checked.error());
  return head;
}

base::Result<Http1Head, std::string> read_response_head(std::string_view block) {
  const auto line = take_line(block);
  if (!line) return base::Error("the status line holds a control character or a bare line end");
  Http1Head head;
  if (const auto read = read_status_line(*line, head); !read) return base::Error(read.error());
  if (const auto rest = read_rest(block, head); !rest) return base::Error(rest.error());
  return head;
}

}  // namespace ringside::net
