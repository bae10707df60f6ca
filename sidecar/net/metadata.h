// Headers of HTTP, which gRPC calls metadata, and what may stand in them.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringside::net {

struct Header {
  std::string name;  // lower case
  std::string value;
  bool operator==(const Header&) const = default;
};

// What a header counts for in a list of them: as SETTINGS_MAX_HEADER_LIST_SIZE does (RFC 9113 §6.5.2).
inline std::size_t list_size(std::string_view name, std::string_view value) { return name.size() + value.size() + 32; }

// Headers or gRPC metadata in their order. Names are in lower case: whoever adds sees to it. Values are as
// on the wire ("-bin" values in base64, see encode_bin).
class Metadata {
 public:
  Metadata() = default;
  Metadata(std::initializer_list<Header> headers) : headers_(headers) {}

  void add(std::string name, std::string value) { headers_.push_back({std::move(name), std::move(value)}); }
  // Replaces every header of this name.
  void set(std::string_view name, std::string value);
  std::size_t erase(std::string_view name);
  void append(Metadata more);

  // The first of this name, or null.
  const std::string* find(std::string_view name) const;
  // The first of this name, or an empty text.
  std::string_view get(std::string_view name) const;
  std::size_t count(std::string_view name) const;

  auto begin() const { return headers_.begin(); }
  auto end() const { return headers_.end(); }
  bool empty() const { return headers_.empty(); }
  std::size_t size() const { return headers_.size(); }
  bool operator==(const Metadata&) const = default;

 private:
  std::vector<Header> headers_;
};

// The value of a "-bin" header: base64 without padding out, with or without padding in.
std::string encode_bin(std::string_view bytes);
std::optional<std::string> decode_bin(std::string_view text);

// May stand in a request or status line and in a header's name (RFC 9110 §5.6.2).
bool is_token(std::string_view text);
// Only what may stand in a header's value: visible ASCII, space, tab and bytes from 0x80.
bool is_header_value(std::string_view value);
// Between two neighbours (RFC 9110 §7.6.1), or about how a message is framed: whoever writes one sets these itself, and
// passes none of them on. In lower case.
bool is_connections_own(std::string_view name);
std::string to_lower(std::string_view text);
// Without the spaces and tabs around it (OWS, RFC 9110 §5.6.3).
std::string_view trim(std::string_view text);

}  // namespace ringside::net
