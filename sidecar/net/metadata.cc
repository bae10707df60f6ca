#include "sidecar/net/metadata.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <absl/strings/escaping.h>

namespace ringside::net {

void Metadata::set(std::string_view name, std::string value) {
  erase(name);
  headers_.push_back({std::string(name), std::move(value)});
}

std::size_t Metadata::erase(std::string_view name) {
  return std::erase_if(headers_, [name](const Header& header) { return header.name == name; });
}

void Metadata::append(Metadata more) {
  headers_.insert(headers_.end(), std::make_move_iterator(more.headers_.begin()),
                  std::make_move_iterator(more.headers_.end()));
}

const std::string* Metadata::find(std::string_view name) const {
  for (const Header& header : headers_) {
    if (header.name == name) return &header.value;
  }
  return nullptr;
}

std::string_view Metadata::get(std::string_view name) const {
  const std::string* value = find(name);
  return value ? std::string_view(*value) : std::string_view();
}

std::size_t Metadata::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(headers_.begin(), headers_.end(), [name](const Header& header) { return header.name == name; }));
}

std::string encode_bin(std::string_view bytes) {
  std::string text = absl::Base64Escape(absl::string_view(bytes.data(), bytes.size()));
  while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

std::optional<std::string> decode_bin(std::string_view text) {
  std::string bytes;
  if (!absl::Base64Unescape(absl::string_view(text.data(), text.size()), &bytes)) return std::nullopt;
  return bytes;
}

bool is_token(std::string_view text) {
  static constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

bool is_connections_own(std::string_view name) {
  constexpr std::array<std::string_view, 11> kNames = {
      "connection", "content-length",   "expect",  "host",    "http2-settings",   "keep-alive",
      "te",         "proxy-connection", "trailer", "upgrade", "transfer-encoding"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const std::size_t first = text.find_first_not_of(kSpace);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace ringside::net
