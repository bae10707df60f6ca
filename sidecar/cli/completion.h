// What a shell is told to complete the words of `ringside`, made from the commands themselves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ringside::cli {

struct CommandWords {
  std::string name;
  std::string help;
  std::vector<std::string> options;  // "--json", "-n"
  std::vector<std::string> values;   // of its first word, where they are known
};

inline constexpr std::string_view kShells[] = {"bash", "zsh", "fish"};

// For one of kShells.
std::string completion_script(std::string_view shell, const std::vector<CommandWords>& commands);

}  // namespace ringside::cli
