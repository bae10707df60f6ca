// What reads bytes from outside, each as a function that a fuzzer feeds: it must neither crash nor break what it
// promises of its results, whatever it is fed. libfuzzer.cc looks for such bytes; replay.cc feeds what was found
// before.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ringside::fuzz {

struct Target {
  std::string_view name;
  void (*feed)(std::string_view input);
};

// All of them, by name.
std::span<const Target> targets();
// Null: there is none of that name.
const Target* find_target(std::string_view name);

// Takes choices off the front of an input, and leaves the rest as text.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  // 0 at the end.
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  // Up to the next line feed, which goes as well.
  std::string_view line() {
    const std::string_view line = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(line.size() < rest_.size() ? line.size() + 1 : line.size());
    return line;
  }
  bool empty() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

void app_frames(std::string_view input);
void batches(std::string_view input);
void batches_json(std::string_view input);
void certificates(std::string_view input);
void config_file(std::string_view input);
void dns(std::string_view input);
void endpoint_slices(std::string_view input);
void grpc_framing(std::string_view input);
void headers(std::string_view input);
void http1_answers(std::string_view input);
void http1_requests(std::string_view input);
void http1_server(std::string_view input);
void http2_answers(std::string_view input);
void http2_client(std::string_view input);
void http2_server(std::string_view input);
void identities(std::string_view input);
void json(std::string_view input);
void names(std::string_view input);
void paths(std::string_view input);
void peer_answers(std::string_view input);
void peer_requests(std::string_view input);
void units(std::string_view input);

}  // namespace ringside::fuzz
