"""The ports that tests are given: nobody else has them, and the kernel gives them to nobody."""
import pathlib
import subprocess
import sys

import ports


def lock_elsewhere(port):
    """What another process hears of it."""
    asked = subprocess.run([sys.executable, "-c", f"import ports; print(ports._lock({port}))"], check=True, text=True,
                           cwd=pathlib.Path(__file__).parent, stdout=subprocess.PIPE)
    return asked.stdout.strip()


def test_a_port_belongs_to_one_process_alone():
    low, high = map(int, pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    given = [ports.reserve() for _ in range(50)]
    assert len(set(given)) == 50
    assert not [port for port in given if low <= port <= high or port < ports.FIRST]
    assert lock_elsewhere(given[0]) == "False"
    free = next(ports._left)
    assert [lock_elsewhere(free), lock_elsewhere(free)] == ["True", "True"], "the first one's has ended with it"


def test_a_port_that_somebody_uses_is_not_given(monkeypatch):
    used, free = next(ports._left), next(ports._left)
    with ports.socket.create_server(("127.0.0.3", used)):
        monkeypatch.setattr(ports, "_left", iter([used, free]))
        assert ports.reserve() == free
