// What was probably meant by a mistyped word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ringside::base {

// The known word that is fewest letters away; empty: none is near, or `wrong` is too long to be a slip.
std::string nearest_word(std::string_view wrong, const std::vector<std::string_view>& known);

}  // namespace ringside::base
