"""A real Prometheus finds the pods through the API and scrapes them; every expression that we ship is asked of it."""
import json
import os
import urllib.parse

import pytest
import yaml

from shop import HERE, ROOT, cluster, under_load
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
    shop.bed.spawn("prometheus", os.environ["KUBERNETES_PROMETHEUS"], f"--config.file={home}/prometheus.yaml", f"--storage.tsdb.path={home}/data",
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


def test_rules(tmp_path):
    run("promtool", "check", "rules", SHIPPED / "alerts.yaml")
    (tmp_path / "test.yaml").write_text((HERE / "alerts_test.yaml").read_text().replace("ALERTS", str(SHIPPED / "alerts.yaml")))
    run("promtool", "test", "rules", tmp_path / "test.yaml")


def test_every_expression_has_data_under_load(shop, recorder, prometheus):
    ready_again(shop)
    with under_load(shop, recorder):
        pods = {pod["metadata"]["name"] for pod in shop.living() + shop.pods("app.kubernetes.io/name=gateway")}
        until(lambda: {one["metric"]["pod"] for one in prometheus('up{job="ringside",namespace="shop"} == 1')} == pods,
              "each pod is scraped")
        until(lambda: prometheus('sum(rate(ringside_apply_duration_seconds_count{namespace="shop"}[1m])) > 0'), "calls are counted")
        for panel in json.loads((SHIPPED / "ringside.json").read_text())["panels"]:
            for target in panel["targets"]:
                query = target["expr"].replace("$cluster", "carts")
                until(lambda query=query: prometheus(query), f"data for {panel['title']}: {query}", patience=30, pause=0.5)
        for rule in yaml.safe_load((SHIPPED / "alerts.yaml").read_text())["groups"][0]["rules"]:
            prometheus(rule["expr"])
    firing = {one["metric"]["alertname"] for one in prometheus('ALERTS{alertstate="firing"}')}
    assert not firing & {"RingsideViewsDiffer", "RingsideUnknownOutcomes", "RingsideRefuses"}, firing
