// config, log-level
#include "sidecar/base/nearest.h"
#include "sidecar/base/text.h"
#include "sidecar/cli/commands.h"
#include "sidecar/cli/output.h"
#include "sidecar/wire/json_text.h"

namespace ringside::cli {
namespace {

using nlohmann::json;

std::string name_of(const std::string& word) { return word.starts_with("--") ? word.substr(2) : word; }

int no_such_setting(const Session& session, const std::string& word, const json& settings) {
  std::vector<std::string> names;
  for (const json& row : settings) names.push_back(text_of(row, "name"));
  const std::string near = base::nearest_word(name_of(word), {names.begin(), names.end()});
  session.terminal.err << "ringside: there is no setting '" << base::readable(word) << "'"
                       << (near.empty() ? "" : "; did you mean '" + near + "'?")
                       << " (ringside help settings lists them)\n";
  return kUsage;
}

}  // namespace

int config(const Session& session, const ConfigArguments& arguments) {
  auto body = view(session.client.get("/v1/config"), session.client, session.json, session.terminal);
  if (!body) return body.error();
  json shown = json::array();
  for (const json& row : list_of(*body, "settings")) {
    const bool is_named = arguments.name.empty() || text_of(row, "name") == name_of(arguments.name);
    if (is_named && !(arguments.changed && flag_of(row, "is_default"))) shown.push_back(row);
  }
  if (!arguments.name.empty() && shown.empty() && !arguments.changed) {
    return no_such_setting(session, arguments.name, list_of(*body, "settings"));
  }
  std::ostream& out = session.terminal.out;
  if (session.json) {
    (*body)["settings"] = std::move(shown);
    out << wire::dump(*body) << "\n";
    return kApplied;
  }
  Table table({"SETTING", "VALUE", "SOURCE"});
  for (const json& row : shown) {
    const std::string value = text_of(row, "value");
    table.add({text_of(row, "name"), value.empty() ? "-" : value, text_of(row, "source")});
  }
  table.print(out);
  out << base::counted(shown.size(), "setting") << " of " << text_of(*body, "view_of") << ", ringside "
      << text_of(*body, "version") << "; it logs at " << text_of(*body, "log_level") << " now\n";
  return kApplied;
}

int log_level(const Session& session, const std::string& level) {
  const Reply reply = level.empty() ? session.client.get("/v1/log-level")
                                    : session.client.post("/v1/log-level", wire::dump({{"level", level}}));
  const auto body = view(reply, session.client, session.json, session.terminal);
  if (!body) return body.error();
  session.terminal.out << (session.json ? wire::dump(*body) : text_of(*body, "level")) << "\n";
  return kApplied;
}

}  // namespace ringside::cli
