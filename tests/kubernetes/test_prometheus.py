"""A real Prometheus finds the pods through the API and scrapes them; every expression that we ship is asked of it."""
import json
import re
import time
import urllib.parse

import pytest
import yaml

import shop as shops
from shop import HERE, ROOT, at, cluster, under_load
from test_rolling import ready_again
from testbed import API, run, until

SHIPPED = ROOT / "deploy/k8s/components/dashboard-and-alerts"


@pytest.fixture(scope="module")
def prometheus(shop):
    home = shop.bed.dir / "prometheus"
    home.mkdir()
    (home / "token").write_text(shop.bed.token)
    text = (HERE / "prometheus.yaml").read_text()
    for name, value in {"RULES": SHIPPED / "alerts.yaml", "API": f"https://{API}", "TOKEN": home / "token",
                        "CA": shop.bed.dir / "pki/ca.crt"}.items():
        text = text.replace(name, str(value))
    (home / "prometheus.yaml").write_text(text)
    # Debian's own is built without kubernetes_sd_configs.
    shop.bed.spawn("prometheus", shop.bed.parts.with_name("prometheus"), f"--config.file={home}/prometheus.yaml", f"--storage.tsdb.path={home}/data",
                   "--web.listen-address=127.0.0.1:9090")

    def ask(query):
        answer = cluster.request("127.0.0.1:9090", "GET", "/api/v1/query?" + urllib.parse.urlencode({"query": query}))
        body = json.loads(answer.body)
        assert body["status"] == "success", (query, body)
        return body["data"]["result"]

    def ready():
        try:
            return cluster.request("127.0.0.1:9090", "GET", "/-/ready").status == 200
        except OSError:
            return False
    until(ready, lambda: shop.bed.log_end("prometheus"))
    yield ask
    shop.bed.end("prometheus")


def total(shop, metric, of=sum):
    pages = [cluster.request(at(pod["status"]["podIP"], 9137), "GET", "/metrics").body.decode()
             for pod in shop.living() + shop.pods("app.kubernetes.io/name=gateway")]
    return of(float(re.search(rf"^{metric} (\S+)$", page, re.M).group(1)) for page in pages)


def measure(shop, load):
    """What docs/kubernetes.md says under Sizing. Most of these calls pass two sidecars, each on a new connection."""
    cpu, calls, begun = total(shop, "process_cpu_seconds_total"), len(load.answers), time.monotonic()
    load.more(2000)
    cpu, calls, lasted = total(shop, "process_cpu_seconds_total") - cpu, len(load.answers) - calls, time.monotonic() - begun
    shops.measured.append(("sidecars", f"{total(shop, 'process_resident_memory_bytes', max) / 2**20:.0f} MiB at most, "
                                       f"{1e6 * cpu / calls:.0f} us of CPU for a call, at {calls / lasted:.0f} calls/s"))


def test_rules(tmp_path):
    run("promtool", "check", "rules", SHIPPED / "alerts.yaml")
    (tmp_path / "test.yaml").write_text((HERE / "alerts_test.yaml").read_text().replace("ALERTS", str(SHIPPED / "alerts.yaml")))
    run("promtool", "test", "rules", tmp_path / "test.yaml")


def test_every_expression_has_data_under_load(shop, recorder, prometheus):
    ready_again(shop)
    with under_load(shop, recorder) as load:
        pods = {pod["metadata"]["name"] for pod in shop.living() + shop.pods("app.kubernetes.io/name=gateway")}
        until(lambda: {one["metric"]["pod"] for one in prometheus('up{job="ringside",namespace="shop"} == 1')} == pods,
              "each pod is scraped")
        until(lambda: prometheus('sum(rate(ringside_apply_duration_seconds_count{namespace="shop"}[1m])) > 0'), "calls are counted")
        for panel in json.loads((SHIPPED / "ringside.json").read_text())["panels"]:
            for target in panel["targets"]:
                query = target["expr"].replace("$cluster", "carts")
                until(lambda query=query: prometheus(query), f"data for {panel['title']}: {query}", pause=0.5)
        for rule in yaml.safe_load((SHIPPED / "alerts.yaml").read_text())["groups"][0]["rules"]:
            prometheus(rule["expr"])
        measure(shop, load)
    firing = {one["metric"]["alertname"] for one in prometheus('ALERTS{alertstate="firing"}')}
    assert not firing & {"RingsideViewsDiffer", "RingsideUnknownOutcomes", "RingsideRefuses"}, firing
