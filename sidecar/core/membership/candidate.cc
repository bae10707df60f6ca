#include "sidecar/core/membership/candidate.h"

#include <algorithm>
#include <utility>

#include "sidecar/core/spacing.h"

namespace ringside::core {
namespace {

constexpr Duration kFirstRepeat{100'000};
constexpr Duration kFirstUnanswered{400'000};
constexpr Duration kLastUnanswered{3'200'000};

}  // namespace

Instant Candidate::next_repeat(Instant now) { return now + backoff(kFirstUnanswered, repeats++, kLastUnanswered); }

void Candidate::ask_anew(Instant now) {
  state = State::kAsking;
  first_asked = next_try = now;
  repeats = 0;
}

void Candidate::answered(const PingAnswer& says, Instant now) {
  last_answer = now;
  generation = says.generation;
  serves = says.phase != Phase::kJoining;
  unresolved = not_spoken = own_name = held_up = false;
}

void Candidate::turn_out_alias(const std::string& of) {
  state = State::kAlias;
  name = of;
  judge(Clock::kNear, false);
}

void Candidate::turn_out_foreign(std::string why, Instant now) {
  state = State::kForeign;
  problem = std::move(why);
  next_try = now + kQuietRepeat;
}

void Candidate::judge(Clock its_clock, bool is_in_the_way) {
  clock = its_clock;
  blocks = is_in_the_way;
}

void Candidate::ask_to_join(Instant now) {
  if (state != State::kJoining) {
    next_try = first_asked = now;
    repeats = 0;
    // What it refused before, it is asked again.
    if (state != State::kForeign) problem.clear();
  }
  state = State::kJoining;
  blocks = false;
}

void Candidate::meet(Instant now) {
  state = State::kMeeting;
  problem.clear();
  judge(Clock::kNear, false);
  next_try = now + kQuietRepeat;
}

void Candidate::cannot_join(Instant asked) { held_up = held_by.empty() || asked >= held_since; }

void Candidate::ask_again_soon(Instant now) {
  next_try = std::min(next_try, now + backoff(kFirstRepeat, repeats == 0 ? 0 : repeats - 1, kQuietRepeat));
}

void Candidate::excuse_for(Duration lag, Instant now) {
  first_asked = std::min(now, first_asked + lag);
  if (last_answer != Instant{}) last_answer = std::min(now, last_answer + lag);
}

void Candidate::has_no_listener() {
  state = State::kNobodyListens;
  judge(Clock::kNear, false);
  told.clear();
}

void Candidate::fall_silent() {
  state = State::kSilent;
  if (!not_spoken || problem.empty()) problem = "no answer";
}

}  // namespace ringside::core
