// A number that names one thing of one kind, where mixing it up with a number of another kind must not compile.
//
//   using CallId = Id<struct CallTag>;
//   using TurnId = Id<struct TurnTag>;
//   TurnId turn(7);
//   CallId call = turn;  // an error, as are call = 7, turn + 1 and turn == call
//
// It costs what its number costs. Whoever reads one from bytes or text makes it explicitly, and whoever writes it asks
// for value(); nobody between the two converts anything.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace ringside::core {

template <typename Tag>
class Id {
 public:
  constexpr Id() = default;  // names nothing
  constexpr explicit Id(std::uint64_t value) : value_(value) {}

  constexpr std::uint64_t value() const { return value_; }
  constexpr explicit operator bool() const { return value_ != 0; }  // names something

  friend constexpr auto operator<=>(Id, Id) = default;  // NOLINT(modernize-use-nullptr): it compares with 0

 private:
  std::uint64_t value_ = 0;
};

}  // namespace ringside::core

template <typename Tag>
struct std::hash<ringside::core::Id<Tag>> {
  std::size_t operator()(ringside::core::Id<Tag> id) const noexcept { return std::hash<std::uint64_t>()(id.value()); }
};
