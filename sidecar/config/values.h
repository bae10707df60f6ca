// Readers of single settings that are more than a number: addresses, sources, URLs. The error says what is wrong in
// half a sentence ("has no port").
#pragma once

#include <string>
#include <string_view>

#include "sidecar/base/result.h"
#include "sidecar/config/settings.h"

namespace ringside::config {

struct AnnouncedHost {
  core::HostName name;
  bool has_port = false;
};

template <class T>
using Read = base::Result<T, std::string>;

Read<TcpListen> read_tcp_listen(std::string_view text);  // IP:PORT, [IPv6]:PORT; port 0 allowed
Read<Listen> read_listen(std::string_view text);         // the same, or unix:PATH
Read<JoinSource> read_join(std::string_view text);
Read<AppTarget> read_app(std::string_view text);
Read<AnnouncedHost> read_announced_host(std::string_view text);
Read<std::string> read_allowed_host(std::string_view text);  // without a port
Read<std::string> read_dns_server(std::string_view text);    // IP or IP:PORT; IP:PORT comes back

bool is_loopback(const Listen& listen);
bool is_beside_us(const AppTarget& app);  // an address, a socket or localhost: a name might lead anywhere

}  // namespace ringside::config
