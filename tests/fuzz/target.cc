#include "tests/fuzz/target.h"

#include <algorithm>

namespace ringside::fuzz {

std::span<const Target> targets() {
  static constexpr Target kAll[] = {{"app_frames", app_frames},
                                    {"batches", batches},
                                    {"batches_json", batches_json},
                                    {"certificates", certificates},
                                    {"config_file", config_file},
                                    {"dns", dns},
                                    {"endpoint_slices", endpoint_slices},
                                    {"grpc_framing", grpc_framing},
                                    {"headers", headers},
                                    {"http1_answers", http1_answers},
                                    {"http1_requests", http1_requests},
                                    {"http1_server", http1_server},
                                    {"http2_answers", http2_answers},
                                    {"http2_client", http2_client},
                                    {"http2_server", http2_server},
                                    {"identities", identities},
                                    {"json", json},
                                    {"names", names},
                                    {"paths", paths},
                                    {"peer_answers", peer_answers},
                                    {"peer_requests", peer_requests},
                                    {"units", units}};
  return kAll;
}

const Target* find_target(std::string_view name) {
  const auto all = targets();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Target& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace ringside::fuzz
