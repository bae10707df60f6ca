#include "sidecar/wire/json_types.h"

#include <algorithm>
#include <vector>

#include <nlohmann/json.hpp>

#include "sidecar/base/check.h"
#include "sidecar/wire/typed_scan.h"

namespace ringside::wire {
namespace {

// What stands between quotation marks, those included, as text.
std::string decoded(std::string_view quoted) {
  if (quoted.find('\\') == std::string_view::npos) return std::string(quoted.substr(1, quoted.size() - 2));
  return nlohmann::json::parse(quoted.begin(), quoted.end()).get<std::string>();
}

// "@type", however it is written.
bool is_type_key(std::string_view quoted) {
  constexpr std::size_t kLongest = 2 + 6 * 5;  // each character escaped
  return quoted.size() <= kLongest && decoded(quoted) == "@type";
}

bool is_data(const std::string& type_url) {
  const std::string name = type_name(type_url);
  return name == "google.protobuf.Struct" || name == "google.protobuf.Value" || name == "google.protobuf.ListValue";
}

class Scan {
 public:
  explicit Scan(std::string_view json) : json_(json) {}

  TypedJson run() {
    while (at_ < json_.size()) step();
    RINGSIDE_CHECK(open_.empty());
    return {edits_.empty() ? std::nullopt : std::optional(edited()), depth_};
  }

 private:
  struct Open {
    std::size_t inside = 0;  // where its first member would stand
    bool object = false;
    bool key_next = false;
    std::size_t comma = 0;  // before the member that is being read; 0: it is the first one
    bool typed = false;
    bool data = false;
    int below = 0;  // depth of what is in it
  };
  // Either a text is put in, or one is left out.
  struct Edit {
    std::size_t at = 0;
    std::size_t left_out = 0;
    std::string_view put_in;
  };

  void step() {
    const char c = json_[at_];
    if (c == '{' || c == '[') {
      open_.push_back({at_ + 1, c == '{', c == '{'});
      ++at_;
    } else if (c == '}' || c == ']') {
      close();
      ++at_;
    } else if (c == ',') {
      open_.back().comma = at_++;
      open_.back().key_next = open_.back().object;
    } else if (c == '"') {
      string();
    } else {
      ++at_;  // a space, a colon, or a part of a number or a word
    }
  }

  void close() {
    const Open closed = open_.back();
    open_.pop_back();
    const int depth = (closed.data ? 0 : closed.below) + (closed.typed ? 1 : 0);
    int& around = open_.empty() ? depth_ : open_.back().below;
    around = std::max(around, depth);
  }

  void string() {
    const std::string_view text = take_string();
    if (open_.empty() || !open_.back().key_next) return;
    open_.back().key_next = false;
    if (!is_type_key(text)) return;
    const std::size_t member = at_ - text.size();
    at_ = std::min(json_.find_first_not_of(" \t\r\n:", at_), json_.size());
    if (at_ == json_.size() || json_[at_] != '"') return;  // protobuf says what is wrong with it
    const std::string url = decoded(take_string());
    Open& object = open_.back();
    object.typed = url.find('/') != std::string::npos;
    object.data = is_data(url);
    if (object.comma == 0) return;
    edits_.push_back({object.inside, 0, json_.substr(member, at_ - member)});
    edits_.push_back({object.comma, at_ - object.comma, {}});
  }

  std::string_view take_string() {
    const std::size_t begin = at_++;
    while (at_ < json_.size() && json_[at_] != '"') at_ += json_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, json_.size());
    return json_.substr(begin, at_ - begin);
  }

  std::string edited() {
    std::sort(edits_.begin(), edits_.end(), [](const Edit& one, const Edit& other) { return one.at < other.at; });
    std::string out;
    out.reserve(json_.size() + edits_.size());
    std::size_t copied = 0;
    for (const Edit& edit : edits_) {
      out += json_.substr(copied, edit.at - copied);
      copied = edit.at + edit.left_out;
      if (!edit.put_in.empty()) out.append(edit.put_in).append(",");
    }
    out += json_.substr(copied);
    return out;
  }

  std::string_view json_;
  std::size_t at_ = 0;
  std::vector<Open> open_;
  std::vector<Edit> edits_;
  int depth_ = 0;
};

}  // namespace

TypedJson look_at_types(std::string_view json) { return Scan(json).run(); }

}  // namespace ringside::wire
