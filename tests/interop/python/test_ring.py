"""The Python ring reproduces the vectors."""
import json
import pathlib

import legacy_ring as ring
import pytest

VECTORS = json.loads((pathlib.Path(__file__).parents[2] / "vectors" / "ring.json").read_text())


def test_hashes():
    hashes = VECTORS["hashes"]
    assert {actor: f"{ring.key(int(actor)):016x}" for actor in hashes["keys"]} == hashes["keys"]
    assert {text: f"{ring.xxh64(text.encode()):016x}" for text in hashes["points"]} == hashes["points"]
    assert {text: str(ring.name_id(text)) for text in hashes["names"]} == hashes["names"]


# A legacy host knows of no weights.
@pytest.mark.parametrize("case", [case for case in VECTORS["rings"] if "weighed" not in case], ids=lambda case: f"{len(case['hosts'])}x{case['points']}")
def test_ring(case):
    built = ring.Ring(case["hosts"], case["points"])
    assert f"{built.fingerprint():016x}" == case["fingerprint"]
    assert [[f"{point:016x}", host.decode()] for point, host in built.points[:5]] == case["first_points"]
    assert {actor: built.owner(int(actor)) for actor in case["owners"]} == case["owners"]


@pytest.mark.parametrize("given,name", [
    ("10.0.0.1:1337", "10.0.0.1"), ("10.0.0.1:1400", "10.0.0.1:1400"), ("[2001:DB8::0:1]:1337", "2001:db8::1"),
    ("[2001:db8:0::1]:99", "[2001:db8::1]:99"), ("::ffff:10.0.0.1", "10.0.0.1"), ("Shop-0.Default.SVC.", "shop-0.default.svc"),
])
def test_names(given, name):
    assert ring.canonical(given) == name
