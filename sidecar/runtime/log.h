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
#include <string>
#include <string_view>

namespace ringside::runtime {

enum class Level : std::uint8_t { kDebug, kInfo, kWarn, kError };
enum class Format : std::uint8_t { kLogfmt, kJson };

std::string_view to_string(Level level);
std::optional<Level> parse_level(std::string_view word);

// One value of an event. Text is only viewed: it must live until the call returns.
class LogValue {
 public:
  LogValue(std::string_view text) : text_(text) {}
  LogValue(const std::string& text) : text_(text) {}
  LogValue(const char* text) : text_(text) {}
  LogValue(bool value) : kind_(Kind::kBare), owned_(value ? "true" : "false") {}
  template <std::integral T>
  LogValue(T value) : kind_(Kind::kBare), owned_(std::to_string(value)) {}
  LogValue(double value);
  template <class Rep, class Period>
  LogValue(std::chrono::duration<Rep, Period> value)  // in milliseconds: let the key end in _ms
      : LogValue(std::chrono::duration<double, std::milli>(value).count()) {}

  std::string_view text() const { return kind_ == Kind::kText ? text_ : std::string_view(owned_); }
  bool bare() const { return kind_ == Kind::kBare; }  // a number or a bool: never quoted in JSON

 private:
  enum class Kind : std::uint8_t { kText, kBare };
  Kind kind_ = Kind::kText;
  std::string_view text_;
  std::string owned_;
};

struct LogField {
  std::string_view key;
  LogValue value;
};
using LogFields = std::initializer_list<LogField>;

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

  void debug(std::string_view event, LogFields fields = {}) { write(Level::kDebug, event, fields); }
  void info(std::string_view event, LogFields fields = {}) { write(Level::kInfo, event, fields); }
  void warn(std::string_view event, LogFields fields = {}) { write(Level::kWarn, event, fields); }
  void error(std::string_view event, LogFields fields = {}) { write(Level::kError, event, fields); }

  Level level() const;
  void set_level(Level level);
  bool enabled(Level level) const { return level >= this->level(); }

 private:
  void write(Level level, std::string_view event, LogFields fields);

  struct State;
  std::unique_ptr<State> state_;
};

// The sink that ships: one write(2) of each line to stderr, so that lines of several threads never mix.
Log::Sink stderr_sink();

}  // namespace ringside::runtime
