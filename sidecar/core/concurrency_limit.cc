#include "sidecar/core/concurrency_limit.h"

#include <algorithm>

namespace ringside::core {
namespace {

constexpr double kWorthwhile = 4.0 / 3;  // so much more must be answered for twice as many questions
constexpr unsigned kEnough = 2;          // one may be chance
constexpr unsigned kOneIn = 8;           // so many answers
constexpr unsigned kOfLate = 32;
constexpr unsigned kRoundsOfRest = 8;  // until more is tried again

}  // namespace

void ConcurrencyLimit::note_order(bool overtook) {
  ++(overtook ? overtook_ : in_order_);
  side_by_side_ = overtook_ >= kEnough && overtook_ * kOneIn >= overtook_ + in_order_;
  if (overtook_ + in_order_ < kOfLate) return;
  overtook_ /= 2;
  in_order_ /= 2;
}

void ConcurrencyLimit::full(Instant now) {
  if (measuring_) return;
  measuring_ = true;
  since_ = now;
  answers_ = 0;
}

void ConcurrencyLimit::answered(Instant now, std::size_t still_under_way, bool overtook) {
  note_order(overtook);
  if (still_under_way >= limit_) {  // as many as an earlier limit allowed
    since_ = now;
    answers_ = 0;
    return;
  }
  if (!measuring_ || ++answers_ < limit_) return;
  const double seconds = std::max<double>(1, static_cast<double>((now - since_).count())) / 1e6;
  judge(static_cast<double>(answers_) / seconds);
  since_ = now;
  answers_ = 0;
}

void ConcurrencyLimit::judge(double rate) {
  switch (trial_) {
    case Trial::kNone:
      if (rate_before_ != 0 && rounds_++ < kRoundsOfRest) return;
      rate_before_ = rate;
      trial_ = limit_ < most_ ? Trial::kMore : Trial::kFewer;
      return set(trial_ == Trial::kMore ? limit_ * 2 : limit_ / 2);
    case Trial::kMore:
      if (rate >= rate_before_ * kWorthwhile) {
        rate_before_ = rate;
        if (limit_ == most_) trial_ = Trial::kNone;
        return set(limit_ * 2);
      }
      trial_ = Trial::kFewer;
      return set(limit_ / 4);  // half of what there was before
    case Trial::kFewer:
      if (rate * kWorthwhile >= rate_before_ && limit_ > 1) return set(limit_ / 2);
      trial_ = Trial::kNone;
      rounds_ = 0;
      if (rate * kWorthwhile < rate_before_) set(limit_ * 2);
      return;
  }
}

void ConcurrencyLimit::set(std::size_t limit) { limit_ = std::clamp<std::size_t>(limit, 1, most_); }

}  // namespace ringside::core
