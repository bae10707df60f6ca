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

core::Call asked(const Given& given) {
  net::HttpRequest request;
  request.method = given.method;
  request.headers.add("content-type", given.content_type);
  request.headers.add("date", given.date);
  request.body = given.body;
  core::Call call;
  call.id = 7;
  call.idempotency_key = "k";
  call.request = std::make_shared<const core::MethodCall>(*make_method_call(7, request, given.path));
  read_what_is_asked(call);
  return call;
}

core::Fingerprint fingerprint(const Given& given) { return asked(given).fingerprint; }

TEST(Fingerprint, IsOfWhatAMethodCallAsksFor) {
  const core::Fingerprint same = fingerprint({});
  EXPECT_EQ(fingerprint({}), same);
  Given later;
  later.date = "tomorrow";
  EXPECT_EQ(fingerprint(later), same) << "what changes from one attempt to the next";
  for (const Given& other : {Given{"PUT"}, Given{"POST", "take"}, Given{"POST", "add/"}, Given{"POST", "add?x=1"},
                             Given{"POST", "add", "2"}, Given{"POST", "add", "1", "text/plain"}}) {
    EXPECT_NE(fingerprint(other), same) << other.method << other.path << other.body;
  }
}

// One attempt may come to the host of the actor itself, and the next one through another host.
TEST(Fingerprint, OfAMethodCallIsTheSameInABatch) {
  core::Call call = asked({"POST", "cart/add?x=1"});
  const core::Call at_first = call;
  call.request = write_batch(call);
  read_what_is_asked(call);
  EXPECT_EQ(call.fingerprint, at_first.fingerprint);
  EXPECT_EQ(call.place, at_first.place);
}

TEST(Fingerprint, OfABatchIsOfItsBytes) {
  const auto fingerprint = [](const messages::ApplyRequest& batch) {
    core::Call call;
    call.request = batch.SerializeAsString();
    read_what_is_asked(call);
    EXPECT_EQ(call.place, core::kNoPlace);
    return call.fingerprint;
  };
  messages::ApplyRequest batch;
  batch.set_id(7);
  batch.add_messages()->set_type_url("type.googleapis.com/a.B");
  const core::Fingerprint one = fingerprint(batch);
  batch.mutable_messages(0)->set_value("x");
  EXPECT_NE(fingerprint(batch), one);
  EXPECT_NE(one, core::Fingerprint());
}

core::Answer answered(const core::Call& call, int status, const std::string& location = {}) {
  net::HttpResponse response;
  response.status = status;
  if (!location.empty()) response.headers.add("location", location);
  core::Answer answer;
  answer.result = write_method_answer(make_method_answer(response));
  read_for_repeats(call, answer);
  return answer;
}

TEST(ForRepeats, AnAnswerThatAsksToComeAgainIsPassing) {
  for (const int status : {408, 425, 429, 500, 503, 599}) EXPECT_TRUE(answered(asked({}), status).passing) << status;
  for (const int status : {200, 301, 303, 307, 308, 400, 404, 409, 428}) {
    EXPECT_FALSE(answered(asked({}), status).passing) << status;
  }
  core::Answer batch;
  batch.result = "\x08\x01";
  read_for_repeats(asked({}), batch);
  EXPECT_FALSE(batch.passing);
}

TEST(ForRepeats, ARedirectLeadsToAPlaceOfTheSameActor) {
  const core::Call add = asked({"POST", "cart/add?x=1"});
  const core::Place there = asked({"GET", "cart/view", ""}).place;
  EXPECT_NE(there, add.place);
  for (const char* location : {"view", "./view", "/v1/actors/7/method/cart/view", "../cart/v%69ew#part",
                               "http://localhost:4000/v1/actors/7/method/cart/view"}) {
    EXPECT_EQ(answered(add, 303, location).leads_to, there) << location;
  }
  EXPECT_EQ(answered(add, 307, "/v1/actors/7/method/cart/view?y=2").leads_to, asked({"PUT", "cart/view?y=2"}).place);
  EXPECT_EQ(answered(add, 308, "add/?x=1").leads_to, asked({"POST", "cart/add/?x=1"}).place);
  EXPECT_EQ(answered(add, 302, "?z").leads_to, asked({"POST", "cart/add?z"}).place);
  for (const char* location : {"/v1/actors/8/method/cart/view", "/v1/actors/7", "/login", "../../../../x",
                               "/v1/actors/7/method/", "/v1/actors/7/method/a%2fb"}) {
    EXPECT_EQ(answered(add, 303, location).leads_to, core::kNoPlace) << location;
  }
  EXPECT_EQ(answered(add, 201, "view").leads_to, core::kNoPlace) << "nobody follows that";
  EXPECT_EQ(answered(add, 303).leads_to, core::kNoPlace);
}

}  // namespace
}  // namespace ringside::wire
