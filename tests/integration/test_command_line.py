"""What the program does as a process: help, signals, and output that nobody takes."""
import concurrent.futures
import signal
import subprocess
import threading

import pytest

import cluster


def run(*words, stdout=subprocess.PIPE, **env):
    return subprocess.run([cluster.RINGSIDE, *words], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60,
                          env=cluster.environment(**env))


def test_alone_it_prints_help():
    # Even where the environment has the settings of a sidecar: a container says `serve`.
    done = run(RINGSIDE_PEER="127.0.0.1:0", RINGSIDE_LOCAL="127.0.0.1:0", RINGSIDE_ADMIN="127.0.0.1:0")
    assert done.returncode == 0 and "serve" in done.stdout and "members" in done.stdout, done
    assert run("help").stdout == done.stdout


def test_a_terminal_that_closes_ends_no_sidecar(world):
    host = world.host()
    host.child.send_signal(signal.SIGHUP)
    assert host.call(42).status == 200
    # Signals are delivered in no order: this one has certainly been seen once the other has.
    host.child.send_signal(signal.SIGTERM)
    assert host.wait() == 0
    assert sum("event=stopping" in line for line in host.lines) == 1, host.lines


@pytest.mark.parametrize("words", [(), ("help",), ("--help",), ("help", "call"), ("help", "settings"), ("serve", "--help"),
                                   ("version",), ("--version",), ("version", "--json")])
def test_a_full_disk_is_no_success(words):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = run(*words, stdout=full)
    assert done.returncode == 7 and "could not be written" in done.stderr, done


def test_a_full_disk_under_every_command(world):
    host = world.host()
    for words in (["call", "42", "add"], ["where", "42"], ["members"], ["actors"], ["ring"], ["status"],
                  ["watch", "--count", "1"], ["watch"], ["drain"], ["uncordon"]):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = run(words[0], "--local", host.local, *words[1:], stdout=full)
        assert done.returncode == 7, (words, done)


def test_the_last_host_is_drained_with_a_warning(world):
    one, two = world.cluster(2)
    assert "no other host" not in two.cli("drain").stderr
    done = one.cli("drain")
    assert done.returncode == 0 and "no other host is ready" in done.stderr, done


def test_what_goes_on_in_an_actor_is_shown_and_a_stuck_turn_is_ended(world):
    begun, released = threading.Event(), threading.Event()

    def hang(*_):
        begun.set()
        released.wait(10 * cluster.PATIENCE)
        return 200, {}, b""
    host = world.host(app=world.app(serve=hang))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = pool.submit(host.call, "name:anna")
        assert begun.wait(cluster.PATIENCE)
        waiting = pool.submit(host.call, "name:anna")
        cluster.until(lambda: host.metric("ringside_turns_waiting") == 1, "the second waits behind the first")
        head, row, _ = host.cli("actors").stdout.splitlines()
        shown = dict(zip(head.split(), row.split()))
        assert shown["NAME"] == "anna" and shown["WAITING"] == "1" and shown["TURN"] != "-", (head, row)
        told = host.cli("where", shown["ID"]).stdout
        assert f"Actor {shown['ID']} (anna) is active" in told and "A turn has run" in told and "1 call waits." in told, told
        done = host.cli("deactivate", "name:anna")
        assert done.returncode == 0 and "not active any more" in done.stdout, done
        assert running.result().headers["ringside-outcome"] == "unknown"
        released.set()
        waiting.result()
