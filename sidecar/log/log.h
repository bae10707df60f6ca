// Structured log: one line an event, in logfmt or JSON, to stderr.
//
//   log.info("member_dead", {{"host", host}, {"reason", reason}});
//
// Event names and keys are ours (lower case, words joined by _); values may come from anywhere and are
// escaped, so that one event is always one line. Each kind of event has a budget of lines per second; the
// next line that passes says how many were left out (`suppressed`). Errors have the same budget: a peer can
// cause those too.
//
// Any thread may log. Levels change at run time.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "sidecar/core/level.h"

namespace ringside::log {

using core::Level;
enum class Format : std::uint8_t { kLogfmt, kJson };

std::string_view to_string(Level level);
std::optional<Level> parse_level(std::string_view word);

// One value of an event. Text is only viewed: it must live until the call returns.
class LogValue {
 public:
  LogValue(std::string_view text) : text_(text) {}
  LogValue(const std::string& text) : text_(text) {}
  LogValue(const char* text) : text_(text) {}
  LogValue(bool value) : bare_(true), written_(value ? "true" : "false") {}
  template <std::integral T>
  LogValue(T value) : bare_(exact_in_json(value)), written_(std::to_string(value)) {}
  LogValue(double value);  // with three decimals
  template <class Rep, class Period>
  LogValue(std::chrono::duration<Rep, Period> value)  // in milliseconds: let the key end in _ms
      : LogValue(std::chrono::duration<double, std::milli>(value).count()) {}

  std::string_view text() const { return written_.empty() ? text_ : std::string_view(written_); }
  bool bare() const { return bare_; }  // a number or a bool that needs no quotes in JSON

 private:
  // Readers of JSON take numbers for doubles: larger ones, ids above all, are written as strings.
  template <std::integral T>
  static constexpr bool exact_in_json(T value) {
    constexpr auto kExact = std::int64_t{1} << 53;
    return std::cmp_less_equal(value, kExact) && std::cmp_greater_equal(value, -kExact);
  }

  bool bare_ = false;
  std::string_view text_;
  std::string written_;
};

struct LogField {
  std::string_view key;
  LogValue value;
};
using LogFields = std::initializer_list<LogField>;
using LogFieldSpan = std::span<const LogField>;

struct LogOptions {
  Level level = Level::kInfo;
  Format format = Format::kLogfmt;
  std::uint32_t lines_per_second = 20;  // of one kind of event; 0 = no limit
};

class Log {
 public:
  using WallClock = std::function<std::chrono::system_clock::time_point()>;
  using Sink = std::function<void(std::string_view line)>;  // gets whole lines with their \n, one call at a time

  Log(LogOptions options, WallClock clock, Sink sink);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void debug(std::string_view event, LogFields fields = {}) {
    write(Level::kDebug, event, {fields.begin(), fields.size()});
  }
  void info(std::string_view event, LogFields fields = {}) {
    write(Level::kInfo, event, {fields.begin(), fields.size()});
  }
  void warn(std::string_view event, LogFields fields = {}) {
    write(Level::kWarn, event, {fields.begin(), fields.size()});
  }
  void error(std::string_view event, LogFields fields = {}) {
    write(Level::kError, event, {fields.begin(), fields.size()});
  }

  void write(Level level, std::string_view event, LogFieldSpan fields);
  // At level info, and written whatever the level is: who starts this process reads its ports there.
  void announce(std::string_view event, LogFieldSpan fields);

  Level level() const;
  void set_level(Level level);
  bool enabled(Level level) const { return level >= this->level(); }

 private:
  void put(Level level, std::string_view event, LogFieldSpan fields);

  struct State;
  std::unique_ptr<State> state_;
};

// The sink that ships: stderr, by a thread of its own, so that a reader that hangs never stops the event loop. Beyond
// 1 MiB of waiting lines further ones are dropped, and counted in a line of their own. The last copy of the sink writes
// what waits, for a second at most.
Log::Sink stderr_sink();

}  // namespace ringside::log
