// The turns that wait for a call, outermost first, as the header `ringside-chain` carries them from a turn to the calls
// that it makes: "41:5f3a09c1,97:0b77e1d2" is a call by the turn of actor 97 that actor 41 waits for. What stands
// behind the colon names the turn, so that an earlier turn of the same actor is not taken for the one under way. No
// state.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "sidecar/core/call.h"
#include "sidecar/core/types.h"

namespace ringside::core {

inline constexpr std::size_t kDeepestChain = 32;

// How this turn is written in a chain.
std::string chain_link(ActorId id, Epoch epoch, TurnId turn);
std::string longer_chain(const std::string& chain, const std::string& link);
bool is_in_chain(std::string_view chain, std::string_view link);
std::size_t chain_depth(std::string_view chain);
bool is_chain(std::string_view text);  // of that form, and no deeper than a chain may be
// "41 -> name:anna -> 41", for a person: the path of a call to that actor, each by its name.
std::string chain_path(std::string_view chain, ActorId to, const std::function<std::string(ActorId)>& name_of);

}  // namespace ringside::core
