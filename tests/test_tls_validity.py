"""framebatch.edge.tls.validity: dates of certificates from their bytes."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from certificates import Authority
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from framebatch.edge.tls.validity import validity_of

if TYPE_CHECKING:
    from pathlib import Path

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "press-3")])


def certificate(begin: datetime, end: datetime) -> bytes:
    """Answer a certificate's DER."""
    builder = x509.CertificateBuilder(NAME, NAME, KEY.public_key(), 2**150 + 1, begin, end)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


@given(
    begin=st.datetimes(datetime(1951, 1, 1), datetime(2060, 1, 1)),  # noqa: DTZ001 - in UTC
    days=st.integers(1, 100_000),
)
def test_dates_are_those_of_the_certificate(begin: datetime, days: int) -> None:
    """Before 1950 + 100 years and after, which certificates write in different forms."""
    begin = begin.replace(tzinfo=UTC, microsecond=0)
    end = begin + timedelta(days=days)
    assert validity_of(certificate(begin, end)) == (begin.timestamp(), end.timestamp())


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    """Cut anywhere before the dates' end, or something else altogether."""
    pair = Authority(tmp_path).issue("x")
    whole = ssl.PEM_cert_to_DER_cert(pair.certificate.read_text().split("-----END")[0] + "-----END CERTIFICATE-----\n")
    for broken in (b"", b"\x30", b"\x30\x03\x02\x01\x05", b"\x04" + whole[1:], *(whole[:n] for n in (3, 20, 60, 99))):
        with pytest.raises(ValueError, match="not a certificate"):
            validity_of(broken)
