#include "sidecar/net/loop_scratch.h"

namespace ringside::net {

boost::asio::execution_context::id LoopScratch::id;

}  // namespace ringside::net
