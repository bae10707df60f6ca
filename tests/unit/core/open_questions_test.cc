#include "sidecar/core/open_questions.h"

#include <string>

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

TEST(OpenQuestions, EachIsAnsweredOnceByItsOwnToken) {
  OpenQuestions<std::string> questions;
  questions.asked(QuestionId(7), "how are you?");
  questions.asked(QuestionId(8), "do you hear b?");
  EXPECT_EQ(questions.find(QuestionId(9)), nullptr);
  EXPECT_FALSE(questions.answered(QuestionId(9))) << "nobody asked that";
  EXPECT_EQ(questions.answered(QuestionId(8)), "do you hear b?");
  EXPECT_FALSE(questions.answered(QuestionId(8))) << "a second answer";
  EXPECT_EQ(questions.size(), 1U);
}

TEST(OpenQuestionsDeathTest, ATokenIsNotUsedTwice) {
  OpenQuestions<std::string> questions;
  questions.asked(QuestionId(7), "how are you?");
  EXPECT_DEATH(questions.asked(QuestionId(7), "do you hear b?"), "this cannot happen");
}

}  // namespace
}  // namespace ringside::core
