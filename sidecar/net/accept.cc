#include "sidecar/net/accept.h"

#include <cstdlib>
#include <optional>
#include <string>

namespace ringside::net {
namespace {

// The first piece of `text`, which is shortened by it and the separator.
std::string_view cut(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view piece = trim(text.substr(0, end));
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return piece;
}

// "q=0.5" among parameters; 1: there is none. Nothing: it is not a number from 0 to 1.
std::optional<double> quality_of(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = cut(parameters, ';');
    if (!parameter.starts_with("q=")) continue;
    const std::string number(parameter.substr(2));
    char* end = nullptr;
    const double quality = std::strtod(number.c_str(), &end);
    const bool is_number = !number.empty() && *end == '\0' && number.find_first_not_of("0123456789.") == number.npos;
    return is_number && quality <= 1 ? std::optional(quality) : std::nullopt;
  }
  return 1;
}

}  // namespace

Acceptance acceptance(const Metadata& headers, std::string_view type) {
  const std::string family = std::string(type.substr(0, type.find('/'))) + "/*";
  Acceptance found;
  int precision = 0;  // of the range that counts so far: 1 for */*, 2 for application/*, 3 for the type itself
  bool any = false;
  for (const Header& header : headers) {
    if (header.name != "accept") continue;
    const std::string value = to_lower(header.value);
    for (std::string_view rest = value; !rest.empty();) {
      std::string_view parameters = cut(rest, ',');
      const std::string_view range = cut(parameters, ';');
      const std::optional<double> quality = quality_of(parameters);
      if (range.empty() || !quality) continue;
      any = true;
      const int names = range == type ? 3 : range == family ? 2 : range == "*/*" ? 1 : 0;
      if (names > precision) {
        precision = names;
        found = {*quality, names == 3};
      }
    }
  }
  return any && precision == 0 ? Acceptance{0, false} : found;
}

}  // namespace ringside::net
