#include "sidecar/core/activations/concurrency_limit.h"

#include <algorithm>
#include <cmath>

namespace ringside::core {
namespace {

constexpr double kLittle = 4.0 / 3;
// Twice as many questions at once are worth while where a third more of them is answered, four times as many where
// twice as many are.
double worthwhile(std::size_t times) { return times <= 2 ? kLittle : std::sqrt(times); }
constexpr std::size_t kEnoughOutOfOrder = 8;
constexpr unsigned kRoundsOfRest = 8;  // until more is tried again
constexpr unsigned kRoundsOfRestOutOfOrder = 2;

}  // namespace

void ConcurrencyLimit::full(Instant now) {
  if (measuring_) return;
  measuring_ = true;
  begin_round(now);
}

void ConcurrencyLimit::begin_round(Instant now) {
  since_ = now;
  answers_ = 0;
  out_of_order_ = false;
}

void ConcurrencyLimit::answered(Instant now, std::size_t still_under_way, bool overtook) {
  if (still_under_way >= limit_) return begin_round(now);  // as many as an earlier limit allowed
  out_of_order_ = out_of_order_ || overtook;
  if (!measuring_ || ++answers_ < (out_of_order_ ? std::max(limit_, kEnoughOutOfOrder) : limit_)) return;
  const double seconds = std::max<double>(1, static_cast<double>((now - since_).count())) / 1e6;
  judge(static_cast<double>(answers_) / seconds);
  begin_round(now);
}

void ConcurrencyLimit::judge(double rate) {
  switch (trial_) {
    case Trial::kNone:
      if (rate_before_ != 0 && rounds_++ < (out_of_order_ ? kRoundsOfRestOutOfOrder : kRoundsOfRest)) return;
      rate_before_ = rate;
      if (limit_ < most_) return try_more();
      trial_ = Trial::kFewer;
      return set(limit_ / 2);
    case Trial::kMore:
      if (rate >= rate_before_ * worthwhile(times_)) {
        rate_before_ = rate;
        if (limit_ < most_) return try_more();
        trial_ = Trial::kNone;
        return;
      }
      trial_ = Trial::kFewer;
      return set(limit_ / times_ / 2);  // half of what there was before
    case Trial::kFewer:
      if (rate * kLittle >= rate_before_ && limit_ > 1) return set(limit_ / 2);
      trial_ = Trial::kNone;
      rounds_ = 0;
      if (rate * kLittle < rate_before_) set(limit_ * 2);
      return;
  }
}

void ConcurrencyLimit::try_more() {
  trial_ = Trial::kMore;
  times_ = std::min<std::size_t>(out_of_order_ ? 4 : 2, (most_ + limit_ - 1) / limit_);
  set(limit_ * times_);
}

void ConcurrencyLimit::set(std::size_t limit) { limit_ = std::clamp<std::size_t>(limit, 1, most_); }

}  // namespace ringside::core
