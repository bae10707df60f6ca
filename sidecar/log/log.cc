#include "sidecar/log/log.h"

#include <atomic>
#include <cmath>
#include <iterator>
#include <map>
#include <mutex>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include "sidecar/base/utf8.h"
#include "sidecar/log/log_writer.h"

namespace ringside::log {
namespace {

using Buffer = fmt::memory_buffer;
using Time = std::chrono::system_clock::time_point;

constexpr std::size_t kMaxValue = 2048;  // bytes of one value
constexpr std::size_t kMaxKinds = 1024;  // of events; ours are far fewer

constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};

void append(Buffer& out, std::string_view text) { out.append(text.data(), text.data() + text.size()); }

// In quotes, by JSON's rules, which logfmt's readers know as well.
void append_quoted(Buffer& out, std::string_view text) {
  const bool cut = text.size() > kMaxValue;
  text = text.substr(0, kMaxValue);
  out.push_back('"');
  while (!text.empty()) {
    const char* start = text.data();
    const auto code = base::take_character(text);
    if (!code) {
      append(out, "\\ufffd");
    } else if (*code == '"' || *code == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(*code));
    } else if (*code == '\n') {
      append(out, "\\n");
    } else if (base::is_control(*code)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(*code));
    } else {
      out.append(start, text.data());
    }
  }
  if (cut) append(out, "...");
  out.push_back('"');
}

bool plain_in_logfmt(std::string_view text) {
  if (text.empty() || text.size() > kMaxValue) return false;
  for (const char c : text) {
    if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\') return false;
  }
  return true;
}

// RFC 3339, UTC, milliseconds.
std::string written(Time time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(ms);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03d}Z", fmt::gmtime(static_cast<std::time_t>(seconds.count())),
                     (ms - seconds).count());
}

class Line {
 public:
  Line(Format format, Time time, Level level, std::string_view event) : json_(format == Format::kJson) {
    append(out_, json_ ? "{\"ts\":\"" : "ts=");
    append(out_, written(time));
    if (json_) out_.push_back('"');
    add("level", to_string(level));
    add("event", event);
  }

  void add(std::string_view key, const LogValue& value) {
    if (json_) {
      append(out_, ",\"");
      append(out_, key);
      append(out_, "\":");
    } else {
      out_.push_back(' ');
      append(out_, key);
      out_.push_back('=');
    }
    if (json_ ? value.bare() : plain_in_logfmt(value.text())) {
      append(out_, value.text());
    } else {
      append_quoted(out_, value.text());
    }
  }

  std::string_view end() {
    append(out_, json_ ? "}\n" : "\n");
    return {out_.data(), out_.size()};
  }

 private:
  const bool json_;
  Buffer out_;
};

}  // namespace

std::string_view to_string(Level level) { return kLevels[static_cast<std::size_t>(level)]; }

std::optional<Level> parse_level(std::string_view word) {
  for (std::size_t i = 0; i < std::size(kLevels); ++i) {
    if (kLevels[i] == word) return static_cast<Level>(i);
  }
  return std::nullopt;
}

LogValue::LogValue(double value) : bare_(std::isfinite(value)), written_(fmt::format("{:.3f}", value)) {}

struct Log::State {
  // How much of one kind of event went out in the second that runs.
  struct Budget {
    Time second_started;
    std::uint32_t written = 0;
    std::uint64_t suppressed = 0;
  };

  State(LogOptions given, WallClock given_clock, Sink given_sink)
      : options(given), level(given.level), clock(std::move(given_clock)), sink(std::move(given_sink)) {}

  // Whether one more line may go out. Wall time may jump back: a new second starts then too.
  bool spend(Budget& budget, Time now) const {
    if (options.lines_per_second == 0) return true;
    if (now < budget.second_started || now - budget.second_started >= std::chrono::seconds(1)) {
      budget.second_started = now;
      budget.written = 0;
    }
    if (budget.written >= options.lines_per_second) {
      ++budget.suppressed;
      return false;
    }
    ++budget.written;
    return true;
  }

  const LogOptions options;
  std::atomic<Level> level;
  const WallClock clock;
  const Sink sink;
  std::mutex mutex;  // budgets, and one line at a time into the sink
  std::map<std::string, Budget, std::less<>> budgets;
};

Log::Log(LogOptions options, WallClock clock, Sink sink)
    : state_(std::make_unique<State>(options, std::move(clock), std::move(sink))) {}

Log::~Log() = default;

Level Log::level() const { return state_->level.load(std::memory_order_relaxed); }
void Log::set_level(Level level) { state_->level.store(level, std::memory_order_relaxed); }

void Log::write(Level level, std::string_view event, LogFieldSpan fields) {
  if (enabled(level)) put(level, event, fields);
}

void Log::announce(std::string_view event, LogFieldSpan fields) { put(Level::kInfo, event, fields); }

void Log::put(Level level, std::string_view event, LogFieldSpan fields) {
  const Time now = state_->clock();
  const std::lock_guard lock(state_->mutex);
  auto budget = state_->budgets.find(event);
  if (budget == state_->budgets.end()) {
    if (state_->budgets.size() >= kMaxKinds) state_->budgets.clear();
    budget = state_->budgets.try_emplace(std::string(event)).first;
  }
  if (!state_->spend(budget->second, now)) return;
  Line line(state_->options.format, now, level, event);
  for (const LogField& field : fields) line.add(field.key, field.value);
  if (const auto suppressed = std::exchange(budget->second.suppressed, 0); suppressed > 0) {
    line.add("suppressed", suppressed);
  }
  state_->sink(line.end());
}

Log::Sink stderr_sink() {
  constexpr std::size_t kMaxWaiting = 1 << 20;
  auto writer = std::make_shared<LogWriter>(STDERR_FILENO, kMaxWaiting);
  return [writer](std::string_view line) { writer->write(line); };
}

}  // namespace ringside::log
