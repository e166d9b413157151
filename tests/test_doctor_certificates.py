"""framebatch.doctor.certificates: what is said of the certificate that a server is to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certificates import Authority

from framebatch.config import Config
from framebatch.doctor.certificates import check_certificate
from framebatch.doctor.facts import Certificate
from framebatch.doctor.gathering import gather

if TYPE_CHECKING:
    from pathlib import Path


def test_a_certificate_should_last_for_a_while() -> None:
    """Three weeks, as the alert has it; nothing is said where there is to be none."""
    assert check_certificate(None) is None
    good = check_certificate(Certificate("server.pem", "", 80.4))
    assert good == ("certificate", "ok", "server.pem is valid for 80 days more, and fits its key", "")
    short = check_certificate(Certificate("server.pem", "", 20.9))
    assert short is not None
    assert (short.verdict, short.remedy) == (
        "note",
        "renew it; a running server takes the new one without a restart",
    )


def test_what_keeps_a_server_from_starting_is_a_problem() -> None:
    """In the words of the server, with its remedy."""
    assert check_certificate(Certificate("server.pem", "setting 'tls_key': k does not fit c; give its own key", 0)) == (
        "certificate",
        "problem",
        "setting 'tls_key': k does not fit c",
        "give its own key",
    )


def test_files_are_read_as_a_server_reads_them(tmp_path: Path) -> None:
    """The chain's days, and what is wrong with the key."""
    authority = Authority(tmp_path)
    pair, other = authority.issue("server", days=41.5), authority.issue("other")

    def found(key: Path) -> Certificate | None:
        config = Config(model="conveyor", device="sim:1,0.1", tls_certificate=pair.certificate, tls_key=key)
        return gather(config, {}).certificate

    good, bad = found(pair.key), found(other.key)
    assert good is not None
    assert bad is not None
    assert (good.path, good.error, round(good.days, 1)) == (str(pair.certificate), "", 40.5)
    assert "does not fit the first certificate" in bad.error
    assert gather(Config(model="conveyor", device="sim:1,0.1"), {}).certificate is None
