#include "sidecar/cli/completion.h"

#include <sstream>

namespace ringside::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// For any of the shells: in single quotes, of which none is left.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("’") : std::string(1, c);
  return out + "'";
}

std::string names_of(const std::vector<CommandWords>& commands) {
  std::string names;
  for (const CommandWords& command : commands) names += (names.empty() ? "" : " ") + command.name;
  return names;
}

// The words of each command, as the branches of a case.
std::string branches(const std::vector<CommandWords>& commands) {
  std::ostringstream out;
  for (const CommandWords& command : commands) {
    out << "    " << command.name << ") options=" << in_quotes(joined(command.options))
        << " values=" << in_quotes(joined(command.values)) << " ;;\n";
  }
  return out.str();
}

std::string bash(const std::vector<CommandWords>& commands) {
  std::ostringstream out;
  out << "# Completion of ringside for bash: source <(ringside completion bash)\n"
         "_ringside() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} command='' options='--json --local --help' values='' i\n"
         "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "    case ${COMP_WORDS[i]} in\n"
         "      --local) ((++i)) ;;\n"
         "      -*) ;;\n"
         "      *) command=${COMP_WORDS[i]}; break ;;\n"
         "    esac\n"
         "  done\n"
         "  case $command in\n"
         "    '') values="
      << in_quotes(names_of(commands)) << " ;;\n"
      << branches(commands)
      << "  esac\n"
         "  if [[ $word == -* ]]; then values=$options; fi\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$values\" -- \"$word\")\n"
         "}\n"
         "complete -o default -F _ringside ringside\n";
  return out.str();
}

std::string zsh(const std::vector<CommandWords>& commands) {
  std::ostringstream out;
  out << "#compdef ringside\n"
         "# Completion of ringside for zsh: source <(ringside completion zsh)\n"
         "_ringside() {\n"
         "  local command='' options='--json --local --help' values='' i\n"
         "  for ((i = 2; i < CURRENT; ++i)); do\n"
         "    case $words[i] in\n"
         "      --local) ((++i)) ;;\n"
         "      -*) ;;\n"
         "      *) command=$words[i]; break ;;\n"
         "    esac\n"
         "  done\n"
         "  case $command in\n"
         "    '') values="
      << in_quotes(names_of(commands)) << " ;;\n"
      << branches(commands)
      << "  esac\n"
         "  if [[ $words[CURRENT] == -* ]]; then values=$options; fi\n"
         "  if [[ -n $values ]]; then compadd -- ${=values}; else _files; fi\n"
         "}\n"
         "compdef _ringside ringside\n";
  return out.str();
}

std::string fish(const std::vector<CommandWords>& commands) {
  std::ostringstream out;
  out << "# Completion of ringside for fish: ringside completion fish | source\n"
         "complete -c ringside -l json -d 'Output for scripts'\n"
         "complete -c ringside -l local -x -d 'The local listener of the sidecar'\n";
  for (const CommandWords& command : commands) {
    const std::string seen = " -n '__fish_seen_subcommand_from " + command.name + "'";
    out << "complete -c ringside -n __fish_use_subcommand -f -a " << command.name << " -d " << in_quotes(command.help)
        << "\n";
    for (const std::string& option : command.options) {
      if (option == "--json" || option == "--local") continue;
      out << "complete -c ringside" << seen
          << (option.starts_with("--") ? " -l " + option.substr(2) : " -s " + option.substr(1)) << "\n";
    }
    if (!command.values.empty())
      out << "complete -c ringside" << seen << " -f -a " << in_quotes(joined(command.values)) << "\n";
  }
  return out.str();
}

}  // namespace

std::string completion_script(std::string_view shell, const std::vector<CommandWords>& commands) {
  if (shell == "bash") return bash(commands);
  return shell == "zsh" ? zsh(commands) : fish(commands);
}

}  // namespace ringside::cli
