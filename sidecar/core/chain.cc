#include "sidecar/core/chain.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "sidecar/core/hash.h"

namespace ringside::core {
namespace {

constexpr std::size_t kMarkDigits = 8;
constexpr std::string_view kHex = "0123456789abcdef";

// Calls `visit` with each link, until it returns false.
template <typename Visit>
void each_link(std::string_view chain, Visit&& visit) {
  while (!chain.empty()) {
    const std::size_t comma = chain.find(',');
    if (!visit(chain.substr(0, comma))) return;
    chain = comma == std::string_view::npos ? std::string_view() : chain.substr(comma + 1);
  }
}

// Whatever the number is of: close ones become far ones.
std::uint64_t mixed(std::uint64_t number) { return hash_id(ActorId(number)).value(); }

bool is_link(std::string_view link) {
  std::uint64_t id = 0;
  const char* end = link.data() + link.size();
  const auto [rest, error] = std::from_chars(link.data(), end, id);
  const std::string_view mark(rest, static_cast<std::size_t>(end - rest));
  return error == std::errc() && id != 0 && link.front() != '0' && mark.size() == 1 + kMarkDigits &&
         mark.front() == ':' && mark.substr(1).find_first_not_of(kHex) == std::string_view::npos;
}

}  // namespace

std::string chain_link(ActorId id, Epoch epoch, TurnId turn) {
  std::array<char, 20 + 1 + kMarkDigits> link;  // the longest id, a colon and the mark
  char* end = std::to_chars(link.begin(), link.end(), id.value()).ptr;
  *end++ = ':';
  std::uint64_t mark = mixed(epoch.value() ^ mixed(turn.value()));
  for (std::size_t i = 0; i < kMarkDigits; ++i, mark >>= 4) *end++ = kHex[mark & 0xf];
  return {link.data(), end};
}

std::string longer_chain(const std::string& chain, const std::string& link) {
  return chain.empty() ? link : chain + "," + link;
}

bool is_in_chain(std::string_view chain, std::string_view link) {
  bool found = false;
  each_link(chain, [&](std::string_view one) { return !(found = one == link); });
  return found;
}

std::size_t chain_depth(std::string_view chain) {
  return chain.empty() ? 0 : 1 + static_cast<std::size_t>(std::count(chain.begin(), chain.end(), ','));
}

bool is_chain(std::string_view text) {
  if (text.empty() || text.back() == ',' || chain_depth(text) > kDeepestChain) return false;
  bool good = true;
  each_link(text, [&](std::string_view link) { return good = !link.empty() && is_link(link); });
  return good;
}

std::string chain_path(std::string_view chain, ActorId to, const std::function<std::string(ActorId)>& name_of) {
  std::string path;
  each_link(chain, [&](std::string_view link) {
    std::uint64_t id = 0;
    std::from_chars(link.data(), link.data() + link.size(), id);
    path.append(name_of(ActorId(id))).append(" -> ");
    return true;
  });
  return path + name_of(to);
}

}  // namespace ringside::core
