// A number of one kind, where mixing it up with a number of another kind must not compile.
//
//   using ActorId = Number<struct ActorIdTag>;
//   using Epoch = Number<struct EpochTag>;
//   ActorId id = 7;
//   Epoch epoch = id;  // an error, as are id + 1, id == epoch, and id = n where n is a variable
//
// It costs what its number costs. A literal becomes one of any kind, since whoever reads it sees what it is for;
// whoever reads one from bytes or text makes it explicitly, and whoever writes it asks for value(). Nobody between the
// two converts anything. Source: the "strong typedef" of the C++ core guidelines (I.4).
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace ringside::base {

template <typename Tag>
class Number {
 public:
  constexpr Number() = default;  // 0, which most kinds use for "none"
  constexpr explicit Number(std::uint64_t value) : value_(value) {}
  template <std::same_as<int> Literal>
  consteval Number(Literal value)  // NOLINT(google-explicit-constructor): see above; a negative one does not compile
      : value_(value < 0 ? throw "not a number of any kind" : static_cast<std::uint64_t>(value)) {}

  constexpr std::uint64_t value() const { return value_; }
  constexpr explicit operator bool() const { return value_ != 0; }  // names something

  // The number after this one. After the greatest there is 0, as everywhere in unsigned arithmetic.
  constexpr Number next() const { return Number(value_ + 1); }
  constexpr Number before() const { return Number(value_ - 1); }  // the value below; not of 0
  constexpr Number& operator++() { return *this = next(); }

  friend constexpr auto operator<=>(Number, Number) = default;  // NOLINT(modernize-use-nullptr): it compares with 0
  friend std::string to_string(Number number) { return std::to_string(number.value_); }
  template <typename Stream>
  requires requires(Stream& out) { out.flush(); }
  friend Stream& operator<<(Stream& out, Number number) {
    out << number.value_;
    return out;
  }

 private:
  std::uint64_t value_ = 0;
};

}  // namespace ringside::base

template <typename Tag>
struct std::hash<ringside::base::Number<Tag>> {
  std::size_t operator()(ringside::base::Number<Tag> number) const noexcept {
    return std::hash<std::uint64_t>()(number.value());
  }
};
