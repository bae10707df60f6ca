#include "sidecar/net/request_queue.h"

namespace ringside::net {

boost::asio::execution_context::id RequestQueue::id;

}  // namespace ringside::net
