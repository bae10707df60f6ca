#include "sidecar/net/http1/http1_gate.h"

#include <algorithm>

namespace ringside::net {

namespace {

constexpr std::string_view kLineEnd = "\r\n";

// Quoted for a person: what a header says may be long, and its bytes need not be text.
std::string quoted(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string out = "\"";
  for (const char c : text.substr(0, kMost)) out += c >= 0x20 && c <= 0x7e ? c : '?';
  return out + (text.size() > kMost ? "...\"" : "\"");
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Takes one line off the front; its bytes are all allowed ones, so no bare CR or LF hides in it.
bool take_line(std::string_view& block, std::string_view& line) {
  const std::size_t end = block.find(kLineEnd);
  if (end == std::string_view::npos) return false;
  line = block.substr(0, end);
  block.remove_prefix(end + kLineEnd.size());
  return is_header_value(line);
}

bool read_version(std::string_view text, int& minor) {
  if (text != "HTTP/1.1" && text != "HTTP/1.0") return false;
  minor = text.back() - '0';
  return true;
}

// "http://host/path": takes the host off into `authority`. False: no absolute form.
bool split_absolute_form(std::string& target, std::string& authority) {
  constexpr std::string_view kScheme = "http://";
  if (to_lower(std::string_view(target).substr(0, kScheme.size())) != kScheme) return false;
  const std::size_t end = std::min(target.find_first_of("/?", kScheme.size()), target.size());
  authority = target.substr(kScheme.size(), end - kScheme.size());
  target.erase(0, end);
  if (!target.starts_with('/')) target.insert(0, "/");
  return !authority.empty();
}

bool read_request_line(std::string_view line, Http1Head& head, std::string& authority, std::string& why) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || !is_token(line.substr(0, first))) {
    why = "the request line is not a method, a target and a version";
    return false;
  }
  if (!read_version(line.substr(last + 1), head.minor)) {
    why = "the version is " + quoted(line.substr(last + 1)) + ", not HTTP/1.1 or HTTP/1.0";
    return false;
  }
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  const bool star = head.target == "*" && head.method == "OPTIONS";
  if (!star && !head.target.starts_with('/') && !split_absolute_form(head.target, authority)) {
    why = "the request target must be a path";
    return false;
  }
  if (head.target.find_first_of(" \t#") != std::string::npos) {
    why = "the request target holds a space, a tab or a #: percent-encode them";
    return false;
  }
  return true;
}

bool read_status_line(std::string_view line, Http1Head& head, std::string& why) {
  const bool shaped =
      line.size() >= 12 && line[8] == ' ' && is_digits(line.substr(9, 3)) && (line.size() == 12 || line[12] == ' ');
  if (!shaped || !read_version(line.substr(0, 8), head.minor) || line[9] == '0') {
    why = "the status line is not HTTP/1.1 or HTTP/1.0 and a status of three digits: " + quoted(line);
    return false;
  }
  head.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  return true;
}

bool read_headers(std::string_view block, Http1Head& head, std::string& why) {
  std::string_view line;
  for (;;) {
    if (!take_line(block, line)) {
      why = "the headers hold a control character or a bare line end";
      return false;
    }
    if (line.empty()) return true;
    if (line.front() == ' ' || line.front() == '\t') {
      why = "a header is folded: " + quoted(line);
      return false;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      why = "a header has no name of letters, digits and hyphens: " + quoted(line.substr(0, colon));
      return false;
    }
    head.headers.add(to_lower(line.substr(0, colon)), std::string(trim(line.substr(colon + 1))));
  }
}

bool check_framing(Http1Head& head, std::string& why) {
  const std::size_t lengths = head.headers.count("content-length");
  const std::size_t encodings = head.headers.count("transfer-encoding");
  head.has_length = lengths == 1;
  head.chunked = encodings == 1;
  const std::string_view length = head.headers.get("content-length");
  if (lengths > 1) {
    why = "there are two Content-Length headers";
  } else if (head.has_length && (!is_digits(length) || length.size() > 18)) {
    why = "Content-Length is not a number of at most 18 digits: " + quoted(length);
  } else if (encodings > 1 || (head.chunked && to_lower(head.headers.get("transfer-encoding")) != "chunked")) {
    why = "Transfer-Encoding is not just chunked: " + quoted(head.headers.get("transfer-encoding"));
  } else if (head.chunked && head.has_length) {
    why = "there is a Content-Length beside Transfer-Encoding";
  } else if (head.chunked && head.minor == 0) {
    why = "HTTP/1.0 has no Transfer-Encoding";
  } else {
    return true;
  }
  return false;
}

}  // namespace

bool is_token(std::string_view text) {
  static constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

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

bool read_request_head(std::string_view block, Http1Head& head, std::string& why) {
  std::string_view line;
  if (!take_line(block, line)) {
    why = "the request line holds a control character or a bare line end";
    return false;
  }
  std::string authority;
  if (!read_request_line(line, head, authority, why) || !read_headers(block, head, why) || !check_framing(head, why))
    return false;
  const std::size_t hosts = head.headers.count("host");
  if (hosts > 1 || (hosts == 0 && head.minor == 1)) {
    why = hosts > 1 ? "there are two Host headers" : "there is no Host header";
    return false;
  }
  if (!authority.empty()) head.headers.set("host", std::move(authority));
  if (head.headers.get("host").find_first_of(" \t,/@?#\\") != std::string_view::npos) {
    why = "Host is not a host and a port: " + quoted(head.headers.get("host"));
    return false;
  }
  return true;
}

bool read_response_head(std::string_view block, Http1Head& head, std::string& why) {
  std::string_view line;
  if (!take_line(block, line)) {
    why = "the status line holds a control character or a bare line end";
    return false;
  }
  return read_status_line(line, head, why) && read_headers(block, head, why) && check_framing(head, why);
}

}  // namespace ringside::net
