// The language of transcripts: a file that tells a situation, with what the hosts did in it.
//
//   # prose
//   > COMMAND ...       one step; the lines below it are what followed: milliseconds since the command, and what
//   happened
//
// Commands (HOST is a name, ID a word that `ids` defined, TIME a number with ms or s):
//   cast HOST...              whom discovery names; first of all
//   quorum N                  hosts that start later want so many
//   ids OWNER ID...           ids that a ring of the whole cast gives to that host
//   start HOST..., legacy HOST...      processes; a legacy host speaks the given protocol only
//   crash HOST, stop HOST, continue HOST, drain HOST, uncordon HOST, close HOST
//   cut HOST HOST...          the first one from each of the others, both ways; `heal` ends all cuts
//   lose KIND FROM TO         the next message of that kind (ping, join, apply, answer ...) gets lost
//   app HOST slow|quick|answers|down|up
//   call HOST ID [key KEY] [within TIME]
//   where HOST ID
//   pass TIME                 time goes by
//   pings shown|hidden        whether pings and exchanges of names are written down
//   quietly COMMAND...        without writing anything down
// After every command but `pass`, time goes on until nothing is on its way.
#pragma once

#include <string>

namespace ringside::transcripts {

// The whole text again, with what follows each command as it is now. Throws std::runtime_error, which names the line,
// where the text is not a script.
std::string perform(const std::string& text);

}  // namespace ringside::transcripts
