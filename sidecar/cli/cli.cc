#include "sidecar/cli/cli.h"

#include <algorithm>
#include <sstream>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "sidecar/base/nearest.h"
#include "sidecar/base/parse.h"
#include "sidecar/base/text.h"
#include "sidecar/base/units.h"
#include "sidecar/cli/client.h"
#include "sidecar/cli/commands.h"
#include "sidecar/cli/completion.h"
#include "sidecar/cli/libraries.h"
#include "sidecar/cli/output.h"
#include "sidecar/cli/version.h"
#include "sidecar/config/schema.h"
#include "sidecar/wire/json_text.h"

namespace ringside::cli {
namespace {

constexpr char kDefaultLocal[] = "127.0.0.1:1380 [::1]:1380";
constexpr std::uint16_t kDefaultPort = 1380;

struct Arguments {
  bool json = false;
  std::vector<std::string> local;
  CallArguments call;
  std::string body;
  std::string data;
  std::size_t limit = 0;
  EventArguments events;
  TopArguments top;
  ConfigArguments config;
  std::string level;
  std::string shell;
  std::string join;
  std::string leave;
  bool no_wait = false;
};

using Command = std::function<int(const Session& session, Arguments& arguments)>;
struct Chosen {
  Command command;
  std::function<int()> alone;  // one that asks no sidecar
};

// Where to look, the same words as `serve --local`. The error says which word is wrong.
base::Result<std::vector<net::Endpoint>, std::string> endpoints(const Arguments& arguments, const Terminal& terminal) {
  std::vector<std::string> words = arguments.local;
  if (words.empty()) {
    const std::string from_environment = terminal.environment("RINGSIDE_LOCAL");
    std::istringstream text(from_environment.empty() ? kDefaultLocal : from_environment);
    for (std::string word; text >> word;) words.push_back(word);
  }
  std::vector<net::Endpoint> out;
  for (const std::string& word : words) {
    const auto endpoint = net::parse_endpoint(word, kDefaultPort);
    if (!endpoint) {
      const std::string origin = arguments.local.empty() ? "RINGSIDE_LOCAL " : "--local ";
      return base::Error(origin + word + ": " + endpoint.error());
    }
    out.push_back(*endpoint);
  }
  if (out.empty()) return base::Error("RINGSIDE_LOCAL names no address");
  return out;
}

// An empty one would count as not given.
std::string not_empty(const std::string& text) { return text.empty() ? "must not be empty" : ""; }

// The parser of options reads -1, 010 and 0x1f as other numbers, and what is too large as the largest.
std::string whole_number(const std::string& text) {
  const auto number = base::parse_whole<std::size_t>(text);
  return number && text == std::to_string(*number) ? "" : "\"" + text + "\" is not a whole number";
}

std::string duration(const std::string& text) {
  return base::parse_duration(text) ? ""
                                    : "\"" + base::readable(text) +
                                          "\" is not a duration of at most 10000h, such as 90s or 1h; its units are "
                                          "ms, s, m and h";
}

void add_timeout(CLI::App& command, Arguments& arguments) {
  command.add_option("--timeout", arguments.call.timeout, "deadline, such as 500ms or 30s")->check(not_empty);
}

// What curl's -d takes: TEXT, @FILE, or @- for standard input.
std::string data_problem(const std::string& text) { return text == "@" ? "@ needs a file's name, or -" : ""; }

BodySource data_source(const std::string& text) {
  if (!text.starts_with('@')) return {BodySource::Kind::kText, text};
  if (text == "@-") return {BodySource::Kind::kInput, {}};
  return {BodySource::Kind::kFile, text.substr(1)};
}

BodySource word_source(const std::string& text) {
  return text == "-" ? BodySource{BodySource::Kind::kInput, {}} : BodySource{BodySource::Kind::kText, text};
}

void add_data_option(CLI::App& command, Arguments& arguments, CLI::Option* word) {
  command.add_option("-d,--data", arguments.data, "the body, as TEXT, or @FILE, or @- for standard input")
      ->check(data_problem)
      ->excludes(word);
}

void add_call_options(CLI::App& command, Arguments& arguments) {
  command.add_option("ID", arguments.call.id, "the actor: a number, or name:TEXT")->required();
  add_timeout(command, arguments);
  command
      .add_option("--idempotency-key", arguments.call.idempotency_key,
                  "a repeat with the same key is not applied again")
      ->check(not_empty);
  command.add_flag("--idempotent", arguments.call.idempotent, "allows repeats where the outcome is unknown");
}

void add_calls(CLI::App& app, Arguments& arguments, Chosen& chosen) {
  CLI::App* call_command = app.add_subcommand("call", "Calls a method of an actor over HTTP");
  add_call_options(*call_command, arguments);
  call_command->add_option("METHOD", arguments.call.path, "path below /actors/ID/method/, with its query")->required();
  CLI::Option* body = call_command->add_option("BODY", arguments.body, "the body, or - for standard input");
  call_command->add_option("-X,--request", arguments.call.http_method, "HTTP method")->capture_default_str();
  call_command
      ->add_option("--content-type", arguments.call.content_type, "default: JSON where the body is JSON, else text")
      ->check(not_empty);
  add_data_option(*call_command, arguments, body);
  call_command->add_flag("-f,--fail", arguments.call.fail,
                         "exit status 1 where the application answers with an HTTP status from 400 up");
  CLI::Option* data = call_command->get_option("--data");
  call_command->callback([&arguments, &chosen, body, data] {
    if (body->count() > 0) arguments.call.body = word_source(arguments.body);
    if (data->count() > 0) arguments.call.body = data_source(arguments.data);
    chosen.command = [](const Session& session, Arguments& given) { return call(session, given.call); };
  });

  CLI::App* apply_command = app.add_subcommand("apply", "Applies a batch of messages to an actor");
  add_call_options(*apply_command, arguments);
  CLI::Option* batch = apply_command->add_option(
      "JSON", arguments.body,
      "an ApplyRequest, a message ({\"@type\":...}) or a list of them; - or nothing: standard input");
  add_data_option(*apply_command, arguments, batch);
  CLI::Option* data_of_apply = apply_command->get_option("--data");
  apply_command->callback([&arguments, &chosen, batch, data_of_apply] {
    arguments.call.body = word_source(batch->count() > 0 ? arguments.body : "-");
    if (data_of_apply->count() > 0) arguments.call.body = data_source(arguments.data);
    chosen.command = [](const Session& session, Arguments& given) { return apply(session, given.call); };
  });
}

void add_views(CLI::App& app, Arguments& arguments, Chosen& chosen) {
  const auto add = [&](const char* name, const char* help, Command command) {
    CLI::App* added = app.add_subcommand(name, help);
    added->callback([&chosen, command = std::move(command)] { chosen.command = command; });
    return added;
  };
  add("where", "Says who serves an actor, and why",
      [](const Session& session, Arguments& given) { return where(session, given.call.id); })
      ->add_option("ID", arguments.call.id, "the actor: a number, or name:TEXT")
      ->required();
  add("explain", "Says where an actor is and why, rule by rule, and what would change it",
      [](const Session& session, Arguments& given) { return explain_actor(session, given.call.id); })
      ->add_option("ID", arguments.call.id, "the actor: a number, or name:TEXT")
      ->required();
  CLI::App* deactivate_command =
      add("deactivate", "Ends an actor's activation, wherever it is; a turn that is stuck ends with it",
          [](const Session& session, Arguments& given) { return deactivate(session, given.call); });
  deactivate_command->add_option("ID", arguments.call.id, "the actor: a number, or name:TEXT")->required();
  add_timeout(*deactivate_command, arguments);
  add("members", "Lists the hosts, as this one sees them",
      [](const Session& session, Arguments&) { return members(session); });
  add("actors", "Lists the actors that are active here",
      [](const Session& session, Arguments& given) { return actors(session, given.limit); })
      ->add_option("--limit", arguments.limit, "at most this many; 0: all")
      ->check(whole_number);
  CLI::App* ring_command =
      add("ring", "Shows each host's share, and what a join or a leave would move",
          [](const Session& session, Arguments& given) { return ring(session, given.join, given.leave); });
  CLI::Option* join = ring_command->add_option("--join", arguments.join, "what would move if this host joined");
  join->check(not_empty);
  ring_command->add_option("--leave", arguments.leave, "what would move if this host left")
      ->check(not_empty)
      ->excludes(join);
  add("drain", "Takes this host off the ring and hands its actors over; waits until that is done",
      [](const Session& session, Arguments& given) { return drain(session, !given.no_wait); })
      ->add_flag("--no-wait", arguments.no_wait, "does not wait for the end");
  add("uncordon", "Takes a drain back: joins the ring again",
      [](const Session& session, Arguments&) { return uncordon(session); });
  add("status", "Shows how this host is", [](const Session& session, Arguments&) { return status(session); });
  const auto add_event_options = [&arguments](CLI::App& command) {
    command
        .add_option("--since", arguments.events.since,
                    "those that are at most so old, such as 1h; else all that are kept")
        ->check(duration);
    command.add_option("--count", arguments.events.count, "ends after this many, the oldest first; 0: never")
        ->check(whole_number);
  };
  CLI::App* events_command =
      add("events", "Tells what has happened to this host, why, and on whose word",
          [](const Session& session, Arguments& given) { return events(session, given.events); });
  add_event_options(*events_command);
  events_command->add_flag("-f,--follow", arguments.events.follow, "goes on with each that happens");
  CLI::App* watch_command = add("watch", "On a terminal a live table of the hosts; in a pipe, events as they happen",
                                [](const Session& session, Arguments& given) { return watch(session, given.events); });
  add_event_options(*watch_command);
}

void add_top(CLI::App& app, Arguments& arguments, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("top", "Shows which actors of this host have the most calls, turn time and waiting");
  command->callback(
      [&chosen] { chosen.command = [](const Session& session, Arguments& given) { return top(session, given.top); }; });
  command->add_option("-n", arguments.top.rows, "rows of each table, 1 to 100")
      ->check(whole_number)
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command
      ->add_option("--for", arguments.top.record_for,
                   "prints once, after at least so long was recorded, such as 10s (in a pipe: 1s; on a terminal it is "
                   "live without this)")
      ->check(duration);
  command->add_option("--count", arguments.top.count, "on a terminal: ends after this many tables; 0: never")
      ->check(whole_number);
}

const std::vector<std::string> kLevels = {"debug", "info", "warn", "error"};

void add_settings(CLI::App& app, Arguments& arguments, Chosen& chosen) {
  CLI::App* config_command = app.add_subcommand("config", "Shows the settings in force, and where each came from");
  config_command->callback([&chosen] {
    chosen.command = [](const Session& session, Arguments& given) { return config(session, given.config); };
  });
  config_command->add_option("NAME", arguments.config.name, "of one setting, such as drain-timeout");
  config_command->add_flag("--changed", arguments.config.changed, "those alone that are not left at their defaults");
  CLI::App* level_command = app.add_subcommand("log-level", "Tells at which level the sidecar logs, or changes it");
  level_command->callback([&chosen] {
    chosen.command = [](const Session& session, Arguments& given) { return log_level(session, given.level); };
  });
  level_command->add_option("LEVEL", arguments.level, "debug, info, warn or error: from now on, until it is restarted")
      ->check(CLI::IsMember(kLevels));
}

// Every command with its options; of `serve` its settings.
std::vector<CommandWords> words_of(const CLI::App& app) {
  const auto options_of = [](const CLI::App& command, std::vector<std::string>& words) {
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
      for (const std::string& name : option->get_snames()) words.push_back("-" + name);
    }
  };
  std::vector<CommandWords> all;
  CommandWords serve{"serve", "Runs the sidecar", {"--help"}, {}};
  for (const config::Option& option : config::schema()) serve.options.push_back(config::flag_name(option.name));
  all.push_back(std::move(serve));
  std::vector<std::string> names{"settings", "serve"};
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    CommandWords words{command->get_name(), command->get_description(), {"--json", "--local"}, {}};
    options_of(*command, words.options);
    for (const CLI::App* below : command->get_subcommands([](const CLI::App*) { return true; })) {
      words.values.push_back(below->get_name());
    }
    if (words.name == "log-level") words.values = kLevels;
    if (words.name == "completion") words.values.assign(std::begin(kShells), std::end(kShells));
    if (words.name == "config") {
      for (const config::Option& option : config::schema()) words.values.emplace_back(option.name);
    }
    names.push_back(words.name);
    all.push_back(std::move(words));
  }
  for (CommandWords& words : all) {
    if (words.name == "help") words.values = names;
  }
  return all;
}

void add_completion(CLI::App& app, Arguments& arguments, const Terminal& terminal, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("completion", "Prints what a shell needs to complete these commands: bash, zsh or fish");
  command
      ->add_option("SHELL", arguments.shell,
                   "source <(ringside completion bash), the same with zsh; "
                   "ringside completion fish | source")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kShells), std::end(kShells))));
  command->callback([&] {
    chosen.alone = [&] {
      terminal.out << completion_script(arguments.shell, words_of(app));
      return static_cast<int>(kApplied);
    };
  });
}

void add_tls(CLI::App& app, Arguments& arguments, const Terminal& terminal, Chosen& chosen) {
  CLI::App* tls = app.add_subcommand("tls", "Checks the TLS between hosts: tls check [HOST[:PORT]] [SETTINGS]");
  tls->require_subcommand(1);
  CLI::App* check = tls->add_subcommand(
      "check", "Checks this host's certificate, key and roots, and those of HOST, which it dials as serve would");
  check->footer(
      "tls check [HOST[:PORT]] [SETTINGS]\n"
      "SETTINGS are those of serve (ringside help settings), from flags, environment and file: --tls-cert, "
      "--tls-roots,\n"
      "--member-id ... Exit status: 0 all is well, 1 something is not, 2 usage.");
  check->prefix_command()->fallthrough(false);
  check->callback([&arguments, &terminal, &chosen, check] {
    std::vector<std::string> words = check->remaining();
    const bool json = std::erase(words, "--json") > 0 || arguments.json;
    chosen.alone = [&terminal, words, json] { return tls_check(words, json, terminal); };
  });
}

// "help call" is "call --help", and no words at all are "--help".
std::vector<std::string> without_help(std::vector<std::string> arguments) {
  if (arguments.empty()) return {"--help"};
  const auto at = command_at(arguments);
  if (!at || arguments[*at] != "help") return arguments;
  arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(*at));
  arguments.emplace_back("--help");
  return arguments;
}

std::vector<std::string_view> commands_of(const CLI::App& app) {
  std::vector<std::string_view> names{"serve"};
  for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(one->get_name());
  return names;
}

bool is_command(const CLI::App& app, const std::string& word) {
  const auto names = commands_of(app);
  return word != "serve" && std::find(names.begin(), names.end(), word) != names.end();
}

int no_such_command(const CLI::App& app, const std::string& word, const Terminal& terminal) {
  const std::string near = base::nearest_word(word, commands_of(app));
  terminal.err << "ringside: there is no command '" << base::readable(word) << "'"
               << (near.empty() ? "" : "; did you mean '" + near + "'?") << " (ringside help lists them)\n";
  return kUsage;
}

// A word that no option bears: the nearest one of the command's is named.
int no_such_option(const CLI::App& app, const std::vector<std::string>& words, const Terminal& terminal) {
  const auto chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  std::vector<std::string> names;
  for (const CLI::App* one : {&app, &command}) {
    for (const CLI::Option* option : one->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
      for (const std::string& name : option->get_snames()) names.push_back("-" + name);
    }
  }
  // "--timeout=3s", "-dTEXT"
  const auto option_of = [](const std::string& word) {
    return word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
  };
  const auto wrong = std::find_if(words.begin(), words.end(), [&](const std::string& word) {
    const bool is_option = word.starts_with('-') && word != "-" && word != "--";
    return is_option && std::find(names.begin(), names.end(), option_of(word)) == names.end();
  });
  const std::string help = " (ringside help " + command.get_name() + " lists what it takes)\n";
  if (wrong == words.end()) {
    terminal.err << "ringside: there are more words than '" << command.get_name() << "' takes" << help;
    return kUsage;
  }
  // Of a letter every other letter is near.
  const bool is_word = wrong->starts_with("--");
  const std::string near = is_word ? base::nearest_word(option_of(*wrong), {names.begin(), names.end()}) : "";
  terminal.err << "ringside: '" << command.get_name() << "' has no option " << base::readable(*wrong)
               << (near.empty() ? "" : "; did you mean " + near + "?") << help;
  return kUsage;
}

std::string versions(const std::vector<Library>& libraries) {
  std::string all;
  for (const auto& [name, number] : libraries) {
    all.append(all.empty() ? "" : ", ").append(name).append(" ").append(number);
  }
  return all;
}

nlohmann::json versions_json(const std::vector<Library>& libraries) {
  nlohmann::json each = nlohmann::json::object();
  for (const auto& [name, number] : libraries) each[name] = number;
  return each;
}

int version(const Terminal& terminal, bool json) {
  if (json) {
    terminal.out << wire::dump({{"version", kVersion},
                                {"loaded", versions_json(loaded_libraries())},
                                {"built_with", versions_json(built_with_libraries())}})
                 << "\n";
  } else {
    terminal.out << "ringside " << kVersion << "\n"
                 << "loaded: " << versions(loaded_libraries()) << "\n"
                 << "built with: " << versions(built_with_libraries()) << "\n";
  }
  return kApplied;
}

}  // namespace

std::optional<std::size_t> command_at(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--local") {
      ++i;
    } else if (word != "--json" && !word.starts_with("--local=")) {
      if (word.starts_with("--") && word != "--help" && word != "--version") return std::nullopt;
      return i;
    }
  }
  return std::nullopt;
}

namespace {

int execute(const std::vector<std::string>& arguments, const Terminal& terminal) {
  Arguments given;
  Chosen chosen;
  CLI::App app("Ringside: a sidecar for clusters of virtual actors", "ringside");
  app.footer(
      "serve                       Runs the sidecar (see: ringside help settings)\n"
      "Every command takes --json and --local ADDR.\n"
      "Exit status: 0 applied, 1 refused, 2 usage, 3 not delivered, overloaded or expired, 4 unknown,\n"
      "5 no sidecar there, 6 drain timed out, 7 the output could not be written.");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_flag("--json", given.json, "Output for scripts");
  app.add_option("--local", given.local,
                 "The sidecar's local listener (RINGSIDE_LOCAL; default " + std::string(kDefaultLocal) + ")")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);  // the word behind its address is the command's
  app.set_version_flag("--version", std::string("ringside ") + kVersion);
  add_calls(app, given, chosen);
  add_views(app, given, chosen);
  add_top(app, given, chosen);
  add_settings(app, given, chosen);
  add_completion(app, given, terminal, chosen);
  app.add_subcommand("version", "Prints the versions of this program and of its libraries")->callback([&] {
    chosen.alone = [&] { return version(terminal, given.json); };
  });
  add_tls(app, given, terminal, chosen);
  app.add_subcommand("help", "Prints this; help COMMAND: its options; help settings: those of serve");
  const std::vector<std::string> words = without_help(arguments);
  const auto at = command_at(words);
  if (at && !words[*at].starts_with('-') && !is_command(app, words[*at]))
    return no_such_command(app, words[*at], terminal);
  try {
    // CLI11 wants them backwards.
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ExtrasError&) {
    return no_such_option(app, words, terminal);
  } catch (const CLI::Success& help) {
    app.exit(help, terminal.out, terminal.err);
    return kApplied;
  } catch (const CLI::ParseError& error) {
    const std::string command = at ? words[*at] : "";
    terminal.err << "ringside: " << error.what() << " (ringside help" << (command.empty() ? "" : " " + command)
                 << " lists what it takes)\n";
    return kUsage;
  }
  if (chosen.alone) return chosen.alone();
  auto where_to = endpoints(given, terminal);
  if (!where_to) {
    terminal.err << "ringside: " << where_to.error() << "\n";
    return kUsage;
  }
  Client client(std::move(*where_to));
  return chosen.command({client, terminal, given.json}, given);
}

}  // namespace

int run(const std::vector<std::string>& arguments, const Terminal& terminal) {
  return written(terminal, execute(arguments, terminal));
}

}  // namespace ringside::cli
