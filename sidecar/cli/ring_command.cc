// ring: shares, and what a join or a leave would move. Computed here, from the names alone (docs/ring.md).
#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "sidecar/base/checked.h"
#include "sidecar/base/text.h"
#include "sidecar/cli/commands.h"
#include "sidecar/cli/output.h"
#include "sidecar/core/host_name.h"
#include "sidecar/core/membership/ring.h"
#include "sidecar/wire/json_text.h"

namespace ringside::cli {
namespace {

using core::Ring;
using nlohmann::json;

constexpr std::size_t kHostsWithMoves = 64;  // each takes a ring of its own
constexpr double kLittle = 1e-9;

std::map<std::string, double> shares_of(const Ring& ring) {
  std::map<std::string, double> out;
  const std::vector<double> shares = ring.shares();
  for (std::size_t i = 0; i < shares.size(); ++i) out[ring.hosts()[i]] = shares[i];
  return out;
}

// Who gains how much when `host` goes.
std::map<std::string, double> receivers(const Ring& ring, const std::string& host) {
  std::map<std::string, double> out;
  const auto before = shares_of(ring);
  for (const auto& [name, share] : shares_of(*ring.without(host))) {
    if (const double gained = share - base::at(before, name); gained > kLittle) out[name] = gained;
  }
  return out;
}

// From whom a new host takes how much.
std::map<std::string, double> givers(const Ring& ring, const std::string& host) {
  std::map<std::string, double> out;
  const auto after = shares_of(*ring.with(host));
  for (const auto& [name, share] : shares_of(ring)) {
    if (const double given = share - base::at(after, name); given > kLittle) out[name] = given;
  }
  return out;
}

std::string listed(const std::map<std::string, double>& parts) {
  std::string text;
  for (const auto& [host, share] : parts) text += (text.empty() ? "" : ", ") + host + " " + percent(share);
  return text;
}

// The largest of them, so that a row of a table stays one line.
std::string largest(const std::map<std::string, double>& parts) {
  constexpr std::size_t kShown = 3;
  if (parts.size() <= kShown + 1) return listed(parts);
  std::vector<std::pair<std::string, double>> all(parts.begin(), parts.end());
  std::ranges::stable_sort(all, std::ranges::greater{}, &std::pair<std::string, double>::second);
  std::string text;
  for (std::size_t i = 0; i < kShown; ++i) text += all[i].first + " " + percent(all[i].second) + ", ";
  return text + "and " + std::to_string(all.size() - kShown) + " more";
}

double sum(const std::map<std::string, double>& parts) {
  double total = 0;
  for (const auto& [host, share] : parts) total += share;
  return total;
}

int wrong(const Session& session, const std::string& text) {
  session.terminal.err << "ringside: " << text << "\n";
  return kUsage;
}

// 0: more than can be.
std::uint32_t points_of(const json& row) {
  const double points = number_of(row, "points");
  return points >= 1 && points <= 1'000'000 ? static_cast<std::uint32_t>(points) : 0;
}

// The sidecar's ring, made again from its hosts; null where the two disagree.
Ring::Ptr ring_of(const json& body) {
  std::vector<std::string> hosts;
  std::map<std::string, std::uint32_t> weighted;
  const auto rows = body.find("hosts");
  if (rows == body.end() || !rows->is_array()) return nullptr;
  const std::uint32_t points = points_of(body);
  if (points == 0) return nullptr;
  for (const json& row : *rows) {
    const std::uint32_t own = row.contains("points") ? points_of(row) : points;
    if (own == 0) return nullptr;
    if (own != points) {
      weighted[text_of(row, "host")] = own;
    } else {
      hosts.push_back(text_of(row, "host"));
    }
  }
  Ring::Ptr ring = Ring::make(std::move(hosts), points);
  for (const auto& [host, own] : weighted) {
    if (ring->contains(host)) return nullptr;
    ring = ring->with(host, own);
  }
  const std::string theirs = text_of(body, "ring");
  return ring->fingerprint().value() == std::strtoull(theirs.c_str(), nullptr, 16) ? ring : nullptr;
}

int one_join(const Session& session, const Ring& ring, const std::string& host) {
  if (ring.contains(host)) return wrong(session, "--join: " + host + " is on the ring already");
  const auto parts = givers(ring, host);
  const double share = ring.empty() ? 1 : sum(parts);
  if (session.json) {
    session.terminal.out << wire::dump(json{{"join", host}, {"moves", share}, {"from", parts}}) << "\n";
  } else {
    session.terminal.out << "if " << host << " joined, " << percent(share) << " of all ids would move to it"
                         << (parts.empty() ? "" : ", from " + listed(parts)) << "\n";
  }
  return kApplied;
}

int one_leave(const Session& session, const Ring& ring, const std::string& host) {
  if (!ring.contains(host)) return wrong(session, "--leave: " + host + " is not on the ring");
  const auto parts = receivers(ring, host);
  const auto shares = shares_of(ring);
  const double share = base::at(shares, host);
  if (session.json) {
    session.terminal.out << wire::dump(json{{"leave", host}, {"moves", share}, {"to", parts}}) << "\n";
  } else {
    session.terminal.out << "if " << host << " left, " << percent(share) << " of all ids would move: "
                         << (parts.empty() ? "nobody is left to take them" : "to " + listed(parts)) << "\n";
  }
  return kApplied;
}

}  // namespace

int ring(const Session& session, const std::string& join, const std::string& leave) {
  const std::string& named = join.empty() ? leave : join;
  const auto asked = core::canonical_host(named);
  if (!asked && !named.empty()) {
    return wrong(session,
                 (join.empty() ? "--leave: \"" : "--join: \"") + base::readable(named) + "\" is not a host name");
  }
  auto body = view(session.client.get("/v1/ring?positions=false"), session.client, session.json, session.terminal);
  if (!body) return body.error();
  const Ring::Ptr now = ring_of(*body);
  if (!now) {
    session.terminal.err << "ringside: the sidecar computes another ring than this program: their versions differ\n";
    return kUnknown;
  }
  if (!join.empty()) return one_join(session, *now, *asked);
  if (!leave.empty()) return one_leave(session, *now, *asked);

  const bool moves = now->hosts().size() <= kHostsWithMoves;
  const double one = now->points_per_host();
  const double next = one / std::accumulate(now->points().begin(), now->points().end(), one);
  Table table({"HOST", "POINTS", "SHARE", moves ? "IF IT LEFT, ITS SHARE WOULD GO TO" : ""});
  const auto shares = shares_of(*now);
  for (json& row : (*body)["hosts"]) {
    const std::string host = text_of(row, "host");
    const auto parts = moves ? receivers(*now, host) : std::map<std::string, double>();
    if (moves) row["leave"] = {{"moves", base::at(shares, host)}, {"to", parts}};
    table.add({host, std::to_string(number_of(row, "points") == 0 ? now->points_per_host() : points_of(row)),
               percent(base::at(shares, host)), moves && parts.empty() ? "nobody" : largest(parts)});
  }
  if (session.json) {
    (*body)["join"] = {{"moves", next}};
    session.terminal.out << wire::dump(*body) << "\n";
    return kApplied;
  }
  table.print(session.terminal.out);
  session.terminal.out << "ring " << text_of(*body, "ring") << " as " << text_of(*body, "view_of") << " sees it, "
                       << now->points_per_host() << " points for a weight of 1; one more such host would take about "
                       << percent(next)
                       << " of all ids (--join NAME: exactly, --leave NAME: to whom all of its share would go)\n";
  return kApplied;
}

}  // namespace ringside::cli
