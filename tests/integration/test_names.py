"""Hosts that answer and whose names cannot be used, and two hosts of one name: no second cluster comes of it."""
import pytest

import cluster
import ports
from dns import A, DnsServer

LIST = "cluster.test"


@pytest.fixture
def server(world):
    return world.keep(DnsServer())


def pair(world, server, *names):
    """Two that know nobody yet, and then at once one another's addresses."""
    addresses = [f"127.0.0.{n + 1}" for n in range(len(names))]
    port = ports.reserve()
    hosts = [world.sidecar("--dns-server", server.address, "--join-timeout", "1s", app=world.app(), host=name,
                           peer=f"{address}:{port}", join=[f"dns:{LIST}:{port}"])
             for name, address in zip(names, addresses)]
    for host in hosts:
        host.line("event=discovery_failed")
    server.records[LIST, A] = addresses
    return hosts, addresses, port


def says(host, *words):
    def said():
        ready = host.admin_get("/readyz")
        return ready.status == 503 and all(word in ready.body.decode() for word in words)
    cluster.until(said, f"{host.name} is not ready and says {words}")


def test_hosts_whose_names_do_not_resolve_found_no_two_clusters(world, server):
    (a, b), (first, second), port = pair(world, server, "vm-a.test", "vm-b.test")
    says(a, f"{second}:{port} answers as vm-b.test:{port}, which cannot be resolved here: set --host")
    says(b, f"{first}:{port} answers as vm-a.test:{port}, which cannot be resolved here: set --host")
    for host in (a, b):
        host.line(r"event=host_unusable host=\S+ why=.*set --host")
        assert "which cannot be resolved here: set --host" in host.cli("members").stdout
        assert not any("event=ready" in line or "event=joined" in line for line in host.lines)
    server.records["vm-a.test", A] = [first]
    server.records["vm-b.test", A] = [second]
    cluster.settled([a.ready(), b.ready()])


def test_a_name_that_leads_to_another_host_is_said_and_recovers(world, server):
    server.records["vm-a.test", A] = server.records["vm-b.test", A] = ["127.0.0.1"]
    (a, b), (_, second), port = pair(world, server, "vm-a.test", "vm-b.test")
    says(a, f"{second}:{port} answers as vm-b.test:{port}, which is this host here: set --host")
    assert b.admin_get("/readyz").status == 503
    server.records["vm-b.test", A] = ["127.0.0.2"]
    cluster.settled([a.ready(), b.ready()])


def test_two_hosts_of_one_name_are_both_kept_from_serving(world, server):
    server.records["twin.test", A] = ["127.0.0.1"]
    (a, b), _, _ = pair(world, server, "twin.test", "twin.test")
    for host in (a, b):
        says(host, "this host's own name", "set another --host")
        host.line(r"event=host_not_of_this_cluster .*own name")
    b.kill()
    a.ready()


def test_one_of_that_name_that_served_alone_stops_when_it_meets_the_other(world, server):
    server.records["twin.test", A] = ["127.0.0.1"]
    port = ports.reserve()
    join = [f"127.0.0.1:{port},127.0.0.2:{port}"]
    hosts = [world.sidecar("--dns-server", server.address, app=world.app(), host="twin.test", join=join,
                           peer=f"127.0.0.{n}:{port}") for n in (1, 2)]
    for host in hosts:
        says(host, "this host's own name", "set another --host")


def test_a_host_with_an_unusable_name_holds_up_no_others(world, server):
    server.records["a.test", A], server.records["b.test", A] = ["127.0.0.1"], ["127.0.0.2"]
    (a, b), addresses, port = pair(world, server, "a.test", "b.test")
    cluster.settled([a.ready(), b.ready()])
    flags = ["--dns-server", server.address, "--join-timeout", "1s"]
    odd = world.sidecar(*flags, app=world.app(), host="odd.test", peer=f"127.0.0.9:{port}", join=[f"dns:{LIST}:{port}"])
    server.records[LIST, A] = [*addresses, "127.0.0.9"]
    says(odd, "it does not reach this host under the name odd.test", "is --host right?")
    server.records["c.test", A] = ["127.0.0.3"]
    c = world.sidecar(*flags, app=world.app(), host="c.test", peer=f"127.0.0.3:{port}", join=[f"dns:{LIST}:{port}"])
    cluster.settled([a, b, c.ready()])
    cluster.until(lambda: "odd.test" in a.admin_get("/readyz").body.decode(), "it is noted where it is met")
    server.records["odd.test", A] = ["127.0.0.9"]
    cluster.settled([a, b, c, odd.ready()])
