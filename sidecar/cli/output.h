// How the commands print: tables for people, and what a refusal means.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "sidecar/base/result.h"
#include "sidecar/cli/client.h"
#include "sidecar/cli/terminal.h"
#include "sidecar/core/call.h"

namespace ringside::cli {

// Columns as wide as their widest cell; the first row is the head.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string percent(double share);  // "33.3%"
// "350ms", "4.2s", "12m", "3h"
std::string age(double milliseconds);

// Fields of what a sidecar says, whatever their type (a count may be a number or its text); missing ones are empty.
std::string text_of(const nlohmann::json& json, const char* key);
double number_of(const nlohmann::json& json, const char* key);
bool flag_of(const nlohmann::json& json, const char* key);
const nlohmann::json& list_of(const nlohmann::json& json, const char* key);

// What became of a request that was not applied: says so, and gives the exit status. For requests that change nothing,
// "no answer" means that there is no sidecar.
int explain(const Reply& reply, const Client& client, bool json, bool changes, const Terminal& terminal);

// What is refused before any sidecar is asked, as one that is there would refuse it.
int refuse(const core::Answer& refusal, bool json, const Terminal& terminal);

// The body of a view (200, a JSON object). The error is the exit status, and the reason has been told.
base::Result<nlohmann::json, int> view(const Reply& reply, const Client& client, bool json, const Terminal& terminal);

}  // namespace ringside::cli
