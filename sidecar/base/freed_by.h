// The objects of C libraries, each freed by its library's own function:
//
//   using ChannelHandle = std::unique_ptr<ares_channeldata, base::FreedBy<ares_destroy>>;
#pragma once

namespace ringside::base {

template <auto kFree>
struct FreedBy {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

}  // namespace ringside::base
