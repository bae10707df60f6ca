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


def test_config_tells_what_is_in_force_and_where_it_came_from(world, tmp_path):
    settings = tmp_path / "ringside.toml"
    settings.write_text('drain-timeout = "7s"\nhold-timeout = "3s"\n')
    key = tmp_path / "key.pem"
    key.write_text("nobody may read this")
    host = world.host("--config", str(settings), "--hold-timeout", "1s", "--tls-key", str(key), RINGSIDE_QUORUM="1")
    told = {row["name"]: (row["value"], row["source"]) for row in host.json("/v1/config")["settings"]}
    assert told["hold-timeout"] == ("1s", "flag --hold-timeout"), told
    assert told["drain-timeout"][0] == "7s" and told["drain-timeout"][1].startswith(f"file {settings} line 1"), told
    assert told["quorum"] == ("1", "environment RINGSIDE_QUORUM")
    assert told["dead-after"] == ("2500ms", "default") or told["dead-after"][1] == "default"
    assert told["tls-key"][0] == str(key), "its path"
    shown = host.cli("config", "--changed")
    assert shown.returncode == 0 and "environment RINGSIDE_QUORUM" in shown.stdout and "dead-after" not in shown.stdout, shown
    assert "nobody may read this" not in host.cli("config", "--json").stdout


def test_the_level_of_the_log_is_told_and_changed(world):
    host = world.host()
    assert host.cli("log-level").stdout == "info\n"
    assert host.cli("log-level", "debug").stdout == "debug\n"
    assert host.json("/v1/log-level") == {"level": "debug", "view_of": host.name} and host.json("/v1/config")["log_level"] == "debug"
    wrong = host.cli("log-level", "loud")
    assert wrong.returncode == 2 and "debug" in wrong.stderr, wrong


def completed(*words):
    """What a real bash offers at the end of these words."""
    script = ('source <("$0" completion bash); complete -p ringside >/dev/null || exit 9; COMP_WORDS=("$@"); '
              'COMP_CWORD=$(($# - 1)); _ringside; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "--norc", "-u", "-c", script, cluster.RINGSIDE, *words], capture_output=True, text=True,
                          timeout=60, env=cluster.environment())
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.split()


@pytest.mark.parametrize("words, offered", [
    (("ringside", "ex"), ["explain"]),
    (("ringside", "dr"), ["drain"]),
    (("ringside", "--local", "127.0.0.1:1380", "unc"), ["uncordon"]),
    (("ringside", "--js"), ["--json"]),
    (("ringside", "top", "--f"), ["--for"]),
    (("ringside", "call", "--idem"), ["--idempotency-key", "--idempotent"]),
    (("ringside", "serve", "--drain"), ["--drain-timeout"]),
    (("ringside", "log-level", ""), ["debug", "info", "warn", "error"]),
    (("ringside", "completion", ""), ["bash", "zsh", "fish"]),
    (("ringside", "config", "drain"), ["drain-timeout"]),
    (("ringside", "tls", ""), ["check"]),
    (("ringside", "help", "sett"), ["settings"]),
    (("ringside", "where", "4"), []),
])
def test_bash_completes(words, offered):
    assert completed(*words) == offered


def test_bash_completes_every_command():
    listed = completed("ringside", "")
    for command in listed:
        assert run("help", command).returncode == 0, command
    helped = run("help").stdout
    assert {"serve", "call", "explain", "top", "config", "log-level", "completion", "watch"} <= set(listed), listed
    assert all(command in helped for command in listed), helped
