// Takes RST_STREAM frames for streams that were never opened out of a client's bytes. gRPC's C core (C++, Python,
// Ruby ...; seen with 1.51) sends them when a deadline passes before the call's HEADERS were written; RFC 9113
// §5.1 makes that a connection error, nghttp2 obeys, and one short deadline would so end every other call of the
// connection. Sees nothing but frame headers; everything else passes untouched.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ringside::net {

class IdleResetFilter {
 public:
  // Calls keep(std::string_view) for each run of bytes that stays, until it returns false; false then.
  // `dropped` counts the frames taken out.
  template <typename Keep>
  bool filter(std::string_view bytes, std::size_t& dropped, Keep&& keep) {
    std::size_t kept = 0;  // start of the run not yet passed on
    std::size_t at = 0;
    while (at < bytes.size()) {
      if (skip_ > 0) {
        const std::size_t step = std::min(skip_, bytes.size() - at);
        skip_ -= step;
        at += step;
        if (dropping_) kept = at;
        continue;
      }
      dropping_ = false;
      if (header_size_ == 0 && bytes.size() - at >= kHeader) {
        if (read_header(bytes.substr(at, kHeader))) {
          at += kHeader;
          continue;
        }
        if (at > kept && !keep(bytes.substr(kept, at - kept))) return false;
        ++dropped;
        at += kHeader;
        kept = at;
        continue;
      }
      // A header cut by the end of a read waits for its other half.
      if (header_size_ == 0 && at > kept && !keep(bytes.substr(kept, at - kept))) return false;
      const std::size_t take = std::min(kHeader - header_size_, bytes.size() - at);
      std::memcpy(header_.data() + header_size_, bytes.data() + at, take);
      header_size_ += take;
      at += take;
      kept = at;
      if (header_size_ < kHeader) return true;
      header_size_ = 0;
      const std::string_view whole(header_.data(), kHeader);
      if (!read_header(whole)) {
        ++dropped;
      } else if (!keep(whole)) {
        return false;
      }
    }
    return kept >= bytes.size() || keep(bytes.substr(kept));
  }

 private:
  static constexpr std::size_t kHeader = 9;
  static constexpr std::size_t kPreface = 24;
  static constexpr std::uint32_t kHeadersType = 1;
  static constexpr std::uint32_t kRstStreamType = 3;

  // False when this frame is to be dropped.
  bool read_header(std::string_view header) {
    const auto byte = [header](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(header[i])}; };
    skip_ = byte(0) << 16 | byte(1) << 8 | byte(2);
    const std::uint32_t stream = (byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8)) & 0x7fffffffU;
    if (byte(3) == kHeadersType) highest_ = std::max(highest_, stream);
    dropping_ = byte(3) == kRstStreamType && skip_ == 4 && stream % 2 == 1 && stream > highest_;
    return !dropping_;
  }

  std::size_t skip_ = kPreface;  // of the preface or of a payload
  std::array<char, kHeader> header_{};
  std::size_t header_size_ = 0;
  std::uint32_t highest_ = 0;
  bool dropping_ = false;
};

}  // namespace ringside::net
