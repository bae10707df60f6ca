// Batches and results as JSON (apply_json.h), beside the loop where they are large: four megabytes of it can take a
// third of a second, in which nobody else would be served.
//
//   if (!json_.is_for_worker(body.size())) return take(json_.here().read_result(body));
//   json_.run(body.size(), [body](const ApplyJson& json) { return json.read_result(body); },
//             [this](base::Result<std::string, std::string> result) { take(std::move(result)); });
//
// Loop thread only, but for the work itself.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "sidecar/base/check.h"
#include "sidecar/base/result.h"
#include "sidecar/net/worker.h"
#include "sidecar/wire/apply_json.h"

namespace ringside::wire {

class JsonWork {
 public:
  // Bytes; what is smaller takes a few milliseconds at most.
  static constexpr std::size_t kLarge = std::size_t{64} << 10;

  explicit JsonWork(net::Loop& loop) : worker_(loop) {}

  // As ApplyJson's; before the first run().
  base::Result<void, std::string> add_descriptors(const std::string& set) {
    if (auto added = here_.add_descriptors(set); !added) return added;
    return there_.add_descriptors(set);
  }
  // For the loop itself.
  const ApplyJson& here() const { return here_; }
  // It is large. False also where too much waits already: then the loop itself has to do the work.
  bool is_for_worker(std::size_t bytes) const { return bytes > kLarge && worker_.has_room(bytes); }
  // It is for the worker. `work` runs on another thread, and owns all that it touches; `done` gets what it returns, on
  // the loop.
  template <typename Work, typename Done>
  void run(std::size_t bytes, Work work, Done done) {
    const auto result = std::make_shared<std::optional<std::invoke_result_t<Work&, const ApplyJson&>>>();
    worker_.run(
        bytes, [this, result, work = std::move(work)]() mutable { result->emplace(work(std::as_const(there_))); },
        [result, done = std::move(done)]() mutable {
          RINGSIDE_CHECK(result->has_value());
          done(std::move(**result));
        });
  }

 private:
  ApplyJson here_, there_;  // each remembers types for one thread
  net::Worker worker_;      // last: it ends first
};

}  // namespace ringside::wire
