#include "sidecar/core/membership/ring.h"

#include <algorithm>
#include <bit>
#include <set>

namespace ringside::core {
namespace {

// Where all have the same weight, as it was before there were any.
Fingerprint fingerprint_of_ring(const std::vector<std::string>& hosts, const std::vector<std::uint32_t>& own,
                                std::uint32_t points_per_host) {
  std::string text = std::to_string(points_per_host);
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    text.append("\n").append(hosts[i]);
    if (own[i] != points_per_host) text.append(" ").append(std::to_string(own[i]));
  }
  return fingerprint_of(text);
}

}  // namespace

Ring::Ring(std::vector<std::string> hosts, std::vector<std::uint32_t> own, std::vector<Point> points,
           std::uint32_t points_per_host)
    : hosts_(std::move(hosts)),
      own_(std::move(own)),
      points_(std::move(points)),
      points_per_host_(points_per_host),
      fingerprint_(fingerprint_of_ring(hosts_, own_, points_per_host)) {
  build_index();
}

std::vector<Ring::Point> Ring::points_of(const std::string& host, std::uint32_t index, std::uint32_t count) {
  std::vector<Point> points;
  points.reserve(count);
  std::string text = host + "#";
  const std::size_t stem = text.size();
  for (std::uint32_t i = 0; i < count; ++i) {
    text.resize(stem);
    text += std::to_string(i);
    points.push_back({hash_bytes(text), index});
  }
  return points;
}

// Indices follow the order of names, so comparing them is comparing names.
void Ring::sort_points(std::vector<Point>& points) {
  std::sort(points.begin(), points.end(),
            [](const Point& a, const Point& b) { return a.hash != b.hash ? a.hash < b.hash : a.host < b.host; });
}

Ring::Ptr Ring::make(std::vector<std::string> hosts, std::uint32_t points_per_host) {
  std::sort(hosts.begin(), hosts.end());
  std::vector<Point> points;
  points.reserve(hosts.size() * points_per_host);
  for (std::uint32_t i = 0; i < hosts.size(); ++i) {
    const std::vector<Point> own = points_of(hosts[i], i, points_per_host);
    points.insert(points.end(), own.begin(), own.end());
  }
  sort_points(points);
  std::vector<std::uint32_t> own(hosts.size(), points_per_host);
  return Ptr(new Ring(std::move(hosts), std::move(own), std::move(points), points_per_host));
}

Ring::Ptr Ring::with(const std::string& host, std::uint32_t points) const {
  std::vector<std::string> hosts = hosts_;
  const auto at = hosts.insert(std::lower_bound(hosts.begin(), hosts.end(), host), host);
  const auto index = static_cast<std::uint32_t>(at - hosts.begin());
  std::vector<std::uint32_t> counts = own_;
  counts.insert(counts.begin() + index, points);
  std::vector<Point> own = points_of(host, index, points);
  sort_points(own);
  std::vector<Point> merged;
  merged.reserve(points_.size() + own.size());
  auto next = own.begin();
  for (Point point : points_) {
    if (point.host >= index) ++point.host;
    while (next != own.end() && (next->hash < point.hash || (next->hash == point.hash && next->host < point.host))) {
      merged.push_back(*next++);
    }
    merged.push_back(point);
  }
  merged.insert(merged.end(), next, own.end());
  return Ptr(new Ring(std::move(hosts), std::move(counts), std::move(merged), points_per_host_));
}

Ring::Ptr Ring::without(const std::string& host) const {
  std::vector<std::string> hosts = hosts_;
  const auto at = std::lower_bound(hosts.begin(), hosts.end(), host);
  const auto index = static_cast<std::uint32_t>(at - hosts.begin());
  hosts.erase(at);
  std::vector<std::uint32_t> counts = own_;
  counts.erase(counts.begin() + index);
  std::vector<Point> kept;
  kept.reserve(points_.size());
  for (Point point : points_) {
    if (point.host == index) continue;
    if (point.host > index) --point.host;
    kept.push_back(point);
  }
  return Ptr(new Ring(std::move(hosts), std::move(counts), std::move(kept), points_per_host_));
}

bool Ring::contains(std::string_view host) const { return std::binary_search(hosts_.begin(), hosts_.end(), host); }

// About one bucket a point: a lookup reads one bucket and, on average, one or two points behind it.
void Ring::build_index() {
  if (points_.empty()) return;
  const int bits = std::max(1, static_cast<int>(std::bit_width(points_.size())));
  shift_ = 64 - bits;
  const std::size_t buckets = std::size_t{1} << bits;
  bucket_.resize(buckets);
  std::uint32_t point = 0;
  for (std::size_t b = 0; b < buckets; ++b) {
    const Hash low(static_cast<std::uint64_t>(b) << shift_);
    while (point < points_.size() && points_[point].hash < low) ++point;
    bucket_[b] = point;
  }
}

std::size_t Ring::first_at_or_after(Hash key) const {
  std::size_t i = bucket_[key.value() >> shift_];
  while (i < points_.size() && points_[i].hash < key) ++i;
  return i == points_.size() ? 0 : i;
}

const std::string* Ring::owner_of_hash(Hash key) const {
  if (points_.empty()) return nullptr;
  return &hosts_[points_[first_at_or_after(key)].host];
}

void Ring::walk(ActorId id, const std::function<bool(const std::string& host)>& go_on) const {
  if (points_.empty()) return;
  const std::size_t start = first_at_or_after(hash_id(id));
  std::set<std::uint32_t> seen;
  for (std::size_t step = 0; step < points_.size() && seen.size() < hosts_.size(); ++step) {
    const std::uint32_t host = points_[(start + step) % points_.size()].host;
    if (seen.insert(host).second && !go_on(hosts_[host])) return;
  }
}

HashRanges Ring::ranges(std::string_view host) const {
  const auto place = std::lower_bound(hosts_.begin(), hosts_.end(), host);
  if (place == hosts_.end() || *place != host) return {};
  if (hosts_.size() == 1) return HashRanges::everything();
  const auto index = static_cast<std::uint32_t>(place - hosts_.begin());
  std::vector<HashRanges::Range> out;
  for (std::size_t i = 0; i < points_.size(); ++i) {
    if (points_[i].host != index) continue;
    const Hash upto = points_[i].hash;
    if (i == 0) {
      const Hash last = points_.back().hash;
      if (last != kGreatestHash) out.push_back({last.next(), kGreatestHash});
      out.push_back({0, upto});
    } else if (points_[i - 1].hash != upto) {
      out.push_back({points_[i - 1].hash.next(), upto});
    }
  }
  return HashRanges(std::move(out));
}

std::vector<double> Ring::shares() const {
  std::vector<double> out(hosts_.size(), 0.0);
  if (hosts_.size() == 1) out[0] = 1.0;
  if (hosts_.size() < 2) return out;
  Hash previous = points_.back().hash;
  for (const Point& point : points_) {
    out[point.host] += static_cast<double>(point.hash.value() - previous.value()) * 0x1p-64;
    previous = point.hash;
  }
  return out;
}

// One walk along the points of both: between two neighbours each ring has one owner.
double Ring::moved(const Ring& before, const Ring& after) {
  if (before.empty() || after.empty()) return before.empty() == after.empty() ? 0 : 1;
  const std::vector<Point>& old_points = before.points_;
  const std::vector<Point>& new_points = after.points_;
  double moved = 0;
  Hash previous = std::max(old_points.back().hash, new_points.back().hash);
  for (std::size_t i = 0, k = 0; i < old_points.size() || k < new_points.size();) {
    const Point& old_owner = old_points[i == old_points.size() ? 0 : i];
    const Point& new_owner = new_points[k == new_points.size() ? 0 : k];
    const Hash upto = k == new_points.size()   ? old_owner.hash
                      : i == old_points.size() ? new_owner.hash
                                               : std::min(old_owner.hash, new_owner.hash);
    if (before.hosts_[old_owner.host] != after.hosts_[new_owner.host]) {
      moved += static_cast<double>(upto.value() - previous.value()) * 0x1p-64;
    }
    previous = upto;
    while (i < old_points.size() && old_points[i].hash <= upto) ++i;
    while (k < new_points.size() && new_points[k].hash <= upto) ++k;
  }
  return moved;
}

}  // namespace ringside::core
