"""Make certificates for tests."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Pair:
    """Name the files of a self-signed certificate for localhost and of its key."""

    cert: Path
    key: Path
    both: Path
    locked_key: Path


def make_pair(directory: Path, name: str = "tls", names: Sequence[str] = ()) -> Pair:
    """Write a certificate for localhost and `names`, its key, both in one file, and the key under a password."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    *(x509.DNSName(host) for host in ("localhost", *names)),
                    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                ]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem, style = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    cert_text = certificate.public_bytes(pem)
    key_text = key.private_bytes(pem, style, serialization.NoEncryption())
    pair = Pair(*(directory / f"{name}.{suffix}" for suffix in ("crt", "key", "pem", "locked")))
    pair.cert.write_bytes(cert_text)
    pair.key.write_bytes(key_text)
    pair.both.write_bytes(cert_text + key_text)
    pair.locked_key.write_bytes(key.private_bytes(pem, style, serialization.BestAvailableEncryption(b"secret")))
    return pair
