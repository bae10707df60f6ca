"""The program behind ./run scale works: a few hosts, each scenario once. Its figures are not judged here."""
import json
import subprocess
import sys

import cluster

SCENARIOS = ("idle", "kill", "rollout")


def test_a_few_hosts_go_through_the_scenarios():
    ran = subprocess.run([sys.executable, cluster.ROOT / "bench/scale.py", *SCENARIOS, "--hosts", "4", "--json"],
                         capture_output=True, text=True, timeout=6 * cluster.PATIENCE,
                         env=cluster.environment(BUILD_UNDER_TEST=str(cluster.BUILD)))
    assert ran.returncode == 0, ran.stderr
    figures = json.loads(ran.stdout)
    assert figures["hosts"] == 4 and figures["settled_s"] > 0
    assert figures["taken_for_dead"] == 0
    assert figures["idle_cpu_percent_per_host"] < 100 and figures["resident_mb"] > 1
    assert 0 < figures["noticed_by_all_s"] < 60
    assert figures["calls"] > 0 and figures["failed"] == 0, figures["failures"]
