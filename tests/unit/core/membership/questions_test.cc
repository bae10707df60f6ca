#include "sidecar/core/membership/questions.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

TEST(Questions, EachIsTakenOnceByItsOwnId) {
  Questions questions;
  questions.add(QuestionId(7), {Question::About::kPing, "b", Instant(Duration(10)), 1});
  questions.add(QuestionId(8), {Question::About::kProbe, "b", Instant(Duration(20)), 1, "c"});
  EXPECT_FALSE(questions.take(QuestionId(9))) << "nobody asked that";
  const std::optional<Question> probe = questions.take(QuestionId(8));
  ASSERT_TRUE(probe);
  EXPECT_EQ(probe->about, Question::About::kProbe);
  EXPECT_EQ(probe->host, "b");
  EXPECT_EQ(probe->of, "c");
  EXPECT_EQ(probe->sent, Instant(Duration(20)));
  EXPECT_FALSE(questions.take(QuestionId(8))) << "a second answer";
  EXPECT_EQ(questions.size(), 1U);
}

TEST(QuestionsDeathTest, AnIdIsNotUsedTwice) {
  Questions questions;
  questions.add(QuestionId(7), {Question::About::kPing, "b", Instant(), 1});
  EXPECT_DEATH(questions.add(QuestionId(7), {Question::About::kJoin, "c", Instant(), 1}), "this cannot happen");
}

}  // namespace
}  // namespace ringside::core
