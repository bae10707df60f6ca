#include <cstdio>

#include "sidecar/admin/admin_api.h"
#include "sidecar/base/text.h"
#include "sidecar/wire/status_json.h"

namespace ringside::admin {
namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : base::told(text)) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string number(double value, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string cell(const std::string& text) { return "<td>" + escaped(text) + "</td>"; }

std::string row(const core::MemberStatus& member) {
  if (!member.member) {
    return "<tr class=bad>" + cell(member.host) + "<td colspan=7>" + escaped("no member: " + member.problem) +
           "</td></tr>\n";
  }
  const std::string phase = member.legacy ? "legacy" : core::to_string(member.phase);
  return std::string(member.self ? "<tr class=self>" : "<tr>") +
         cell(member.host + (member.self ? " (this host)" : "")) + cell(phase) +
         cell(number(member.share * 100, "%.1f %%")) + cell(std::to_string(member.actors)) +
         cell(std::to_string(member.load)) + cell(std::to_string(member.strays)) +
         cell(member.self ? "" : number(static_cast<double>(member.rtt.count()) / 1000, "%.2f ms")) +
         cell(member.self ? "" : number(static_cast<double>(member.silent_for.count()) / 1e6, "%.1f s")) + "</tr>\n";
}

constexpr const char* kHead = R"(<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=5>
<title>Ringside</title><style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1d2530;background:#fbfbf9}
h1{font-size:1.4rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .7rem;border-bottom:1px solid #ddd}
.self{font-weight:600}.bad{color:#a32020}code{background:#eee;padding:.1rem .3rem}</style>
)";

}  // namespace

std::string page(const core::HostReader& gateway) {
  const core::Status status = gateway.status();
  std::string out = kHead;
  out += "<h1>Ringside on " + escaped(status.host) + "</h1>\n<p>Cluster <b>" + escaped(status.cluster) +
         "</b>, phase <b>" + core::to_string(status.phase) + "</b>, application <b>" +
         (!status.has_app ? "none (routes only)"
          : status.app_up ? "up"
                          : "down") +
         "</b>. ";
  out += status.not_ready_because.empty()
             ? "Ready.</p>\n"
             : "<b class=bad>Not ready: " + escaped(status.not_ready_because) + "</b></p>\n";
  out += "<p>Ring <code>" + wire::hex(status.ring.value()) + "</code>, " +
         (status.settled ? "the same on every member" : "<b class=bad>not yet the same on every member</b>") + ". " +
         base::counted(status.actors, "actor") + " here, " + base::counted(status.strays, "stray") + ", " +
         base::counted(status.turns_under_way, "turn") + " under way, " + std::to_string(status.turns_waiting) +
         " waiting, " + base::counted(status.held, "call") + " held.</p>\n";
  out += "<table><tr><th>host<th>phase<th>share<th>actors<th>load<th>strays<th>round trip<th>last heard</tr>\n";
  for (const core::MemberStatus& member : gateway.members()) out += row(member);
  return out +
         "</table>\n<p>The view of this host. <a href=/metrics>metrics</a> <a href=/status>status</a> "
         "<a href=/readyz>readyz</a></p></html>\n";
}

}  // namespace ringside::admin
