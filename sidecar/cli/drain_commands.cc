// drain, uncordon
#include <chrono>

#include "sidecar/base/text.h"
#include "sidecar/cli/commands.h"
#include "sidecar/cli/output.h"
#include "sidecar/wire/call_headers.h"
#include "sidecar/wire/json_text.h"

namespace ringside::cli {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kWait{10'000};
constexpr const char* kProgress = "200ms";  // how often a person hears of it; its end is told at once

std::string progress(const json& body) {
  return text_of(body, "phase") + ": " + base::counted(static_cast<std::uint64_t>(number_of(body, "actors")), "actor") +
         ", " + base::counted(static_cast<std::uint64_t>(number_of(body, "turns_under_way")), "turn") + " under way, " +
         text_of(body, "turns_waiting") + " waiting";
}

bool draining(const json& body) {
  return text_of(body, "phase") == "draining" && !flag_of(body, "done") && !flag_of(body, "timed_out");
}

// Whether the actors of this host would have nowhere to go; a host that joins is on the ring, and calls wait for it.
// Who cannot say so does not hold up the drain.
bool is_last(const Session& session) {
  const Reply reply = session.client.get("/v1/members");
  if (reply.kind != Reply::Kind::kAnswered || reply.response.status != 200) return false;
  const json body = json::parse(reply.response.body, nullptr, false);
  const auto members = body.is_object() ? body.find("members") : body.end();
  if (members == body.end() || !members->is_array()) return false;
  bool serves = false;
  for (const json& member : *members) {
    if (!flag_of(member, "on_ring")) continue;
    const std::string phase = text_of(member, "phase");
    if (flag_of(member, "self")) {
      serves = phase == "ready";
    } else if (phase == "ready" || phase == "joining" || flag_of(member, "legacy")) {
      return false;
    }
  }
  return serves;
}

}  // namespace

int drain(const Session& session, bool wait) {
  if (is_last(session)) {
    session.terminal.err
        << "ringside: no other host is ready: the actors here end, and calls to them fail until one is "
           "(ringside uncordon takes the drain back)"
        << std::endl;
  }
  auto body = view(session.client.post("/v1/drain", "{}"), session.client, session.json, session.terminal);
  std::string shown;
  while (body && wait && draining(*body)) {
    const std::string line = progress(*body);
    if (line != shown && !session.json) session.terminal.err << line << std::endl;
    shown = line;
    net::HttpRequest request{"GET", "/v1/drain?wait=true", {{std::string(wire::kTimeoutHeader), kProgress}}, {}, {}};
    body = view(session.client.request(request, kWait), session.client, session.json, session.terminal);
  }
  if (!body) return body.error();
  if (session.json) {
    session.terminal.out << wire::dump(*body) << "\n";
  } else {
    session.terminal.out << progress(*body) << "\n";
  }
  if (flag_of(*body, "timed_out")) {
    session.terminal.err << "ringside: the drain took longer than --drain-timeout; it goes on\n";
    return kDrainTimedOut;
  }
  if (wait && !flag_of(*body, "done")) {
    session.terminal.err << "ringside: the drain was taken back\n";
    return kRefused;
  }
  return kApplied;
}

int uncordon(const Session& session) {
  const auto body = view(session.client.post("/v1/uncordon", "{}"), session.client, session.json, session.terminal);
  if (!body) return body.error();
  if (session.json) {
    session.terminal.out << wire::dump(*body) << "\n";
  } else {
    session.terminal.out << text_of(*body, "host") << " joins the ring again (" << text_of(*body, "phase")
                         << " so far)\n";
  }
  return kApplied;
}

}  // namespace ringside::cli
