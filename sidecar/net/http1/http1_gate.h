// Reads the head of an HTTP/1 message, as strictly as RFC 9112 allows a recipient to be.
#pragma once

#include <string>
#include <string_view>

#include "sidecar/base/result.h"
#include "sidecar/net/metadata.h"

namespace ringside::net {

// The head of an HTTP/1 message, as strictly as RFC 9112 allows a recipient to be.
struct Http1Head {
  std::string method;  // requests
  std::string target;  // the path, with its query
  int status = 0;      // responses
  int minor = 1;       // HTTP/1.minor
  Metadata headers;
  bool chunked = false;
  bool has_length = false;
};

// Reads a whole head, start line to empty line, and refuses everything that two parsers could read differently
// (request smuggling): two Content-Lengths, Content-Length with Transfer-Encoding, any Transfer-Encoding but
// exactly "chunked", chunked in HTTP/1.0, no Host or two, folded lines, bare CR or LF, control characters, a
// space before the colon. Of a target in absolute form ("http://host/path") the host counts, and replaces Host (RFC
// 9112 §3.2.2). It stands before Beast's parser, which accepts several of these.
// The error says which rule.
base::Result<Http1Head, std::string> read_request_head(std::string_view block);
base::Result<Http1Head, std::string> read_response_head(std::string_view block);

// Whether a comma separated header ("Connection") holds the token, whatever its case.
bool has_token(const Metadata& headers, std::string_view name, std::string_view token);

}  // namespace ringside::net
