// How gRPC's messages stand in a stream of bytes, read and written.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace ringside::net {

// gRPC's length-prefixed messages (grpc/doc/PROTOCOL-HTTP2.md): flag byte, 4 bytes of length, message.
inline constexpr std::size_t kGrpcPrefix = 5;

inline void append_grpc_prefix(std::string& to, std::size_t message_size) {
  const auto size = static_cast<std::uint32_t>(message_size);
  const char prefix[kGrpcPrefix] = {0, static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                                    static_cast<char>(size >> 8), static_cast<char>(size)};
  to.append(prefix, kGrpcPrefix);
}

inline void append_grpc_message(std::string& to, std::string_view message) {
  to.reserve(to.size() + kGrpcPrefix + message.size());
  append_grpc_prefix(to, message.size());
  to.append(message);
}

// Of the message that begins with this prefix.
inline std::size_t grpc_message_length(std::string_view prefix) {
  const auto byte = [prefix](std::size_t i) { return std::size_t{static_cast<std::uint8_t>(prefix[i])}; };
  return byte(1) << 24 | byte(2) << 16 | byte(3) << 8 | byte(4);
}

// Cuts a stream of bytes into messages. Memory grows with what has arrived, never with what was announced: of a message
// that is large, and whose beginning is here, the rest is address space alone until it comes.
class GrpcMessageReader {
 public:
  enum class Error { kNone, kTooBig, kCompressed, kBadFlag };
  // So much of a message that is skipped is handed over: more than its head takes, compressed or not.
  static constexpr std::size_t kBeginning = 1024;

  // Whoever takes compressed messages asks for each whether it is one.
  explicit GrpcMessageReader(std::size_t max_message, bool take_compressed = false)
      : max_message_(max_message), take_compressed_(take_compressed) {}

  // From now on a message above the limit is not an error: its beginning is handed over, and the rest goes by unkept.
  void skip_too_big() { skip_too_big_ = true; }

  // Of the message that is being handed over.
  bool compressed() const { return prefix_[0] == 1; }
  bool too_big() const { return length_ > max_message_; }
  std::size_t length() const { return length_; }

  // Calls on_message(std::string) for each message that becomes whole, and for the beginning of one that is skipped.
  // Useless after an error.
  template <typename OnMessage>
  Error feed(std::string_view bytes, OnMessage&& on_message) {
    for (;;) {
      if (prefix_size_ < kGrpcPrefix) {
        if (bytes.empty()) return Error::kNone;
        const std::size_t take = std::min(bytes.size(), kGrpcPrefix - prefix_size_);
        std::memcpy(prefix_.data() + prefix_size_, bytes.data(), take);
        prefix_size_ += take;
        bytes.remove_prefix(take);
        if (prefix_size_ < kGrpcPrefix) return Error::kNone;
        if (static_cast<std::uint8_t>(prefix_[0]) > 1) return Error::kBadFlag;
        if (compressed() && !take_compressed_) return Error::kCompressed;
        length_ = grpc_message_length({prefix_.data(), kGrpcPrefix});
        if (too_big() && !skip_too_big_) return Error::kTooBig;
      }
      if (to_skip_ > 0) {
        const std::size_t gone = std::min(bytes.size(), to_skip_);
        bytes.remove_prefix(gone);
        to_skip_ -= gone;
        if (to_skip_ > 0) return Error::kNone;
        prefix_size_ = 0;
        continue;
      }
      const std::size_t wanted = too_big() ? std::min(length_, kBeginning) : length_;
      const std::size_t take = std::min(bytes.size(), wanted - message_.size());
      // Else it would be copied over and over while it grows, in the end some 100 MB at once.
      if (message_.size() > kLarge && message_.capacity() < wanted) message_.reserve(wanted);
      message_.append(bytes.substr(0, take));
      bytes.remove_prefix(take);
      if (message_.size() < wanted) return Error::kNone;
      to_skip_ = length_ - wanted;
      if (to_skip_ == 0) prefix_size_ = 0;
      std::string whole = std::move(message_);
      message_.clear();
      on_message(std::move(whole));
    }
  }
  // Neither within a prefix nor within a message.
  bool at_boundary() const { return prefix_size_ == 0; }

 private:
  static constexpr std::size_t kLarge = std::size_t{4} << 20;

  std::size_t max_message_;
  bool take_compressed_;
  bool skip_too_big_ = false;
  std::array<char, kGrpcPrefix> prefix_{};
  std::size_t prefix_size_ = 0;
  std::size_t length_ = 0;
  std::size_t to_skip_ = 0;  // of a message whose beginning has been handed over
  std::string message_;
};

// Bytes waiting to go out: appended at the back, read from the front. A large message that goes out alone is not
// copied.
class OutBuffer {
 public:
  void append_message(std::string&& message) {
    if (message.size() < kLarge || !empty()) return append_message(std::string_view(message));
    clear();
    append_grpc_prefix(prefix_, message.size());
    bytes_ = std::move(message);
  }
  void append_message(std::string_view message) {
    compact();
    append_grpc_message(bytes_, message);
  }
  std::size_t size() const { return prefix_.size() + bytes_.size() - head_; }
  bool empty() const { return size() == 0; }
  std::size_t read(std::uint8_t* to, std::size_t most) {
    const std::size_t first = std::min(most, prefix_.size());
    std::memcpy(to, prefix_.data(), first);
    prefix_.erase(0, first);
    const std::size_t take = std::min(most - first, bytes_.size() - head_);
    std::memcpy(to + first, bytes_.data() + head_, take);
    head_ += take;
    if (head_ == bytes_.size() && !bytes_.empty()) clear();
    return first + take;
  }
  void clear() {
    prefix_.clear();
    std::string().swap(bytes_);
    head_ = 0;
  }

 private:
  static constexpr std::size_t kCompactAbove = 64 * 1024;
  static constexpr std::size_t kLarge = std::size_t{1} << 20;

  void compact() {
    if (head_ <= kCompactAbove || head_ * 2 <= bytes_.size()) return;
    bytes_.erase(0, head_);
    head_ = 0;
  }

  std::string prefix_;  // of bytes_, where that is one message that was not copied
  std::string bytes_;
  std::size_t head_ = 0;
};

}  // namespace ringside::net
