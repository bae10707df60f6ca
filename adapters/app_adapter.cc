#include "adapters/app_adapter.h"

namespace ringside::adapters {

AppAdapter::AppAdapter(net::Loop& loop, const net::Endpoint& app, core::AppSink& sink, log::Log& log)
    : app_sink_(sink), app_log_(log), app_(app.to_string()), lock_(loop, app) {}

void AppAdapter::start() {
  lock_.take([this] { begin(); },
             [this](const std::string& holder) {
               const std::string why = holder + " serves the application at " + app_ +
                                       ", and an application has one sidecar: this one waits for its end";
               app_log_.error("app_has_a_sidecar", {{"why", why}});
               app_sink_.app_down(why);
             });
}

}  // namespace ringside::adapters
