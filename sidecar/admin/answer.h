// Answers of the admin listener.
#pragma once

#include <string>
#include <string_view>

#include "sidecar/net/http_message.h"

namespace ringside::admin {

inline constexpr const char* kText = "text/plain; charset=utf-8";

net::HttpResponse answer(int status, std::string type, std::string body);
// Without its query.
std::string_view path_of(const net::HttpRequest& request);

}  // namespace ringside::admin
