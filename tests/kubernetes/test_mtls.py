"""The component mtls: TLS between pods, with certificates from a Secret that is renewed under load."""
import base64
import json
import threading

import certificates
from shop import at, cluster
from test_base import addresses, call, hosts, overlay
from testbed import until

ID = "spiffe://example.org/ns/shop/sa/carts"


def secret(issuer, *roots):
    leaf = issuer.leaf(uris=[ID])
    data = {"tls.crt": leaf.pem, "tls.key": leaf.key_pem, "ca.crt": b"".join(one.pem for one in roots)}
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "carts-peer-tls"},
                       "data": {name: base64.b64encode(value).decode() for name, value in data.items()}})


def metric(pod, start):
    page = cluster.request(at(pod["status"]["podIP"], 9137), "GET", "/metrics").body.decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(start))


def renew(place, text, reloads):
    """A new Secret, and the wait until every pod uses it."""
    place.apply_text(text)
    # The kubelet looks at a pod's volumes when the pod changes, and otherwise once a minute.
    place.kubectl("annotate", "pods", "--all", "--overwrite", f"renewed={reloads}")
    for pod in place.pods():
        until(lambda pod=pod: metric(pod, 'ringside_tls_reloads_total{result="ok"}') >= reloads, "it uses the new files", 120)


def test_pods_speak_tls_only_and_renew_their_certificates_under_load(place, tmp_path):
    old, new = certificates.Issuer("old"), certificates.Issuer("new")
    place.apply_text(secret(old, old))
    place.apply(overlay(tmp_path, "mtls"))
    place.rolled_out()
    pods = place.pods()
    names = [pod["metadata"]["name"] for pod in pods]
    for name in names:
        assert hosts(place, name) == addresses(place)
    assert [call(place, name, "7") for name in names] == [1, 2, 3]
    status = place.cli(names[0], "status").stdout
    assert "peer tls require, as " + ID in status, status
    done, failures = threading.Event(), []

    def load(name):
        while not done.is_set():
            answer = place.cli(name, "call", "name:load", "add", "{}")
            if answer.returncode != 0:
                failures.append(answer.stdout + answer.stderr)
    callers = [threading.Thread(target=load, args=(name,)) for name in names]
    for caller in callers:
        caller.start()
    try:
        renew(place, secret(old, old, new), 1)
        renew(place, secret(new, old, new), 2)
        renew(place, secret(new, new), 3)
    finally:
        done.set()
        for caller in callers:
            caller.join()
    assert failures == []
    for pod in place.pods():
        assert metric(pod, 'ringside_peer_connections{direction="in",tls="false"}') == 0
        # Those that were authenticated by the root that has gone are left, and made anew with the next ping.
        until(lambda pod=pod: metric(pod, 'ringside_peer_connections{direction="in",tls="true"}') >= 2, "both others speak to it")
    assert {pod["metadata"]["name"] for pod in place.pods()} == set(names), "nothing was restarted"
