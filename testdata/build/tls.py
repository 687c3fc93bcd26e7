#!/usr/bin/env python3
"""Makes testdata/tls: certificates of receivers in tests, and their keys, which protect nothing.

localhost.pem is of `localhost`, elsewhere.pem of `elsewhere.example.com`. Each vouches for itself, from 2000 to 2099.
Needs the package `cryptography`.
"""

import datetime
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tls"


def make(name, host):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(25)
        .not_valid_before(datetime.datetime(2000, 1, 1))
        .not_valid_after(datetime.datetime(2099, 1, 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (FOLDER / f"{name}.pem").write_bytes(certificate.public_bytes(pem))
    (FOLDER / f"{name}.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


FOLDER.mkdir(exist_ok=True)
make("localhost", "localhost")
make("elsewhere", "elsewhere.example.com")
