#include "sidecar/net/http1/http1_gate.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace ringside::net {
namespace {

std::string why_not_request(const std::string& head) {
  const auto read = read_request_head(head);
  return read ? "" : read.error();
}

std::string why_not_response(const std::string& head) {
  const auto read = read_response_head(head);
  return read ? "" : read.error();
}

// Whoever reads it has not seen the bytes: each sentence says what is wrong, and shows it where it is a value.
TEST(Http1Gate, SaysWhatIsWrongWithARequest) {
  const std::string host = "Host: a\r\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"GET / HTTP/1.1\r\n" + host + "\r\n", ""},
      {"GET /\r\n\r\n", "the request line is not a method, a target and a version"},
      {"GET / HTTP/3\r\n\r\n", "the version is \"HTTP/3\", not HTTP/1.1 or HTTP/1.0"},
      {"GET a HTTP/1.1\r\n\r\n", "the request target must be a path"},
      {"GET /a#b HTTP/1.1\r\n\r\n", "the request target holds a space, a tab or a #: percent-encode them"},
      {"GET / HTTP/1.1\r\n\r\n", "there is no Host header"},
      {"GET / HTTP/1.1\r\n" + host + host + "\r\n", "there are two Host headers"},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "Host is not a host and a port: \"a b\""},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "a header has no name of letters, digits and hyphens: \"Host \""},
      {"GET / HTTP/1.1\r\n" + host + "A: b\nC: d\r\n\r\n", "the headers hold a control character or a bare line end"},
  };
  for (const auto& [head, why] : cases) EXPECT_EQ(why_not_request(head), why) << head;
}

TEST(Http1Gate, SaysWhatIsWrongWithAResponse) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string long_value(100, '7');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {ok + "Content-Length: 0\r\n\r\n", ""},
      {"HTTP/1.1 20 OK\r\n\r\n",
       "the status line is not HTTP/1.1 or HTTP/1.0 and a status of three digits: \"HTTP/1.1 20 OK\""},
      {ok + "A: b\r\n c\r\n\r\n", "a header is folded: \" c\""},
      {ok + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", "there are two Content-Length headers"},
      {ok + "Content-Length: -1\r\n\r\n", "Content-Length is not a number of at most 18 digits: \"-1\""},
      {ok + "Content-Length: caf\xc3\xa9\r\n\r\n", "Content-Length is not a number of at most 18 digits: \"caf??\""},
      {ok + "Content-Length: " + long_value + "\r\n\r\n",
       "Content-Length is not a number of at most 18 digits: \"" + long_value.substr(0, 60) + "...\""},
      {ok + "Transfer-Encoding: gzip\r\n\r\n", "Transfer-Encoding is not just chunked: \"gzip\""},
      {ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "there is a Content-Length beside Transfer-Encoding"},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0 has no Transfer-Encoding"},
  };
  for (const auto& [head, why] : cases) EXPECT_EQ(why_not_response(head), why) << head;
}

}  // namespace
}  // namespace ringside::net
