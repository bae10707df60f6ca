"""The ring by docs/ring.md, on the standard library alone: a third implementation, beside C++ and Go."""
import bisect
import ipaddress

DEFAULT_PORT = 1337
MASK = (1 << 64) - 1
P1, P2, P3, P4, P5 = (11400714785074694791, 14029467366897019727, 1609587929392839161, 9650029242287828579,
                      2870177450012600261)


def _rotate(value, bits):
    return ((value << bits) | (value >> (64 - bits))) & MASK


def _round(lane, word):
    return _rotate((lane + word * P2) & MASK, 31) * P1 & MASK


def xxh64(data: bytes) -> int:
    """XXH64 with seed 0."""
    at, size = 0, len(data)
    if size >= 32:
        lanes = [(P1 + P2) & MASK, P2, 0, -P1 & MASK]
        while at + 32 <= size:
            for i in range(4):
                lanes[i] = _round(lanes[i], int.from_bytes(data[at:at + 8], "little"))
                at += 8
        digest = sum(_rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & MASK
        for lane in lanes:
            digest = ((digest ^ _round(0, lane)) * P1 + P4) & MASK
    else:
        digest = P5
    digest = (digest + size) & MASK
    while at + 8 <= size:
        digest = (_rotate(digest ^ _round(0, int.from_bytes(data[at:at + 8], "little")), 27) * P1 + P4) & MASK
        at += 8
    if at + 4 <= size:
        digest = (_rotate(digest ^ (int.from_bytes(data[at:at + 4], "little") * P1 & MASK), 23) * P2 + P3) & MASK
        at += 4
    for byte in data[at:]:
        digest = _rotate(digest ^ (byte * P5 & MASK), 11) * P1 & MASK
    digest = (digest ^ (digest >> 33)) * P2 & MASK
    digest = (digest ^ (digest >> 29)) * P3 & MASK
    return digest ^ (digest >> 32)


def key(actor: int) -> int:
    return xxh64(actor.to_bytes(8, "little"))


def name_id(text: str) -> int:
    return xxh64(text.encode()) or 1


def canonical(host: str) -> str:
    """The one name of a host: default port stripped, IPv6 as in RFC 5952, DNS names in lower case."""
    address, port = host, ""
    if host.startswith("["):
        address, _, rest = host[1:].partition("]")
        port = rest[1:]
    elif host.count(":") == 1:
        address, port = host.split(":")
    try:
        ip = ipaddress.ip_address(address)
        mapped = getattr(ip, "ipv4_mapped", None)
        address = str(mapped or ip)
    except ValueError:
        address = address.lower().removesuffix(".")
    if not port or int(port) == DEFAULT_PORT:
        return address
    return f"[{address}]:{int(port)}" if ":" in address else f"{address}:{int(port)}"


def dialled(host: str) -> str:
    """What gRPC dials for a canonical name."""
    if host.startswith("[") or host.count(":") == 1:
        return host
    return f"[{host}]:{DEFAULT_PORT}" if ":" in host else f"{host}:{DEFAULT_PORT}"


class Ring:
    def __init__(self, hosts, points=512):
        self.hosts = sorted(hosts, key=str.encode)
        self.points_per_host = points
        self.points = sorted((xxh64(f"{host}#{i}".encode()), host.encode()) for host in self.hosts for i in range(points))
        self._hashes = [point for point, _ in self.points]

    def owner(self, actor: int) -> str:
        at = bisect.bisect_left(self._hashes, key(actor))
        return self.points[at % len(self.points)][1].decode()

    def fingerprint(self) -> int:
        return xxh64("\n".join([str(self.points_per_host), *self.hosts]).encode())
