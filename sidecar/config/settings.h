// The settings of one sidecar: read from flags, environment and file, checked, and never changed afterwards.
// Every field has one row in schema.cc, which holds its name, default, type, what is allowed, and help.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sidecar/base/identity_pattern.h"
#include "sidecar/core/host_name.h"
#include "sidecar/core/level.h"
#include "sidecar/core/peer_security.h"

namespace ringside::config {

using Milliseconds = std::chrono::milliseconds;

// Where a listener binds. `address` is a canonical IP literal without brackets; port 0 = the kernel's choice.
struct TcpListen {
  std::string address;
  std::uint16_t port = 0;
  bool operator==(const TcpListen&) const = default;
};
struct UnixPath {
  std::string path;
  bool operator==(const UnixPath&) const = default;
};
using Listen = std::variant<TcpListen, UnixPath>;

std::string to_string(const TcpListen& listen);
std::string to_string(const Listen& listen);

// Where hosts are found (--join).
struct JoinStatic {
  std::vector<core::HostName> hosts;  // IP addresses and DNS names as given
};
struct JoinDns {  // A and AAAA records of `name`
  std::string name;
  std::uint16_t port = core::kDefaultPeerPort;
};
struct JoinSrv {  // SRV records; they carry the ports
  std::string name;
};
struct JoinKubernetes {  // the pods of a headless service
  std::string service;
  std::string name_space;  // empty: the pod's own
  std::uint16_t port = core::kDefaultPeerPort;
};
using JoinSource = std::variant<JoinStatic, JoinDns, JoinSrv, JoinKubernetes>;

std::string to_string(const JoinSource& source);

// The application (--app).
enum class AppProtocol : std::uint8_t { kHttp, kH2c, kGrpc };
struct AppTcp {
  std::string host;  // an IP literal without brackets, or a name
  std::uint16_t port = 0;
  bool operator==(const AppTcp&) const = default;
};
struct AppTarget {
  AppProtocol protocol = AppProtocol::kHttp;
  std::variant<AppTcp, UnixPath> at;
};

std::string to_string(const AppTarget& app);

enum class AppBody : std::uint8_t { kJson, kProtobuf };
enum class PeerApply : std::uint8_t { kRoute, kOwn };
enum class LegacyPeers : std::uint8_t { kAccept, kRefuse };
enum class LogFormat : std::uint8_t { kLogfmt, kJson };

struct Settings {
  // Who I am
  core::HostName host;         // as announced; see announced_host() for the port
  bool host_has_port = false;  // --host names a port itself
  std::string cluster;
  std::string zone;          // empty: none
  std::uint32_t points = 0;  // on the ring, for a host of weight 1
  std::uint32_t weight = 0;  // of this host, in thousandths

  // Listeners
  TcpListen peer;
  std::vector<Listen> local;  // at least one
  bool local_allow_non_loopback = false;
  std::vector<std::string> allow_hosts;  // lower case, without port: Host names that the local listener
                                         // answers to besides loopback
  TcpListen admin;

  // Membership
  std::vector<JoinSource> join;  // empty: a cluster of one
  Milliseconds ping_interval{};
  Milliseconds dead_after{};
  Milliseconds join_timeout{};
  std::uint32_t min_members = 0;
  std::uint32_t quorum = 0;  // 0 = off
  PeerApply peer_apply{};
  LegacyPeers legacy_peers{};

  // TLS between hosts
  core::PeerTlsMode peer_tls{};
  std::string tls_cert;  // files; all set where peer_tls is not off
  std::string tls_key;
  std::string tls_roots;
  std::vector<base::IdentityPattern> member_ids;  // none: whoever has the identity of our own certificate
  std::vector<base::IdentityPattern> caller_ids;
  Milliseconds tls_wait{};
  Milliseconds tls_clock_skew{};
  Milliseconds peer_connection_max_age{};

  // The application
  std::optional<AppTarget> app;  // none: routes only, owns nothing, is not on the ring
  bool app_allow_non_loopback = false;
  AppBody app_body{};
  std::vector<std::string> dns_servers;  // IP:PORT; none: the system's
  std::string descriptors;               // path of a FileDescriptorSet; empty: none
  Milliseconds app_health_interval{};
  Milliseconds app_down_after{};
  std::string app_health_path;
  std::string app_health_service;

  // Actors and turns
  Milliseconds actor_idle_timeout{};
  Milliseconds hold_timeout{};
  Milliseconds drain_timeout{};
  Milliseconds default_timeout{};
  Milliseconds max_timeout{};
  Milliseconds turn_timeout{};
  std::size_t max_message = 0;           // bytes of one batch
  std::size_t queue_per_actor = 0;       // batches
  std::size_t queue_bytes = 0;           // over all actors
  std::size_t max_actors_in_flight = 0;  // turns under way at once

  // Logging
  core::Level log_level{};
  LogFormat log_format{};
};

// The name to announce, once it is known which port the peer listener got.
core::HostName announced_host(const Settings& settings, std::uint16_t bound_peer_port);

}  // namespace ringside::config
