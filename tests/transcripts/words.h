// Messages and log lines as a reader wants them: epochs are e1, e2 ... in the order in which they appear, the runs of a
// host a#1, a#2 ..., and ids have the names that the script gave them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sidecar/core/effects.h"

namespace ringside::transcripts {

class Words {
 public:
  void name(core::ActorId id, const std::string& name) { ids_[id] = name; }

  std::string id(core::ActorId id) const;
  std::string epoch(core::Epoch epoch);
  std::string run(const std::string& host, core::Generation generation);
  std::string request(const std::string& from, const core::PeerRequest& request);
  std::string answer(const std::string& from, const core::PeerAnswer& answer);
  std::string log(const core::LogLine& line);
  static std::string kind(const core::PeerRequest& request);  // one word, for scripts
  static std::string outcome(const core::Answer& answer);

 private:
  std::string claims(const std::vector<core::Claim>& claims);
  std::string listed(const std::vector<core::ActorId>& ids) const;
  std::string ended(const std::vector<core::Ended>& ended);

  std::map<core::ActorId, std::string> ids_;
  std::map<core::Epoch, int> epochs_;
  std::map<std::string, std::map<core::Generation, int>> runs_;
};

}  // namespace ringside::transcripts
