// The commands, each with its arguments. They return the exit status.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "sidecar/cli/client.h"
#include "sidecar/cli/terminal.h"
#include "sidecar/wire/actor_id.h"

namespace ringside::cli {

struct Session {
  Client& client;
  const Terminal& terminal;
  bool json = false;
};

// An id as people write it (42, name:anna): its address in the local interface, and what it stands for. The error is
// the refusal that every sidecar would answer.
std::string address_of(const std::string& id);
base::Result<wire::ActorRef, core::Answer> parse_id(const std::string& id);

// Where a body comes from, as it was written: TEXT, - or @FILE.
struct BodySource {
  enum class Kind { kText, kFile, kInput };
  Kind kind = Kind::kText;
  std::string text;  // or the file's name
};

struct CallArguments {
  std::string id;
  std::string path;  // of the method, with its query
  BodySource body;
  std::string http_method = "POST";
  std::string content_type;  // empty: JSON where the body is JSON, else text
  std::string timeout;       // empty: the sidecar's default
  std::string idempotency_key;
  bool idempotent = false;
  bool fail = false;  // an answer of the application from 400 up is a failure
};

int call(const Session& session, const CallArguments& arguments);
int apply(const Session& session, const CallArguments& arguments);
int deactivate(const Session& session, const CallArguments& arguments);  // of which: id, timeout

int where(const Session& session, const std::string& id);
// The sentence that it prints, of what /v1/actors/{id} tells.
std::string where_sentence(const std::string& id, const nlohmann::json& place);
// Where an actor is and why, rule by rule.
int explain_actor(const Session& session, const std::string& id);
int members(const Session& session);
// The table that it prints, of what /v1/members tells.
std::string members_text(const nlohmann::json& body);
int actors(const Session& session, std::size_t limit);  // 0: all
int status(const Session& session);

struct EventArguments {
  std::string since;      // a duration; empty: all that is kept
  bool follow = false;    // goes on with each that happens
  std::size_t count = 0;  // ends after so many; 0: never
};
int events(const Session& session, const EventArguments& arguments);
// On a terminal a table of members and what happened last, drawn anew; elsewhere events, as they happen.
int watch(const Session& session, const EventArguments& arguments);

struct TopArguments {
  std::size_t rows = 10;   // of each table
  std::string record_for;  // at least, before the table is printed once; empty: a second, and on a terminal it is live
  std::size_t count = 0;   // on a terminal: ends after so many tables; 0: never
};
// Which actors of this host have the most calls, turn time and waiting.
int top(const Session& session, const TopArguments& arguments);

// `join`, `leave`: what would move if that host came or went; empty: for each host, as far as it is cheap.
int ring(const Session& session, const std::string& join, const std::string& leave);

// `words`: HOST[:PORT], or nothing, and settings as serve takes them. Asks no sidecar; dials HOST itself.
int tls_check(const std::vector<std::string>& words, bool json, const Terminal& terminal);

struct ConfigArguments {
  std::string name;      // of one setting; empty: all
  bool changed = false;  // those alone that are not left at their defaults
};
// The settings in force, and where each came from.
int config(const Session& session, const ConfigArguments& arguments);
// Tells it; `level` not empty: sets it.
int log_level(const Session& session, const std::string& level);

int drain(const Session& session, bool wait);
int uncordon(const Session& session);

}  // namespace ringside::cli
