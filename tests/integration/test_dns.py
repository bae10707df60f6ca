"""--join dns: against a DNS server of the test's own."""
import pytest

import cluster
import ports
from dns import A, AAAA, SRV, DnsServer

NAME, SERVICE = "cluster.test", "_ringside._tcp.cluster.test"


def start(world, server, source, address="127.0.0.1", **options):
    """A host that looks others up; hosts told apart by address share one port, as pods do."""
    return world.sidecar("--dns-server", server.address, "--join-timeout", "1s", app=world.app(), host=address,
                         peer=options.pop("peer", None) or ports.address(address), join=[source], **options)


def three_by_address(world, server):
    """Three hosts on 127.0.0.1-3 that share a port."""
    port = ports.reserve()
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
    first = world.host(host="[::1]", peer=ports.address("[::1]"))
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
    server.records[NAME, A] = ["127.0.0.1"]
    host.ready()


@pytest.mark.parametrize("source", [f"dns:{NAME}:1", f"dns:{SERVICE}"])
@pytest.mark.parametrize("records", [None, []], ids=["no such name", "empty"])
def test_a_source_that_names_nobody_is_no_permission_to_found_a_cluster(world, server, source, records):
    if records is not None:
        server.records[NAME, A] = server.records[SERVICE, SRV] = records
    host = start(world, server, source)
    host.line(r"event=discovery_failed source=dns:\S+ why=\"has no addresses")
    port = int(host.peer.rsplit(":", 1)[1])
    server.await_questions(8, cluster.PATIENCE)
    ready = host.admin_get("/readyz")
    wanted = f"{source.removesuffix(':1')} has no addresses"
    assert ready.status == 503 and wanted in ready.body.decode(), ready
    assert wanted in host.json("/v1/status")["not_ready_because"]
    assert wanted in host.cli("members").stdout
    assert host.metric("ringside_discovery_failures_total") > 0 and host.metric("ringside_discovered_hosts") == 0
    server.records[NAME, A] = ["127.0.0.1"]
    server.records[SERVICE, SRV] = [(port, NAME)]
    host.ready()
    assert host.metric("ringside_discovered_hosts") == 1


@pytest.mark.parametrize("flags, env", [(["--min-members", "1"], {}), ([], {"RINGSIDE_MIN_MEMBERS": "1"})])
def test_a_cluster_of_one_may_be_wanted_in_so_many_words(world, server, flags, env):
    host = world.sidecar("--dns-server", server.address, *flags, app=world.app(), join=[f"dns:{NAME}"], **env)
    host.ready()
    host.line(r"event=discovery_failed source=dns:\S+ why=\"has no addresses")


def test_a_list_of_names_without_addresses_is_no_permission_either(world, server):
    host = start(world, server, "nobody.test,neither.test:99")
    server.await_questions(8, cluster.PATIENCE)
    wanted = "neither.test:99, nobody.test cannot be resolved here"
    cluster.until(lambda: wanted in host.admin_get("/readyz").body.decode(), "it says so")
    assert host.admin_get("/readyz").status == 503
    server.records["nobody.test", A] = ["127.0.0.77"]  # nobody listens there
    host.ready()


@pytest.mark.parametrize("silent, record, address", [(AAAA, A, "127.0.0.1"), (A, AAAA, "::1")])
def test_a_family_that_is_never_answered_hides_nothing_of_the_other(world, server, silent, record, address):
    server.silent_about = {silent}
    server.records["first.test", record] = server.records[NAME, record] = [address]
    shown = f"[{address}]" if record == AAAA else address
    first = world.sidecar("--dns-server", server.address, app=world.app(), host="first.test", peer=ports.address(shown),
                          join=["first.test:9"]).ready()
    port = int(first.peer.rsplit(":", 1)[1])
    server.records[SERVICE, SRV] = [(port, "first.test")]
    hosts = [first] + [start(world, server, source).ready() for source in (f"dns:{NAME}:{port}", f"dns:{SERVICE}")]
    cluster.settled(hosts)
