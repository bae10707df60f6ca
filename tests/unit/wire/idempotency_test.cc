#include "sidecar/wire/idempotency.h"

#include <gtest/gtest.h>
#include <messages/control_plane.pb.h>
#include <ringside/http/v1/http.pb.h>

#include "sidecar/wire/method_call.h"

namespace ringside::wire {
namespace {

struct Given {
  std::string method = "POST";
  std::string path = "add";
  std::string body = "1";
  std::string content_type = "application/json";
  std::string date = "today";
};

std::uint64_t fingerprint(const Given& given) {
  net::HttpRequest request;
  request.method = given.method;
  request.headers.add("content-type", given.content_type);
  request.headers.add("date", given.date);
  request.body = given.body;
  std::string batch;
  EXPECT_FALSE(write_method_call(7, request, given.path, batch));
  return fingerprint_of(batch);
}

TEST(Fingerprint, IsOfWhatAMethodCallAsksFor) {
  const std::uint64_t same = fingerprint({});
  EXPECT_EQ(fingerprint({}), same);
  Given later;
  later.date = "tomorrow";
  EXPECT_EQ(fingerprint(later), same) << "what changes from one attempt to the next";
  EXPECT_EQ(fingerprint({"POST", "add/"}), same) << "frameworks redirect to that";
  for (const Given& other : {Given{"PUT"}, Given{"POST", "take"}, Given{"POST", "add?x=1"}, Given{"POST", "add", "2"},
                             Given{"POST", "add", "1", "text/plain"}}) {
    EXPECT_NE(fingerprint(other), same) << other.method << other.path << other.body;
  }
}

TEST(Fingerprint, OfABatchIsOfItsBytes) {
  messages::ApplyRequest batch;
  batch.set_id(7);
  batch.add_messages()->set_type_url("type.googleapis.com/a.B");
  const std::uint64_t one = fingerprint_of(batch.SerializeAsString());
  batch.mutable_messages(0)->set_value("x");
  EXPECT_NE(fingerprint_of(batch.SerializeAsString()), one);
  EXPECT_NE(one, 0U);
}

TEST(PassingAnswer, IsOneThatSaysNotNowOrNotHere) {
  for (const auto& [status, passing] : std::initializer_list<std::pair<int, bool>>{{200, false},
                                                                                   {301, true},
                                                                                   {303, false},
                                                                                   {307, true},
                                                                                   {308, true},
                                                                                   {400, false},
                                                                                   {408, true},
                                                                                   {425, true},
                                                                                   {404, false},
                                                                                   {409, false},
                                                                                   {428, false},
                                                                                   {429, true},
                                                                                   {500, true},
                                                                                   {503, true},
                                                                                   {599, true}}) {
    net::HttpResponse response;
    response.status = status;
    EXPECT_EQ(is_passing_answer(write_method_answer(response)), passing) << status;
  }
  EXPECT_FALSE(is_passing_answer(""));
  EXPECT_FALSE(is_passing_answer("\x08\x01")) << "a batch";
}

}  // namespace
}  // namespace ringside::wire
