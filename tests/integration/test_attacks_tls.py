"""What hostile ends of a TLS connection do, and what becomes of calls meanwhile."""
import ctypes
import socket
import threading
import time

import pytest

import attacks
import cluster
from certificates import CART, GATEWAY, Files, Issuer
from test_tls import Secured, client_context, is_let_in, leaf

CALLER = ("--caller-id", GATEWAY)


@pytest.fixture
def root():
    return Issuer()


@pytest.fixture
def hosts(world, tmp_path, root):
    made = []
    for number in (1, 2):
        files = Files(tmp_path / str(number), leaf(root), root)
        made.append(Secured(world, number, files, "require", *CALLER, host=f"127.0.0.{number}", peer=f"127.0.0.{number}:0",
                            join=list(made)).host)
    cluster.settled(made)
    return made


class Openssl:
    """A TLS client that can do what Python's cannot: renew its keys again and again."""

    def __init__(self, host, files):
        lib = self.lib = ctypes.CDLL("libssl.so.3")
        for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
            getattr(lib, name).restype = ctypes.c_void_p
        context = ctypes.c_void_p(lib.SSL_CTX_new(ctypes.c_void_p(lib.TLS_client_method())))
        lib.SSL_CTX_use_certificate_chain_file(context, str(files.cert).encode())
        lib.SSL_CTX_use_PrivateKey_file(context, str(files.key).encode(), 1)
        lib.SSL_CTX_set_alpn_protos(context, b"\2h2", 3)
        self.ssl = ctypes.c_void_p(lib.SSL_new(context))
        address, port = host.peer.rsplit(":", 1)
        self.socket = socket.create_connection((address, int(port)), cluster.PATIENCE, source_address=(attacks.STRANGER, 0))
        self.socket.settimeout(None)
        lib.SSL_set_fd(self.ssl, self.socket.fileno())
        assert lib.SSL_connect(self.ssl) == 1
        settings = attacks.PREFACE + attacks.frame(attacks.SETTINGS, 0, 0)
        assert lib.SSL_write(self.ssl, settings, len(settings)) == len(settings)

    def renew_keys(self, asks_the_other):
        """False when the other end has ended the connection."""
        return self.lib.SSL_key_update(self.ssl, int(asks_the_other)) == 1 and self.lib.SSL_do_handshake(self.ssl) == 1


@pytest.mark.parametrize("asks_the_other", (False, True))
def test_who_renews_its_keys_without_end_is_ended(hosts, tmp_path, root, asks_the_other):
    files = Files(tmp_path / "gateway", leaf(root, uris=[GATEWAY]), root)
    for _ in range(2):  # the connection that is ended comes back
        with attacks.measured(hosts[0], "KeyUpdate") as cost:
            attacker = Openssl(hosts[0], files)
            end = time.monotonic() + cluster.PATIENCE
            while attacker.renew_keys(asks_the_other):
                assert time.monotonic() < end, "it goes on"
        assert max(cost.waits, default=0) < 0.5
    assert hosts[0].line("event=tls_flood direction=in peer=127.0.0.9 .*KeyUpdate")
    assert hosts[0].metric('ringside_tls_floods_total{direction="in"}') == 2
    assert not any("event=member_dead" in line for host in hosts for line in host.lines)


def test_a_chain_that_nobody_needs_is_refused_before_it_is_looked_at(hosts, tmp_path, root):
    honest = leaf(root, uris=[GATEWAY])
    assert is_let_in(hosts[0], client_context(honest, tmp_path))

    def shows(count):
        certificate = leaf(root, uris=[GATEWAY])
        certificate.pem += b"".join(Issuer().pem for _ in range(count))
        return is_let_in(hosts[0], client_context(certificate, tmp_path))

    assert shows(5)
    assert not shows(6)
    assert hosts[0].line("result=not-a-leaf .*comes with 6 certificates of issuers, and 5 are taken at most .*" + GATEWAY)
    assert not shows(100)
    assert hosts[0].line("result=not-a-leaf .*more than 16 KiB of certificates")


def test_a_costly_key_exchange_is_refused(hosts, tmp_path, root):
    context = client_context(leaf(root, uris=[GATEWAY]), tmp_path)
    context.set_ecdh_curve("secp384r1")
    assert is_let_in(hosts[0], context)
    context.set_ecdh_curve("secp521r1")
    assert not is_let_in(hosts[0], context)
    assert hosts[0].line("result=protocol .*no key exchange that is taken here: X25519, P-256 or P-384")


def test_a_dns_name_beside_another_identity_makes_nobody_a_member(world, tmp_path, root):
    files = Files(tmp_path / "0", leaf(root), root)
    host = world.host(*files.flags("require", "--member-id", CART, "--member-id", "dns:cart.internal"))
    named = root.leaf(uris=[], dns=["cart.internal"])
    assert is_let_in(host, client_context(named, tmp_path))
    both = root.leaf(uris=["spiffe://elsewhere.org/ns/shop/sa/cart"], dns=["cart.internal"])
    assert not is_let_in(host, client_context(both, tmp_path))
    assert host.line("result=identity .*found spiffe://elsewhere.org")


def test_a_server_that_hangs_up_is_not_a_host_that_is_gone(world, root, tmp_path):
    """As one that wants TLS: whoever joins must not found a cluster of its own beside it at once."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def hang_up():
        while not over.is_set():
            connection, _ = listening.accept()
            connection.close()

    threading.Thread(target=hang_up, daemon=True).start()
    name = f"127.0.0.1:{listening.getsockname()[1]}"
    host = world.sidecar("--join-timeout", "4s", app=world.app(), join=[name])
    begun = time.monotonic()
    cluster.until(lambda: b"does it want TLS" in host.admin_get("/readyz").body, "it says what it has found")
    assert host.admin_get("/readyz").status == 503
    assert "--peer-tls" in host.cli("status").stdout
    assert host.line(f"event=host_not_understood host={name} .*does it want TLS. .--peer-tls.")
    cluster.until(lambda: host.admin_get("/readyz").status == 200, "it goes on without it")
    assert time.monotonic() - begun > 3
    assert b"does it want TLS" in host.admin_get("/readyz").body
    over.set()
    socket.create_connection(listening.getsockname()).close()


def test_hosts_with_other_settings_are_not_taken_for_nobody(world, tmp_path, root):
    strict = world.host(*Files(tmp_path / "0", leaf(root), root).flags())
    plain = world.host()
    cases = ((strict, (), "does it want TLS"),
             (strict, Files(tmp_path / "1", leaf(root), root).flags("accept"), "does it want TLS"),
             (plain, Files(tmp_path / "2", leaf(root), root).flags(), "speaks plaintext"))
    for other, flags, words in cases:
        host = world.sidecar(*flags, app=world.app(), join=[other])
        cluster.until(lambda: words.encode() in host.admin_get("/readyz").body, words)
        assert host.admin_get("/readyz").status == 503
        assert host.on_ring() == []
