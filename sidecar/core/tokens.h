// What names something under way at the border of the core, so that its end finds its beginning: 0 is none, and of one
// kind no number is used twice. Two sides issue them, each from a counter of its own that begins with 1. A turn and a
// call may so have the same number, which is why each kind is a type.
#pragma once

#include "sidecar/base/number.h"

namespace ringside::core {

// Issued by whoever runs the node (runtime/engine.h), and given to it with the event.
using CallId = base::Number<struct CallTag>;        // a call that has come to this host: FinishCall names it
using ReplyId = base::Number<struct ReplyTag>;      // what another host has asked: AnswerPeer names it
using WatcherId = base::Number<struct WatcherTag>;  // who is told of changes (Gateway::when_drained, when_view_changes)
using ExplainId =
    base::Number<struct ExplainTag>;  // an explanation that somebody has asked for: TellExplanation names it

// Issued by the node (Context::next), and given back to it with the event that ends it.
using TurnId = base::Number<struct TurnTag>;                  // StartTurn, until Node::turn_ended
using ForwardId = base::Number<struct ForwardTag>;            // ForwardCall, until Node::forward_answered
using QuestionId = base::Number<struct QuestionTag>;          // AskPeer, until Node::peer_answered
using DeactivationId = base::Number<struct DeactivationTag>;  // DeactivateActor, DeactivateAll, until Node::deactivated

// Counted by the directory. Nothing ends with them: of two, the greater one is the later.
using InventoryNumber = base::Number<struct InventoryTag>;  // which of a host's inventories is meant; 0: none
using GainNumber = base::Number<struct GainTag>;            // how often a host has gained ranges since it was started

}  // namespace ringside::core
