// Ties callbacks to the life of the object that they work on.
//
// A callback that has been posted to the loop, or handed to a timer or to another object, may run after the object that
// made it has gone: also a timer's, since an expiry that is queued already cannot be called back. bind() makes one that
// does nothing then:
//
//   loop_.post(life_.bind([this] { finish(); }));
//
// For objects that somebody owns outright. Those that are shared keep themselves alive, or not, by shared_from_this()
// and weak_from_this(). A bare `this` is for callbacks that the object itself holds, or whose holder ends before it
// does.
//
// It is the last member, so that it ends before anything that a callback could touch. One thread.
#pragma once

#include <memory>
#include <utility>

namespace ringside::base {

class Lifetime {
 public:
  Lifetime() = default;
  Lifetime(const Lifetime&) = delete;
  Lifetime& operator=(const Lifetime&) = delete;

  template <typename Callback>
  auto bind(Callback callback) const {
    return [mark = std::weak_ptr<const Mark>(mark_), callback = std::move(callback)](auto&&... arguments) mutable {
      if (!mark.expired()) callback(std::forward<decltype(arguments)>(arguments)...);
    };
  }

 private:
  struct Mark {};
  std::shared_ptr<const Mark> mark_ = std::make_shared<const Mark>();
};

}  // namespace ringside::base
