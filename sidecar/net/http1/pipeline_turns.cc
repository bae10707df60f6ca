#include "sidecar/net/http1/pipeline_turns.h"

namespace ringside::net {

boost::asio::execution_context::id PipelineTurns::id;

}  // namespace ringside::net
