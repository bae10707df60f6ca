// Before this host goes onto the ring, its app is to forget whatever an earlier sidecar's activations left in it. The
// app is asked until it has done so, or says that it has nothing to forget; an app that went away is asked anew.
//
// States: not done -> asked(token) -> done, or -> not done, with a pause -> asked again. Loop thread only.
#pragma once

#include <string>

#include "sidecar/core/call.h"
#include "sidecar/core/deactivation.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class InitialReset {
 public:
  bool done() const { return done_; }
  bool asks(DeactivationId token) const { return token && token == question_; }
  bool under_way() const { return question_ != DeactivationId(); }
  // Why the app has not done so when it was asked last; empty: nothing is known.
  const std::string& detail() const { return detail_; }

  struct Next {
    bool to_be_logged = false;  // it failed, for the first time or once more after many
    Duration pause{0};          // before the app is asked again, where it is not done
  };

  void asked(DeactivationId token) { question_ = token; }
  Next answered(const Deactivated& said);
  // Of another instance of the app, or for a run that is not to come.
  void begin_anew();

 private:
  DeactivationId question_;
  bool done_ = false;
  unsigned failures_ = 0;
  std::string detail_;
};

}  // namespace ringside::core
