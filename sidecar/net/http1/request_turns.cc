#include "sidecar/net/http1/request_turns.h"

namespace ringside::net {

boost::asio::execution_context::id RequestTurns::id;

}  // namespace ringside::net
