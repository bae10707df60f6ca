"""A real Kubernetes of one node, for tests: etcd, API server, controller manager, scheduler, containerd and kubelet in a
network namespace of their own, so that no address of the machine is touched. Needs root. Whatever it starts ends with it."""
import contextlib
import ctypes
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time

API, API6 = "10.96.0.1", "fd00:10:96::1"
GATEWAY, GATEWAY6 = "10.244.0.1", "fd00:10:244::1"  # this process, as the pods see it
NODE = "node"
LIBC = ctypes.CDLL(None, use_errno=True)
PATIENCE = 180

CONTAINERD = """version = 2
root = "{dir}/containerd"
state = "{dir}/containerd-state"
[grpc]
  address = "{dir}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "ringside.dev/pause:1"
  restrict_oom_score_adj = true
  max_container_log_line_size = 65536
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{dir}/cni"
"""
CNI = {"cniVersion": "0.4.0", "name": "pods", "plugins": [
    {"type": "bridge", "bridge": "pods0", "isGateway": True, "isDefaultGateway": True, "hairpinMode": True,
     "ipam": {"type": "host-local", "dataDir": "{dir}/ipam", "ranges": [
         [{"subnet": "10.244.0.0/22", "gateway": GATEWAY}], [{"subnet": "fd00:10:244::/64", "gateway": GATEWAY6}]]}},
    {"type": "loopback"}]}
KUBELET = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
    "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
    "authorization": {"mode": "AlwaysAllow"}, "failCgroupV1": False, "cgroupDriver": "cgroupfs", "cgroupsPerQOS": False,
    "enforceNodeAllocatable": [], "makeIPTablesUtilChains": False, "localStorageCapacityIsolation": False,
    "failSwapOn": False, "containerRuntimeEndpoint": "unix://{dir}/containerd.sock", "clusterDomain": "cluster.local",
    "clusterDNS": ["10.96.0.10"], "podLogsDir": "{dir}/pod-logs", "maxPods": 100, "healthzPort": 0, "cgroupRoot": "/{name}",
    "nodeStatusUpdateFrequency": "5s", "evictionHard": {"memory.available": "50Mi"},
    "imageMinimumGCAge": "24h", "imageGCHighThresholdPercent": 100, "registerNode": True}


def run(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True, check=False, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def until(condition, what, patience=PATIENCE, pause=0.1):
    """For what cannot be waited for: looks again and again, up to the bound."""
    end = time.monotonic() + patience
    while True:
        seen = condition()
        if seen:
            return seen
        assert time.monotonic() < end, f"never: {what() if callable(what) else what}"
        threading.Event().wait(pause)


def say(text):
    print(f"== {text}", file=sys.stderr, flush=True)


def enter_namespace(name):
    """This process and all that it starts from now on; not the threads that it already has."""
    descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY)
    if LIBC.setns(descriptor, 0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(descriptor)


class Testbed:
    def __init__(self, directory, parts, images, prefers_ipv6=False):
        """directory: short, since sockets lie in it. parts: the Go program. images: tars to import. Pods have addresses of
        both families; prefers_ipv6: which one a pod's own (status.podIP) and a service's are of."""
        self.dir, self.parts, self.images, self.prefers_ipv6 = pathlib.Path(directory), parts, images, prefers_ipv6
        self.name = self.dir.name
        self.running, self.cgroups, self.token = {}, [], secrets.token_hex(16)
        self.kubeconfig = self.dir / "kubeconfig"

    # ---- start ----
    def start(self):
        started = time.monotonic()
        self.make_network()
        self.make_files()
        self.make_cgroup()
        self.spawn("etcd", "etcd", "--data-dir", self.dir / "etcd", "--unsafe-no-fsync", "--listen-client-urls", "http://127.0.0.1:2379",
                   "--advertise-client-urls", "http://127.0.0.1:2379", "--listen-peer-urls", "http://127.0.0.1:2380",
                   "--log-level", "warn")
        self.spawn("containerd", "containerd", "--config", self.dir / "containerd.toml")
        self.start_api()
        self.spawn("controllers", self.parts, "controllers", f"--kubeconfig={self.kubeconfig}", "--leader-elect=false",
                   "--secure-port=0", f"--service-account-private-key-file={self.dir}/pki/account.key",
                   f"--root-ca-file={self.dir}/pki/ca.crt", "--use-service-account-credentials=false",
                   "--pvclaimbinder-sync-period=1h")
        self.spawn("scheduler", self.parts, "scheduler", f"--kubeconfig={self.kubeconfig}", "--leader-elect=false",
                   "--secure-port=0")
        until(lambda: run("ctr", "-a", f"{self.dir}/containerd.sock", "version", check=False).returncode == 0, "containerd")
        for image in self.images:
            run("ctr", "-a", f"{self.dir}/containerd.sock", "-n", "k8s.io", "images", "import", image)
        self.spawn("kubelet", self.parts, "kubelet", f"--config={self.dir}/kubelet.json", f"--kubeconfig={self.kubeconfig}",
                   f"--root-dir={self.dir}/kubelet", f"--hostname-override={NODE}", f"--node-ip={self.ordered(GATEWAY, GATEWAY6)}",
                   f"--cert-dir={self.dir}/kubelet-pki", "--v=1")
        self.kubectl("wait", "--for=create", f"node/{NODE}", "--timeout=120s")
        self.kubectl("wait", "--for=condition=Ready", f"node/{NODE}", "--timeout=120s")
        until(lambda: self.kubectl("get", "serviceaccount", "default", check=False).returncode == 0, "the default account")
        say(f"a Kubernetes of one node is ready after {time.monotonic() - started:.0f} s"
            f" (its pods' own addresses are {'IPv6' if self.prefers_ipv6 else 'IPv4'})")
        return self

    def ordered(self, *families):
        return ",".join(families[::-1] if self.prefers_ipv6 else families)

    def make_network(self):
        run("ip", "netns", "add", self.name)
        enter_namespace(self.name)
        run("ip", "link", "set", "lo", "up")
        run("ip", "addr", "add", f"{API}/32", "dev", "lo")
        run("ip", "addr", "add", f"{API6}/128", "dev", "lo")
        # The bridge is there before the first pod, so that this process can listen for the pods. With an address of its own:
        # otherwise it takes one of its ports', another one whenever a pod comes or goes, and pods lose it for ten seconds.
        run("ip", "link", "add", "pods0", "address", "02:00:0a:f4:00:01", "type", "bridge")
        run("ip", "addr", "add", f"{GATEWAY}/22", "dev", "pods0")
        run("ip", "addr", "add", f"{GATEWAY6}/64", "dev", "pods0", "nodad")
        run("ip", "link", "set", "pods0", "up")
        run("ip", "route", "add", "default", "via", GATEWAY)  # the kubelet looks for the interface of one
        run("ip", "-6", "route", "add", "default", "dev", "pods0")

    def make_files(self):
        for name in ("pki", "cni", "logs"):
            (self.dir / name).mkdir()
        pki = self.dir / "pki"
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=testbed",
            "-keyout", pki / "ca.key", "-out", pki / "ca.crt")
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=kube-apiserver", "-keyout", pki / "api.key",
            "-out", pki / "api.csr")
        (pki / "san").write_text(f"subjectAltName=IP:{API},IP:{API6},DNS:kubernetes.default.svc\n")
        run("openssl", "x509", "-req", "-in", pki / "api.csr", "-CA", pki / "ca.crt", "-CAkey", pki / "ca.key", "-days", "2",
            "-CAcreateserial", "-extfile", pki / "san", "-out", pki / "api.crt")
        run("openssl", "genrsa", "-out", pki / "account.key", "2048")
        (pki / "tokens.csv").write_text(f'{self.token},admin,1,"system:masters"\n')
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": f"https://{API}", "certificate-authority": str(pki / "ca.crt")}}],
            "users": [{"name": "it", "user": {"token": self.token}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]}))
        filled = {"containerd.toml": CONTAINERD, "cni/10-pods.conflist": json.dumps(CNI), "kubelet.json": json.dumps(KUBELET)}
        for name, text in filled.items():
            (self.dir / name).write_text(text.replace("{dir}", str(self.dir)).replace("{name}", self.name))

    def make_cgroup(self):
        """All pods together, and this process with the other parts, weigh more than what else runs here: the pods' own
        weights are for among themselves, and beside a busy compiler a pod that asks for 50m would stand still for seconds."""
        root = pathlib.Path("/sys/fs/cgroup")
        unified = (root / "cgroup.controllers").exists()
        for parent in [root] if unified else [one for one in root.iterdir() if one.is_dir() and not one.is_symlink()]:
            group = parent / self.name
            group.mkdir()
            self.cgroups.append(group)
            if unified:
                (root / "cgroup.subtree_control").write_text("+cpu +memory +pids")
                (group / "cgroup.subtree_control").write_text("+cpu +memory +pids")
                (group / "cpu.weight").write_text("5000")
            elif (group / "cpu.shares").exists():
                (group / "cpu.shares").write_text("50000")
                tools = parent / f"{self.name}-parts"
                tools.mkdir()
                self.cgroups.append(tools)
                (tools / "cpu.shares").write_text("50000")
                (tools / "cgroup.procs").write_text(str(os.getpid()))
            if (group / "cpuset.cpus").exists() and not unified:
                for file in ("cpuset.cpus", "cpuset.mems"):
                    (group / file).write_text((parent / file).read_text())

    def start_api(self):
        pki = self.dir / "pki"
        self.spawn("apiserver", self.parts, "apiserver", "--etcd-servers=http://127.0.0.1:2379", "--bind-address=::",
                   "--secure-port=443", f"--advertise-address={API6 if self.prefers_ipv6 else API}",
                   f"--service-cluster-ip-range={self.ordered('10.96.0.0/24', 'fd00:10:96::/112')}",
                   f"--tls-cert-file={pki}/api.crt", f"--tls-private-key-file={pki}/api.key", f"--token-auth-file={pki}/tokens.csv",
                   "--authorization-mode=RBAC", "--service-account-issuer=https://kubernetes.default.svc",
                   f"--service-account-key-file={pki}/account.key", f"--service-account-signing-key-file={pki}/account.key",
                   "--endpoint-reconciler-type=none", "--kubelet-preferred-address-types=InternalIP", "--allow-privileged=false")
        until(lambda: self.kubectl("get", "--raw", "/readyz", check=False).returncode == 0,
              lambda: f"the API server is ready; its log ends with\n{self.log_end('apiserver')}", pause=0.3)

    def spawn(self, name, *command):
        with open(self.dir / "logs" / f"{name}.log", "a", encoding="utf-8") as log:
            self.running[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *(str(word) for word in command)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.dir, env=os.environ | {"GOMAXPROCS": "2"})

    def log_end(self, name, lines=15):
        return "\n".join((self.dir / "logs" / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])

    # ---- use ----
    def kubectl(self, *words, check=True, stdin=None):
        return run(self.parts, "kubectl", "--kubeconfig", self.kubeconfig, *words, check=check, input=stdin)

    def get(self, *words):
        return json.loads(self.kubectl("get", *words, "-o", "json").stdout)

    def stop_api(self):
        self.end("apiserver")

    def container_process(self, container_id):
        """The first process of a container, by the id that the pod's status has."""
        bare = container_id.removeprefix("containerd://")
        task = self.dir / "containerd-state/io.containerd.runtime.v2.task/k8s.io" / bare / "init.pid"
        return int(task.read_text())

    # ---- end ----
    def end(self, name, grace=10):
        child = self.running.pop(name, None)
        if child is None:
            return
        child.terminate()
        try:
            child.wait(grace)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def containers(self):
        """(pid, id) of the first process of each container that still runs."""
        for file in (self.dir / "containerd-state/io.containerd.runtime.v2.task/k8s.io").glob("*/init.pid"):
            pid = int(file.read_text())
            try:
                if file.parent.name in pathlib.Path(f"/proc/{pid}/cgroup").read_text():
                    yield pid, file.parent.name
            except OSError:
                pass

    def shims(self):
        wanted = f"{self.dir}/containerd.sock".encode()
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"containerd-shim-runc-v2") and wanted in words:
                yield int(entry.parent.name)

    def pod_networks(self):
        """Those whose interface has its other end here: containerd keeps them in /run/netns, beyond a pod's end."""
        for entry in pathlib.Path("/run/netns").glob("cni-*"):
            if self.name in run("ip", "-n", entry.name, "-o", "link", "show", "eth0", check=False).stdout.split():
                yield entry.name

    def stop(self):
        """The pods are not asked to end: by now nobody wants to know how they do, and the kubelet, which ends first, would
        only start them again."""
        networks = list(self.pod_networks())
        for name in ("kubelet", "scheduler", "controllers", "apiserver"):
            self.end(name)
        for pid, _ in self.containers():
            kill(pid)
        for pid in self.shims():
            kill(pid)
        for name in ("containerd", "etcd"):
            self.end(name)
        for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()[::-1]:
            where = line.split()[1]
            if where.startswith(f"{self.dir}/"):
                run("umount", "-l", where, check=False)
        for network in [*networks, self.name]:
            run("ip", "netns", "del", network, check=False)
        for group in self.cgroups:
            if group.name.endswith("-parts"):
                (group.parent / "cgroup.procs").write_text(str(os.getpid()))
            for inner in sorted((one for one in group.rglob("*") if one.is_dir()), reverse=True):
                remove(inner)
            remove(group)
        if not os.environ.get("RINGSIDE_KEEP_TESTBED"):
            shutil.rmtree(self.dir, ignore_errors=True)


def kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def remove(cgroup):
    """Its last processes may still be on their way out."""
    with contextlib.suppress(AssertionError):
        until(lambda: removed(cgroup), f"{cgroup} is empty", patience=5, pause=0.02)


def removed(cgroup):
    with contextlib.suppress(OSError):
        cgroup.rmdir()
    return not cgroup.exists()


if __name__ == "__main__":  # ends what is left of a testbed in this directory, whose own process was ended
    left = Testbed(sys.argv[1], None, [])
    left.cgroups = [group for group in pathlib.Path("/sys/fs/cgroup").glob(f"**/{left.name}*") if group.is_dir()]
    left.stop()
