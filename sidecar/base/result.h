// What may fail: a value, or the error that stands in its place. Never both, and never neither.
//
//   Result<std::uint16_t, std::string> parse_port(std::string_view text) {
//     if (text.empty()) return Error("a port is missing");
//     ...
//     return port;
//   }
//
//   const auto port = parse_port(text);
//   if (!port) return complain(port.error());
//   listen(*port);
//
// What yields nothing where it succeeds is a Result<void, E>, and returns {} then. The names are those of C++23's
// std::expected, which may take the place of this class once the compilers that we build with have it.
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "sidecar/base/check.h"

namespace ringside::base {

// Marks what is returned as the error, also where value and error are of one type.
template <typename E>
struct Error {
  explicit Error(E given) : why(std::move(given)) {}
  E why;
};

template <typename T, typename E>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  template <typename From>
  Result(Error<From> error)  // NOLINT(google-explicit-constructor)
      : state_(std::in_place_index<1>, std::move(error.why)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // Whoever takes one of the two has looked which one is there.
  T& operator*() { return checked<0>(state_); }
  const T& operator*() const { return checked<0>(state_); }
  T* operator->() { return &checked<0>(state_); }
  const T* operator->() const { return &checked<0>(state_); }
  E& error() { return checked<1>(state_); }
  const E& error() const { return checked<1>(state_); }

 private:
  template <std::size_t kWhich, typename State>
  static auto& checked(State& state) {
    RINGSIDE_CHECK(state.index() == kWhich);
    return *std::get_if<kWhich>(&state);
  }

  std::variant<T, E> state_;
};

template <typename E>
class [[nodiscard]] Result<void, E> {
 public:
  Result() = default;
  template <typename From>
  Result(Error<From> error) : error_(std::move(error.why)) {}  // NOLINT(google-explicit-constructor)

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  E& error() {
    RINGSIDE_CHECK(error_);
    return *error_;
  }
  const E& error() const {
    RINGSIDE_CHECK(error_);
    return *error_;
  }

 private:
  std::optional<E> error_;
};

}  // namespace ringside::base
