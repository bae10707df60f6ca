#!/usr/bin/env python3
"""Writes ring.json: what every implementation of the ring must reproduce (docs/ring.md).

An implementation of its own, by the specification and the xxhash module's XXH64 alone; needs python3-xxhash."""
import json
import sys

import xxhash


def xxh64(data: bytes) -> int:
    return xxhash.xxh64(data, seed=0).intdigest()


def ring(hosts, points, weighed):
    return sorted((xxh64(f"{host}#{i}".encode()), host) for host in hosts for i in range(weighed.get(host, points)))


def owner(points, actor):
    key = xxh64(actor.to_bytes(8, "little"))
    for position, host in points:
        if position >= key:
            return host
    return points[0][1]


def fingerprint(hosts, points, weighed):
    lines = [host if weighed.get(host, points) == points else f"{host} {weighed[host]}" for host in sorted(hosts)]
    return xxh64("\n".join([str(points), *lines]).encode())


def case(hosts, points, ids, weighed=None):
    on_ring = ring(hosts, points, weighed or {})
    return {
        "hosts": hosts,
        "points": points,
        **({"weighed": weighed} if weighed else {}),
        "fingerprint": f"{fingerprint(hosts, points, weighed or {}):016x}",
        "first_points": [[f"{position:016x}", host] for position, host in on_ring[:5]],
        "owners": {str(actor): owner(on_ring, actor) for actor in ids},
    }


def main():
    ids = [1, 2, 3, 42, 1000, 123456789, 2**32, 2**53, 2**63, 2**64 - 1] + [7919 * i for i in range(1, 91)]
    clusters = [
        (["10.0.0.1"], 512),
        (["10.0.0.1", "10.0.0.2"], 512),
        (["10.0.0.1", "10.0.0.2", "10.0.0.3"], 512),
        (["127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003"], 512),
        (["2001:db8::1", "[2001:db8::1]:1400", "shop-0.shop.default.svc"], 512),
        (["a", "b", "c", "d", "e"], 1),
        ([f"10.1.0.{i}" for i in range(1, 21)], 128),
    ]
    vectors = {
        "hashes": {
            "keys": {str(actor): f"{xxh64(actor.to_bytes(8, 'little')):016x}" for actor in ids[:10]},
            "points": {text: f"{xxh64(text.encode()):016x}" for text in ["10.0.0.1#0", "10.0.0.1#511", "a#0"]},
            "names": {text: str(xxh64(text.encode()) or 1) for text in ["cart-17", "Grüße", ""]},
        },
        "rings": [case(hosts, points, ids) for hosts, points in clusters]
        + [case(["10.0.0.1", "10.0.0.2", "10.0.0.3"], 512, ids, {"10.0.0.1": 51, "10.0.0.3": 1024})],
    }
    json.dump(vectors, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
