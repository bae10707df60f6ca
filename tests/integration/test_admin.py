"""Metrics, health, reflection: against the tools that people use, and against docs/metrics.md."""
import json
import re
import socket
import subprocess

import grpc
import pytest

import certificates
import cluster
import ports


def busy(world, *flags):
    one, two = world.cluster(2, *flags)
    for actor in range(1, 20):
        one.call(actor)
        one.ask("POST", f"/v1/actors/{actor}/apply", "{", {"content-type": "application/json"})
    return one, two


def test_metrics_are_clean_and_documented(world, tmp_path):
    root = certificates.Issuer()
    one, _ = busy(world, *certificates.Files(tmp_path, root.leaf(), root).flags())
    page = one.admin_get("/metrics").body.decode()
    lint = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=30)
    assert lint.returncode == 0 and not lint.stderr.strip(), lint
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.M))
    labels = {name: set() for name in kinds}
    for name, given in re.findall(r"^([a-z_]+)(?:\{(.*)\})? \S+$", page, re.M):
        family = name if name in kinds else re.sub(r"_(bucket|count|sum)$", "", name)
        labels[family] |= {label for label in re.findall(r'(\w+)="', given) if label != "le"}
    documented = {}
    for line in (cluster.ROOT / "docs/metrics.md").read_text().splitlines():
        row = re.match(r"\| `(\w+)` \| (\w+) \|(.*?)\|", line)
        if row:
            documented[row[1]] = (row[2], set(re.findall(r"`(\w+)`", row[3])))
    assert documented == {name: (kind, labels[name]) for name, kind in kinds.items()}
    assert not {"host", "actor", "peer", "id"} & set().union(*labels.values())
    assert one.metric('ringside_apply_duration_seconds_count{origin="local",outcome="applied"}') == 19


def test_refusals_of_the_listener_are_counted(world):
    one, _ = busy(world)
    assert one.metric('ringside_refusals_total{reason="malformed"}') == 19


def test_a_real_prometheus_scrapes_it(world, tmp_path):
    one, two = busy(world)
    targets = ", ".join(f'"{host.admin}"' for host in (one, two))
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nscrape_configs:\n"
        f"  - job_name: ringside\n    static_configs: [{{targets: [{targets}]}}]\n")
    address = ports.address()
    world.keep(cluster.Process(["prometheus", f"--config.file={tmp_path}/prometheus.yml",
                                f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address={address}"]))

    def query(text):
        try:
            answer = cluster.request(address, "GET", f"/api/v1/query?query={text}")
        except OSError:
            return []
        return json.loads(answer.body)["data"]["result"] if answer.status == 200 else []
    cluster.until(lambda: len(query("up==1")) == 2, "both are scraped")
    found = cluster.until(lambda: query("sum(ringside_actors)"), "a value")
    assert float(found[0]["value"][1]) == 19
    assert query('ringside_members%7Bphase="ready"%7D==2')


def test_pages_of_the_admin_listener(world):
    one, two = busy(world)
    status = json.loads(one.admin_get("/status").body)
    assert status["host"] == one.name and status["ready"] is True and status["settled"] is True
    page = one.admin_get("/").body.decode()
    assert one.name in page and two.name in page
    for method, path in (("POST", "/v1/drain"), ("POST", "/status"), ("DELETE", "/metrics")):
        assert cluster.request(one.admin, method, path).status in (404, 405)
    assert one.json("/v1/status")["phase"] == "ready"


def raw_call(address, method, data, stream=False):
    same = lambda bytes_: bytes_
    with grpc.insecure_channel(address) as channel:
        if stream:
            return next(iter(channel.stream_stream(method, same, same)(iter([data]), timeout=cluster.PATIENCE)))
        return channel.unary_unary(method, same, same)(data, timeout=cluster.PATIENCE)


def test_grpc_health_and_reflection(world):
    one, two = world.cluster(2)
    for address in (one.local, one.peer):
        for service in (b"", b"\x0a\x15messages.ControlPlane"):
            assert raw_call(address, "/grpc.health.v1.Health/Check", service) == b"\x08\x01", "serving"
        with pytest.raises(grpc.RpcError) as error:
            raw_call(address, "/grpc.health.v1.Health/Check", b"\x0a\x06nobody")
        assert error.value.code() == grpc.StatusCode.NOT_FOUND
        for version in ("v1", "v1alpha"):
            method = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
            listed = raw_call(address, method, b"\x3a\x01*", True)
            for service in (b"messages.ControlPlane", b"ringside.peer.v1.Membership", b"grpc.health.v1.Health"):
                assert service in listed
            assert (b"ringside.peer.v1.Peer" in listed) == (address == one.peer)
            described = raw_call(address, method, b"\x22\x15messages.ControlPlane", True)
            assert b"messages/control_plane.proto" in described and b"google/protobuf/any.proto" in described
            assert b"ServerReflectionInfo" in raw_call(address, method, b"\x22\x28grpc.reflection.v1alpha.ServerReflection", True)
    assert two.cli("drain").returncode == 0
    cluster.until(lambda: raw_call(two.local, "/grpc.health.v1.Health/Check", b"") == b"\x08\x02", "not serving")


def test_the_log_level_changes_while_it_runs(world):
    host = world.host()
    assert host.json("/v1/log-level")["level"] == "info"
    headers = {"content-type": "application/json"}
    assert host.ask("POST", "/v1/log-level", '{"level":"debug"}', headers).status == 200
    assert host.json("/v1/log-level")["level"] == "debug"
    assert host.ask("POST", "/v1/log-level", '{"level":"loud"}', headers).status == 400
