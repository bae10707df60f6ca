"""Certificates for tests: an issuer, and what it signs, as files that a sidecar reads."""
import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CART = "spiffe://example.org/ns/shop/sa/cart"
GATEWAY = "spiffe://example.org/ns/shop/sa/gateway"
BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
HOUR = 3600


def now():
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def name(common):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


class Leaf:
    """A certificate with its key. `chain`: what stands behind it in the file."""

    def __init__(self, certificate, key, chain=()):
        self.certificate, self.key, self.chain = certificate, key, chain
        self.pem = pem(certificate) + b"".join(map(pem, chain))
        self.key_pem = key_pem(key)


class Issuer:
    def __init__(self, common="root", parent=None, life=24 * HOUR, begins=-HOUR):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = name(common)
        self.parent = parent
        start = now()
        self.certificate = (
            x509.CertificateBuilder().subject_name(self.subject).issuer_name((parent or self).subject)
            .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(start + datetime.timedelta(seconds=begins))
            .not_valid_after(start + datetime.timedelta(seconds=life))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
            .sign((parent or self).key, hashes.SHA256()))
        self.pem = pem(self.certificate)

    def leaf(self, uris=(CART,), dns=(), ips=(), life=HOUR, begins=-60, usages=BOTH, ca=False, key=None, signs=False):
        """life and begins: seconds from now."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        names = ([x509.UniformResourceIdentifier(uri) for uri in uris] + [x509.DNSName(one) for one in dns] +
                 [x509.IPAddress(ipaddress.ip_address(one)) for one in ips])
        start = now()
        builder = (
            x509.CertificateBuilder().subject_name(name("leaf")).issuer_name(self.subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(start + datetime.timedelta(seconds=begins))
            .not_valid_after(start + datetime.timedelta(seconds=life))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(True, False, False, False, False, signs, False, False, False), critical=True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(list(usages)), critical=False)
        chain = [self.certificate] if self.parent else []
        return Leaf(builder.sign(self.key, hashes.SHA256()), key, chain)


class Files:
    """The files of one host; write() replaces them as a careful writer does."""

    def __init__(self, directory, leaf, *roots):
        directory.mkdir(parents=True, exist_ok=True)
        self.cert, self.key, self.roots = (directory / one for one in ("tls.crt", "tls.key", "ca.crt"))
        self.write(leaf, *roots)

    @staticmethod
    def put(path, data):
        new = path.with_name(path.name + ".new")
        new.write_bytes(data)
        new.rename(path)

    def write(self, leaf=None, *roots):
        if leaf:
            self.put(self.key, leaf.key_pem)
            self.put(self.cert, leaf.pem)
        if roots:
            self.put(self.roots, b"".join(one.pem for one in roots))

    def flags(self, mode="require", *more):
        return ["--peer-tls", mode, "--tls-cert", str(self.cert), "--tls-key", str(self.key), "--tls-roots", str(self.roots),
                *more]
