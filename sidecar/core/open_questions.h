// What a part has asked other hosts and has not heard yet. Each part keeps its own, and the node shows an answer to one
// after another until it is whose question it was.
//
// Invariants
//  1. A token stands for one question, which is answered once: a second answer finds nothing.
//  2. Whoever carries out an AskPeer answers it, or says that it failed, within its time-out: that bounds the table.
// Loop thread only.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <utility>

#include "sidecar/base/check.h"
#include "sidecar/core/tokens.h"

namespace ringside::core {

// About: what the question was about.
template <typename About>
class OpenQuestions {
 public:
  // The token has not been used before.
  void asked(QuestionId token, About about) {
    const bool is_new = open_.emplace(token, std::move(about)).second;
    RINGSIDE_CHECK(is_new);
  }
  // Still open; nullptr: it is not one of these.
  About* find(QuestionId token) {
    const auto found = open_.find(token);
    return found == open_.end() ? nullptr : &found->second;
  }
  template <typename Visit>
  void each(Visit&& visit) {
    for (auto& [token, about] : open_) visit(about);
  }
  // Its answer has come; nothing: it is not one of these.
  std::optional<About> answered(QuestionId token) {
    auto found = open_.extract(token);
    return found.empty() ? std::nullopt : std::optional(std::move(found.mapped()));
  }
  template <typename Visit>
  void each(Visit&& visit) const {
    for (const auto& [token, about] : open_) visit(about);
  }
  std::size_t size() const { return open_.size(); }

 private:
  std::map<QuestionId, About> open_;
};

}  // namespace ringside::core
