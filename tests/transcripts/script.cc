#include "tests/transcripts/script.h"

#include <charconv>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "tests/transcripts/stage.h"

namespace ringside::transcripts {
namespace {

using Arguments = std::vector<std::string>;

class Performance {
 public:
  std::string perform(const std::string& text) {
    std::istringstream lines(text);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
      const bool prose = line.empty() || line.front() == '#';
      if (prose) {
        // A blank line between two commands is kept, and none of the old output.
        out_ += line + "\n";
      } else if (line.front() == '>') {
        out_ += line + "\n";
        try {
          stage_.begin_command();
          run(line.substr(1));
        } catch (const std::exception& error) {
          throw std::runtime_error("line " + std::to_string(number) + ": " + error.what());
        }
      }
    }
    return out_;
  }

 private:
  void run(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    Arguments arguments;
    for (std::string word; words >> word;) arguments.push_back(word);
    carry_out(command, arguments);
    if (command != "pass") stage_.until_quiet();
  }

  void carry_out(const std::string& command, const Arguments& words) {
    using Do = void (Stage::*)(const std::string&);
    static const std::map<std::string, Do> kForEach{
        {"start", &Stage::start}, {"legacy", &Stage::start_legacy}, {"crash", &Stage::crash},
        {"stop", &Stage::stop},   {"continue", &Stage::go_on},      {"drain", &Stage::drain},
        {"close", &Stage::close}, {"uncordon", &Stage::uncordon},
    };
    if (const auto found = kForEach.find(command); found != kForEach.end()) {
      for (const std::string& host : words) (stage_.*found->second)(host);
    } else if (command == "cast") {
      stage_.cast(words);
    } else if (command == "quorum") {
      stage_.quorum(static_cast<std::uint32_t>(number(words.at(0))));
    } else if (command == "ids") {
      for (std::size_t i = 1; i < words.size(); ++i) ids_[words[i]] = stage_.id_of(words.at(0), words[i]);
    } else if (command == "cut") {
      for (std::size_t i = 1; i < words.size(); ++i) stage_.cut(words.at(0), words[i]);
    } else if (command == "heal") {
      stage_.heal();
    } else if (command == "lose") {
      stage_.lose_next(words.at(1), words.at(2), words.at(0));
    } else if (command == "app") {
      app(words.at(0), words.at(1));
    } else if (command == "call") {
      call(words);
    } else if (command == "where") {
      stage_.where(words.at(0), id(words.at(1)));
    } else if (command == "pass") {
      stage_.pass(time(words.at(0)));
    } else if (command == "pings") {
      stage_.show_pings(words.at(0) == "shown");
    } else if (command == "quietly") {
      stage_.mute(true);
      carry_out(words.at(0), Arguments(words.begin() + 1, words.end()));
      if (words.front() != "pass") stage_.until_quiet();
      stage_.mute(false);
    } else {
      throw std::runtime_error("no such command: " + command);
    }
  }

  void app(const std::string& host, const std::string& what) {
    if (what == "slow" || what == "quick") {
      stage_.app_is_slow(host, what == "slow");
    } else if (what == "answers") {
      stage_.app_answers(host);
    } else if (what == "down" || what == "up") {
      stage_.app_up(host, what == "up");
    } else {
      throw std::runtime_error("an app is slow, quick, down or up, or it answers");
    }
  }

  void call(const Arguments& words) {
    std::string key;
    core::Duration within(10'000'000);
    for (std::size_t i = 2; i < words.size(); i += 2) {
      if (words[i] == "key") {
        key = words.at(i + 1);
      } else if (words[i] == "within") {
        within = time(words.at(i + 1));
      } else {
        throw std::runtime_error("not understood: " + words[i]);
      }
    }
    stage_.call(words.at(0), id(words.at(1)), key, within);
  }

  core::ActorId id(const std::string& name) const {
    const auto found = ids_.find(name);
    if (found == ids_.end()) throw std::runtime_error("no such id: " + name);
    return found->second;
  }

  static std::int64_t number(const std::string& text, std::string_view* rest = nullptr) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view left(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (error != std::errc{} || (rest == nullptr && !left.empty())) throw std::runtime_error("no number: " + text);
    if (rest != nullptr) *rest = left;
    return value;
  }

  static core::Duration time(const std::string& text) {
    std::string_view unit;
    const std::int64_t value = number(text, &unit);
    if (unit == "ms") return core::Duration(value * 1'000);
    if (unit == "s") return core::Duration(value * 1'000'000);
    throw std::runtime_error("no time: " + text);
  }

  std::string out_;
  Stage stage_{[this](const std::string& line) { out_ += line + "\n"; }};
  std::map<std::string, core::ActorId> ids_;
};

}  // namespace

std::string perform(const std::string& text) { return Performance().perform(text); }

}  // namespace ringside::transcripts
