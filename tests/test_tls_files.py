"""framebatch.edge.tls.files: what can be served with is given out, and what cannot is named."""

from __future__ import annotations

import ssl
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from certificates import Authority, Pair
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from framebatch.edge.tls import TlsFiles, read_material
from framebatch.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Answer an authority."""
    return Authority(tmp_path)


def fault_of(files: TlsFiles) -> str:
    """Answer why they cannot be served with."""
    with pytest.raises(UsageError) as caught:
        read_material(files, now_seconds=time.time())
    return str(caught.value)


def files_of(pair: Pair, client_ca: Path | None = None) -> TlsFiles:
    """Answer the files of a pair."""
    return TlsFiles(certificate=pair.certificate, key=pair.key, client_ca=client_ca)


def test_what_fits_is_given_out_as_it_is(authority: Authority) -> None:
    """With the end of the first certificate to expire, TLS 1.2 at least, and no key in the repr."""
    pair = authority.issue("server", days=2)
    found = read_material(files_of(pair, authority.path), now_seconds=time.time())
    assert (found.chain, found.key) == (pair.certificate.read_bytes(), pair.key.read_bytes())
    assert found.client_ca == authority.path.read_bytes()
    assert 0 <= time.time() + 24 * 3600 - found.end < 60
    assert found.http_context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert repr(found).startswith("Material(until 2")
    assert "PRIVATE" not in repr(found)


def test_a_file_that_is_missing_is_named(authority: Authority, tmp_path: Path) -> None:
    """With its setting, for each of the three."""
    pair, nowhere = authority.issue("server"), tmp_path / "nowhere.pem"
    for setting, files in {
        "tls_certificate": files_of(Pair(nowhere, pair.key)),
        "tls_key": files_of(Pair(pair.certificate, nowhere)),
        "tls_client_ca": files_of(pair, nowhere),
    }.items():
        assert fault_of(files) == (
            f"setting '{setting}': {nowhere} cannot be read: No such file or directory; "
            "give a PEM file that the server's user may read"
        )


def test_a_file_of_something_else_is_named(authority: Authority, tmp_path: Path) -> None:
    """A key in place of a certificate, a certificate in place of a key, bytes in between that are none."""
    pair, broken = authority.issue("server"), tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert "setting 'tls_certificate'" in fault_of(files_of(Pair(pair.key, pair.key)))
    assert "holds no certificate in PEM form; it should have" in fault_of(files_of(Pair(pair.key, pair.key)))
    assert "holds no private key in PEM form" in fault_of(files_of(Pair(pair.certificate, pair.certificate)))
    assert f"{broken} holds a broken certificate; copy" in fault_of(files_of(Pair(broken, pair.key)))
    assert f"setting 'tls_client_ca': {pair.key} holds no certificate" in fault_of(files_of(pair, pair.key))
    broken.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    assert f"setting 'tls_key': {broken} cannot be used with" in fault_of(files_of(Pair(pair.certificate, broken)))


def test_another_certificates_key_is_named(authority: Authority) -> None:
    """With the certificate that it does not fit."""
    mine, others = authority.issue("mine"), authority.issue("others")
    assert fault_of(files_of(Pair(mine.certificate, others.key))) == (
        f"setting 'tls_key': {others.key} does not fit the first certificate in {mine.certificate}; give its own key"
    )


def test_an_encrypted_key_is_refused_without_asking(authority: Authority) -> None:
    """OpenSSL would ask for the password on the terminal, for ever."""
    pair = authority.issue("server")
    secret = load_pem_private_key(pair.key.read_bytes(), None)
    encryption = BestAvailableEncryption(b"secret")
    pair.key.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    assert "is encrypted, and a server cannot ask for its password; decrypt it" in fault_of(files_of(pair))


def test_a_certificate_out_of_its_time_is_refused(authority: Authority) -> None:
    """One that expired, and one that is to be used later; with the date, and the clock as a suspect."""
    expired = authority.issue("expired", begins_in=-timedelta(days=9), days=2)
    later = authority.issue("later", begins_in=timedelta(days=2))
    assert "holds a certificate that expired on 20" in fault_of(files_of(expired))
    assert "holds a certificate that is not valid before 20" in fault_of(files_of(later))
    assert "clock" in fault_of(files_of(later))


def test_of_clients_authorities_one_must_be_valid(authority: Authority, tmp_path: Path) -> None:
    """An old one may stand beside its successor for a while."""
    pair, bundle = authority.issue("server"), tmp_path / "bundle.pem"
    expired = authority.issue("expired", begins_in=-timedelta(days=9), days=2).certificate.read_text()
    bundle.write_text(expired)
    assert f"setting 'tls_client_ca': {bundle} holds a certificate that expired" in fault_of(files_of(pair, bundle))
    bundle.write_text(expired + authority.path.read_text())
    assert read_material(files_of(pair, bundle), now_seconds=time.time()).client_ca == bundle.read_bytes()
