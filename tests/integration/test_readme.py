"""What the first pages say is done as it stands, block after block, as a newcomer would: in one terminal, on a machine of its own
(a network namespace), so that the ports of the text are free. What a block cannot do here (install, build, Kubernetes) is looked
at: its shell is one, and the commands and files that it names are there."""
import collections
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest
import yaml

import cluster
import ports

Block = collections.namedtuple("Block", "language text file line")
FIRST_PAGES = ["README.md", "CONTRIBUTING.md", "docs/kubernetes.md", "docs/app-contract.md", "docs/actors_that_call_actors.md"]
ELSEWHERE = {"./run", "docker", "kubectl", "sudo", "cpack"}  # what begins with these is not done here


def blocks(page):
    """Fenced ones, and indented ones, which are shell. A block of a program goes into the file that the sentence before names."""
    found, said, language, text, start = [], "", None, [], 0
    for number, line in enumerate((cluster.ROOT / page).read_text().splitlines() + [""], 1):
        if language is None and line.startswith("```"):
            language, text, start = line[3:], [], number
        elif language not in (None, "indented") and line == "```":
            name = re.findall(r"`([\w.]+\.(?:py|js))`", said)
            found.append(Block(language, "\n".join(text) + "\n", name[0] if name else None, start))
            language = None
        elif language is None and line.startswith("    ") and not re.match(r" *([-*|]|\d+\.) ", line):
            language, text, start = "indented", [line[4:]], number
        elif language == "indented" and not line.startswith("    "):
            found.append(Block("sh", "\n".join(text) + "\n", None, start))
            language = None
        elif language is not None:
            text.append(line[4:] if language == "indented" else line)
        if language is None and line.strip() and not line.startswith("```"):
            said = line
    assert language is None, f"{page}: a block without an end"
    return found


def commands(block):
    """The words of each command of a shell block, as far as they can be told without a shell."""
    text = re.sub(r"\\\n\s*", " ", block.text)
    for line in re.split(r"[\n;]|&&|\|\|?|(?<!>)&", text):
        words = re.sub(r"\s#.*", "", f" {line}").replace("(", " ").replace(")", " ").split()
        while words and (words[0] in ("do", "sudo", "then") or re.fullmatch(r"\w+=\S*", words[0])):
            words.pop(0)
        if words:
            yield words


def is_done_elsewhere(block):
    return any(words[0] in ELSEWHERE for words in commands(block)) or "sudo" in block.text


@pytest.mark.parametrize("page", FIRST_PAGES)
def test_blocks_are_what_they_say(page):
    for block in blocks(page):
        where = f"{page}:{block.line}"
        if block.language in ("sh", "bash"):
            done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True)
            assert done.returncode == 0, (where, done.stderr)
        elif block.language == "python":
            compile(block.text, where, "exec")
        elif block.language == "yaml":
            assert list(yaml.safe_load_all(block.text)), where
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "js":
            node = shutil.which("node")
            if node:
                done = subprocess.run([node, "--check", "-"], input=block.text, capture_output=True, text=True)
                assert done.returncode == 0, (where, done.stderr)
        else:
            assert block.language == "", f"{where}: of what kind is it?"  # a picture


@pytest.mark.parametrize("page", FIRST_PAGES)
def test_commands_that_are_named_are_there(page):
    ours = subprocess.run([cluster.RINGSIDE, "help"], capture_output=True, text=True, check=True).stdout
    of_run = subprocess.run([cluster.ROOT / "run", "help"], capture_output=True, text=True, check=True).stdout
    for block in blocks(page):
        if block.language not in ("sh", "bash"):
            continue
        for words in commands(block):
            where = (page, block.line, words)
            if words[0] == "./run":
                assert re.search(rf"^  {words[1]}\b", of_run, re.M), where
            for index, word in enumerate(words):
                if word == "ringside" and words[index - 1] not in ("-c", "="):
                    command = next(w for w in words[index + 1:] if not w.startswith("-"))
                    assert re.search(rf"^ *{command}\b", ours, re.M), where
                    told = subprocess.run([cluster.RINGSIDE, command, "--help"], capture_output=True, text=True).stdout
                    for flag in re.findall(r"--[a-z][a-z-]+", " ".join(words[index:])):
                        assert flag in told, where
                elif re.match(r"deploy/(k8s|systemd)|examples/", word):
                    assert (cluster.ROOT / word).exists(), where
            if words[0] == "kubectl":
                assert {"apply", "create", "rollout", "exec"} & set(words), where


class Newcomer:
    """One terminal in an empty directory. It ends with everything that was started in it."""

    def __init__(self, directory):
        alone = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        if os.getuid() != 0:
            alone.insert(1, "--map-root-user")
        path = f"{cluster.BUILD}/bin:{os.environ['PATH']}"
        if subprocess.run([*alone, "true"], capture_output=True).returncode != 0:
            pytest.skip("there are no namespaces here, and the ports of the text may be taken")
        self.child = subprocess.Popen(cluster.DIES_WITH_US + alone + ["bash"], cwd=directory, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                      env=cluster.environment(PATH=path, HOME=str(directory)))
        self.paste("ip link set lo up\n")

    def paste(self, text):
        """What the terminal shows until all of it is done; a command that fails ends the test."""
        self.child.stdin.write(f"trap 'echo \"failed ($?): $BASH_COMMAND\"' ERR\n{text}\ntrap - ERR; echo; echo done-with-it\n")
        self.child.stdin.flush()
        shown = ""
        for line in self.child.stdout:
            if line == "done-with-it\n":
                assert "failed (" not in shown, shown
                return shown
            shown += line
        raise AssertionError(f"the terminal has ended:\n{shown}")

    def close(self):
        self.child.kill()
        self.child.wait()


def follow(page, directory, instead=("", "")):
    """Everything that a page says, and what was shown by each block of shell."""
    newcomer = Newcomer(directory)
    shown = []
    signal.alarm(4 * cluster.PATIENCE)  # a block that hangs ends with a traceback
    try:
        for block in blocks(page):
            if block.file:
                (directory / block.file).write_text(block.text)
            elif block.language == "sh" and not is_done_elsewhere(block):
                shown.append(newcomer.paste(block.text.replace(*instead) if instead[0] else block.text))
    finally:
        signal.alarm(0)
        newcomer.close()
    return shown


def numbers(shown):
    return [line for line in shown.splitlines() if re.fullmatch(r"\d+", line)]


def apps(python, node):
    yield pytest.param(("", ""), id="python")
    yield pytest.param((f"python3 {python}", f"node {node}"), id="node",
                       marks=pytest.mark.skipif(not shutil.which("node"), reason="no node here"))


@pytest.mark.parametrize("app", apps("app.py", "app.js"))
def test_readme(tmp_path, app):
    ready, calls, keys, end, laptop, end_of_three = follow("README.md", tmp_path, app)
    assert "ready" in ready
    # curl shows the number alone; what follows it is on its line.
    assert re.sub(r"\s", "", calls).startswith("121Actor42isactiveon"), calls
    first, again = keys.split("HTTP/1.1 ")[1:]
    assert "idempotency-replayed" not in first.lower() and "idempotency-replayed: true" in again.lower(), keys
    assert first.split()[-1] == again.split()[-1] == "3", keys
    assert "failed" not in end and "failed" not in end_of_three
    assert numbers(laptop) == ["1", "2", "3"], laptop
    assert len(re.findall(r"^127\.0\.0\.1\S*( \*)? +ready +on ", laptop, re.M)) == 3, laptop
    assert "Actor 42 is active on 127.0.0.1:133" in laptop


@pytest.mark.parametrize("app", apps("visits.py", "visits.js"))
def test_actors_that_call_actors(tmp_path, app):
    _, visits, _ = follow("docs/actors_that_call_actors.md", tmp_path, app)
    assert visits.splitlines()[0] == "arrived at 12"
    assert "call-loop" in visits and "41 -> 97 -> 41" in visits and "the application answered 409" in visits, visits


def test_the_first_app_answers_in_one_piece(world, tmp_path):
    """Head and body once left apart, and the second waited 40 ms for the first one's acknowledgement."""
    app, = (block for block in blocks("README.md") if block.file == "app.py")
    (tmp_path / app.file).write_text(app.text)
    port = ports.reserve()
    world.keep(cluster.Process([sys.executable, str(tmp_path / app.file), str(port)]))

    def connect():
        try:
            return socket.create_connection(("127.0.0.1", port), cluster.PATIENCE)
        except ConnectionRefusedError:
            return None
    with cluster.until(connect, "it listens") as connection:
        for count in (b"1", b"2", b"3"):
            connection.sendall(b"POST /actors/42/method/add HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            assert connection.recv(65536).endswith(b"\r\n\r\n" + count)
