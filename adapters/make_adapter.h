// The adapter that the settings ask for.
#pragma once

#include <functional>
#include <memory>

#include "adapters/app_adapter.h"
#include "sidecar/config/settings.h"
#include "sidecar/wire/apply_json.h"

namespace ringside::adapters {

// settings.app is set. `json`, `sink` and `log` outlive the adapter.
std::unique_ptr<AppAdapter> make_adapter(net::Loop& loop, const config::Settings& settings,
                                         std::shared_ptr<net::Resolver> resolver, const wire::ApplyJson& json,
                                         core::AppSink& sink, runtime::Log& log, std::function<double()> random);

}  // namespace ringside::adapters
