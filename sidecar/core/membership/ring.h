// The consistent-hash ring: a pure function of the member set (Karger et al. 1997; exact hashing in docs/ring.md).
//
// Immutable: a change of members makes a new ring, by one merge of sorted points. Safe to share between threads.
// Owner of an id: the host of the first point at or after hash_id(id), wrapping. Points of equal hash: the smaller
// name.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/core/hash.h"
#include "sidecar/core/hash_ranges.h"

namespace ringside::core {

class Ring {
 public:
  using Ptr = std::shared_ptr<const Ring>;

  // `hosts` in any order, without duplicates, each of weight 1.
  static Ptr make(std::vector<std::string> hosts, std::uint32_t points_per_host);
  // The host must not be on the ring. `points`: of its own, at least 1; the more, the larger its share.
  Ptr with(const std::string& host, std::uint32_t points) const;
  Ptr with(const std::string& host) const { return with(host, points_per_host_); }
  Ptr without(const std::string& host) const;  // host must be on the ring

  bool empty() const { return hosts_.empty(); }
  bool contains(std::string_view host) const;
  const std::vector<std::string>& hosts() const { return hosts_; }    // sorted bytewise
  std::uint32_t points_per_host() const { return points_per_host_; }  // of one with weight 1
  const std::vector<std::uint32_t>& points() const { return own_; }   // in the order of hosts()
  Fingerprint fingerprint() const { return fingerprint_; }

  // nullptr: the ring is empty. The pointer lives as long as this ring.
  const std::string* owner(ActorId id) const { return owner_of_hash(hash_id(id)); }
  const std::string* owner_of_hash(Hash key) const;
  // The owner first, then whoever owns the id without those before: as long as `go_on` says so.
  void walk(ActorId id, const std::function<bool(const std::string& host)>& go_on) const;

  // The key hashes that belong to `host`.
  HashRanges ranges(std::string_view host) const;
  // The part of all keys that each host owns, 0..1, in the order of hosts().
  std::vector<double> shares() const;
  // The part of all keys, 0..1, that has another owner on one ring than on the other. On an empty ring none has one.
  static double moved(const Ring& before, const Ring& after);

 private:
  struct Point {
    Hash hash;
    std::uint32_t host;  // into hosts_
  };

  Ring(std::vector<std::string> hosts, std::vector<std::uint32_t> own, std::vector<Point> points,
       std::uint32_t points_per_host);
  static std::vector<Point> points_of(const std::string& host, std::uint32_t index, std::uint32_t count);
  static void sort_points(std::vector<Point>& points);
  void build_index();
  std::size_t first_at_or_after(Hash key) const;  // index into points_, wrapped; ring not empty

  std::vector<std::string> hosts_;
  std::vector<std::uint32_t> own_;     // how many points each of them has
  std::vector<Point> points_;          // by hash, then by name
  std::vector<std::uint32_t> bucket_;  // first point whose hash has at least these top bits
  int shift_ = 63;
  std::uint32_t points_per_host_;
  Fingerprint fingerprint_ = 0;
};

}  // namespace ringside::core
