#include "sidecar/net/http1/http1_reader.h"

#include <string>

#include <gtest/gtest.h>

namespace ringside::net {
namespace {

TEST(Http1Reader, AnEmptyLineBeforeARequestMayComeInHalves) {
  Http1Reader<true> reader{Http1Limits{}};
  using State = Http1Reader<true>::State;
  for (const char* half : {"\r", "\n", "\r", "\n"}) {
    reader.feed(half);
    EXPECT_EQ(reader.advance(), State::kStart);
  }
  reader.feed("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(reader.advance(), State::kDone) << reader.why();
}

// Beast asserts otherwise, in builds that have assertions.
TEST(Http1Reader, TheEndOfAChunkedBodyMayComeByteByByte) {
  for (const std::string body : {"0\r\n\r\n", "0\r\nA: b\r\n\r\n", "1\r\n\n\r\n0;x\r\n\r\n"}) {
    Http1Reader<false> reader{Http1Limits{}};
    using State = Http1Reader<false>::State;
    reader.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_EQ(reader.advance(), State::kBody);
    for (const char byte : body) {
      EXPECT_EQ(reader.state(), State::kBody) << body << reader.why();
      reader.feed({&byte, 1});
      reader.advance();
    }
    EXPECT_EQ(reader.state(), State::kDone) << body << reader.why();
  }
}

}  // namespace
}  // namespace ringside::net
