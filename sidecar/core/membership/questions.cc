#include "sidecar/core/membership/questions.h"

#include <utility>

#include "sidecar/base/check.h"

namespace ringside::core {

void Questions::add(QuestionId token, Question question) {
  const bool is_new = open_.emplace(token, std::move(question)).second;
  RINGSIDE_CHECK(is_new);
}

std::optional<Question> Questions::take(QuestionId token) {
  const auto found = open_.find(token);
  if (found == open_.end()) return std::nullopt;
  Question question = std::move(found->second);
  open_.erase(found);
  return question;
}

}  // namespace ringside::core
