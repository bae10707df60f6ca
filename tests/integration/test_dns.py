"""--join dns: against a DNS server of the test's own."""
import pytest

import cluster
from dns import A, AAAA, SRV, DnsServer

NAME, SERVICE = "cluster.test", "_ringside._tcp.cluster.test"


def start(world, server, source, address="127.0.0.1", **options):
    """A host that looks others up; hosts told apart by address share one port, as pods do."""
    return world.sidecar("--dns-server", server.address, "--join-timeout", "1s", app=world.app(), host=address,
                         peer=options.pop("peer", f"{address}:0"), join=[source], **options)


def three_by_address(world, server):
    """Three hosts on 127.0.0.1-3 that share a port."""
    first = start(world, server, f"dns:{NAME}:1")  # nobody there yet
    port = first.peer.rsplit(":", 1)[1]
    first.kill()
    server.records[NAME, A] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    hosts = [start(world, server, f"dns:{NAME}:{port}", address, peer=f"{address}:{port}")
             for address in server.records[NAME, A]]
    for host in hosts:
        host.ready()
    cluster.settled(hosts)
    return hosts


@pytest.fixture
def server(world):
    return world.keep(DnsServer())


def test_hosts_find_one_another_by_address_records(world, server):
    hosts = three_by_address(world, server)
    assert {host.call(7).headers["ringside-owner"] for host in hosts} <= {host.name for host in hosts}


def test_hosts_find_one_another_by_ipv6_records(world, server):
    server.records[NAME, AAAA] = ["::1"]
    first = world.host(host="[::1]", peer="[::1]:0")
    port = first.peer.rsplit(":", 1)[1]
    second = start(world, server, f"dns:{NAME}:{port}").ready()
    cluster.settled([first, second])


def test_hosts_find_one_another_by_service_records(world, server):
    server.records["a.test", A] = ["127.0.0.1"]
    first = world.host()
    server.records[SERVICE, SRV] = [(int(first.peer.rsplit(":", 1)[1]), "a.test")]
    second = start(world, server, f"dns:{SERVICE}").ready()
    cluster.settled([first, second])
    server.records[SERVICE, SRV].append((int(second.peer.rsplit(":", 1)[1]), "a.test"))
    third = start(world, server, f"dns:{SERVICE}").ready()
    cluster.settled([first, second, third])


@pytest.mark.parametrize("mode", ["silence", "garbage", "failure", "nothing", "lies"])
def test_a_resolver_that_fails_or_lies_changes_nothing(world, server, mode):
    hosts = three_by_address(world, server)
    owners = {actor: hosts[0].call(actor).headers["ringside-owner"] for actor in range(1, 31)}
    generations = [host.json("/v1/status")["generation"] for host in hosts]
    if mode == "lies":
        server.records[NAME, A] = ["127.0.0.99", "192.0.2.1"]
    else:
        server.mode = mode
    server.await_questions(7, cluster.PATIENCE)  # more than one reading of each host
    names = sorted(host.name for host in hosts)
    for host in hosts:
        assert host.on_ring() == names and host.json("/v1/members")["settled"]
        assert {actor: host.call(actor).headers["ringside-owner"] for actor in owners} == owners
        host.well()
    assert [host.json("/v1/status")["generation"] for host in hosts] == generations
    server.mode, server.records[NAME, A] = "answer", ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    late = start(world, server, f"dns:{NAME}:{hosts[0].peer.rsplit(':', 1)[1]}", "127.0.0.4",
                 peer=f"127.0.0.4:{hosts[0].peer.rsplit(':', 1)[1]}").ready()
    cluster.settled([*hosts, late])


def test_a_host_that_cannot_look_anybody_up_does_not_found_a_cluster(world, server):
    server.mode = "failure"
    host = start(world, server, f"dns:{NAME}:1337")
    host.line(r"event=discovery_failed|discovery.*failed|failed.*dns:")
    assert host.admin_get("/readyz").status == 503
    server.mode = "answer"
    server.records[NAME, A] = []
    host.ready()
