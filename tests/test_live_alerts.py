"""framebatch.app.live.alerts: the conditions of the rules, by the same thresholds, and since when they hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from plain_yaml import read_yaml

from framebatch.app.live import alerts
from framebatch.app.live.alerts import RULES, Alerts, CameraFigures, Figures, ModelFigures, conditions

ROOT = Path(__file__).resolve().parent.parent
BY_PROMETHEUS_ALONE = {
    "FramebatchDown",  # nobody answers then
    "FramebatchErrorBudgetFast",  # hours and days
    "FramebatchErrorBudgetSlow",
    "FramebatchDeviceMemoryNearlyFull",  # looked at when it scrapes
}


def rules() -> dict[str, dict[str, Any]]:
    """Answer the rules that alert, by name."""
    text = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text()
    return {rule["alert"]: rule for group in read_yaml(text)["groups"] for rule in group["rules"] if "alert" in rule}


def camera(*, silent_seconds: float = 0.0, late: int = 0, due: int = 1000) -> CameraFigures:
    """Answer figures of a camera that does well otherwise."""
    return CameraFigures("press-3", "conveyor", silent_seconds, late, due)


CASES = {
    "FramebatchNotReady": (Figures(why_not_ready="draining"), Figures()),
    "FramebatchModelDown": (
        Figures(models=[ModelFigures(name="conveyor", why_down="the session failed")]),
        Figures(models=[ModelFigures(name="conveyor")]),
    ),
    "FramebatchDeadlinesMissed": (Figures(cameras=[camera(late=11)]), Figures(cameras=[camera(late=10)])),
    "FramebatchCameraSilent": (
        Figures(cameras=[camera(silent_seconds=121)]),
        Figures(cameras=[camera(silent_seconds=119), camera(silent_seconds=43_200)]),
    ),
    "FramebatchCamerasNotFitting": (
        Figures(models=[ModelFigures(name="conveyor", not_fitting=1)]),
        Figures(models=[ModelFigures(name="conveyor", not_fitting=0)]),
    ),
    "FramebatchDeviceSlow": (
        Figures(models=[ModelFigures(name="conveyor", derate=0.79)]),
        Figures(models=[ModelFigures(name="conveyor", derate=0.8)]),
    ),
    "FramebatchRecalibrationDue": (
        Figures(models=[ModelFigures(name="conveyor", recalibration_due="Batches of 8 take 30 % longer.")]),
        Figures(models=[ModelFigures(name="conveyor")]),
    ),
    "FramebatchMemoryNearLimit": (
        Figures(models=[ModelFigures(name="conveyor", fill=0.81)]),
        Figures(models=[ModelFigures(name="conveyor", fill=0.8)]),
    ),
    "FramebatchDeviceMemoryShort": (
        Figures(models=[ModelFigures(name="conveyor", out_of_memory=1)]),
        Figures(models=[ModelFigures(name="conveyor", out_of_memory=0)]),
    ),
    "FramebatchEventLoopLate": (Figures(late_share=0.011), Figures(late_share=0.01)),
    "FramebatchRecordingLoses": (Figures(lost=1), Figures(lost=0)),
    "FramebatchCertificateExpires": (Figures(certificate_seconds=2.99 * 86_400), Figures()),
    "FramebatchCertificateExpiresSoon": (
        Figures(certificate_seconds=20.9 * 86_400),
        Figures(certificate_seconds=21 * 86_400),
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_a_condition_is_told_when_it_holds_and_only_then(name: str) -> None:
    """Just beyond its threshold, and nothing else with it; not just within."""
    bad, good = CASES[name]
    assert [each.name for each in conditions(bad)] == [name]
    assert list(conditions(good)) == []


def test_a_camera_of_few_frames_is_not_judged() -> None:
    """Of fewer than a hundred a single miss would be more than is allowed."""
    assert list(conditions(Figures(cameras=[camera(late=99, due=99)]))) == []
    assert [each.summary for each in conditions(Figures(cameras=[camera(late=12, due=100)]))] == [
        "press-3 misses 12.0 % of its deadlines"
    ]


def test_a_certificate_that_expires_is_told_once_with_how_long_it_lasts() -> None:
    """The urgent alert takes the place of the other; afterwards it says so."""
    told = [
        [each.summary for each in conditions(Figures(certificate_seconds=seconds))] for seconds in (129_600.0, -1.0)
    ]
    assert told == [["the server's certificate expires in 1.5 days"], ["the server's certificate has expired"]]


def test_names_severities_and_runbooks_are_those_of_the_rules() -> None:
    """All rules are here, but those that only Prometheus can judge."""
    known = rules()
    assert set(known) == set(RULES) | BY_PROMETHEUS_ALONE
    for name, (severity, runbook) in RULES.items():
        rule = known[name]
        assert (name, rule["labels"]["severity"], rule["annotations"]["runbook_url"]) == (name, severity, runbook)


def test_thresholds_are_those_of_the_rules() -> None:
    """Each number that a rule compares with."""
    compared = {
        name: [float(number) for number in re.findall(r"[<>]=? ([\d.]+)", rule["expr"])]
        for name, rule in rules().items()
        if name in RULES
    }
    assert compared["FramebatchDeadlinesMissed"] == [alerts.FEWEST_FRAMES, alerts.LATE_FRAMES_SHARE]
    assert compared["FramebatchCameraSilent"] == [alerts.SILENT_SECONDS, alerts.TAKEN_AWAY_SECONDS]
    assert compared["FramebatchDeviceSlow"] == [alerts.SLOW_RATIO]
    assert compared["FramebatchMemoryNearLimit"] == [alerts.FULL_RATIO]
    assert compared["FramebatchCertificateExpires"] == [alerts.URGENT_DAYS]
    assert compared["FramebatchCertificateExpiresSoon"] == [alerts.SOON_DAYS]
    assert compared["FramebatchEventLoopLate"] == [alerts.LATE_SECONDS]
    late = rules()["FramebatchEventLoopLate"]["expr"]
    assert late.startswith(f"histogram_quantile({1 - alerts.LATE_SHARE:g}, ")
    for name in ("FramebatchCamerasNotFitting", "FramebatchDeviceMemoryShort", "FramebatchRecordingLoses"):
        assert compared[name] == [0.0]


def test_since_when_is_remembered_until_it_is_over() -> None:
    """A condition that comes back begins anew; one that began before anybody looked is told from its beginning."""
    seen = Alerts()
    bad, good = Figures(late_share=0.5), Figures()
    assert [each.since_unix_seconds for each in seen.judge(bad, 100.0)] == [100.0]
    assert [each.since_unix_seconds for each in seen.judge(bad, 160.0)] == [100.0]
    assert repr(seen) == "Alerts(FramebatchEventLoopLate)"
    assert (seen.judge(good, 170.0), repr(seen)) == ([], "Alerts(none)")
    assert [each.since_unix_seconds for each in seen.judge(bad, 180.0)] == [180.0]
    (silent,) = seen.judge(Figures(cameras=[camera(silent_seconds=720)]), 2000.0)
    assert (silent.since_unix_seconds, silent.camera, silent.model) == (1400.0, "press-3", "conveyor")
    assert silent.summary == "press-3 has sent nothing for 12 min"


def test_what_is_urgent_comes_first_and_there_is_an_end() -> None:
    """However many cameras are silent."""
    names = [str(number) for number in range(300)]
    cameras = [CameraFigures(name, "conveyor", 7260.0, 0, 0) for name in names]
    found = Alerts().judge(Figures(cameras=cameras, why_not_ready="the session failed"), 0.0)
    assert (len(found), found[0].name, found[0].severity) == (100, "FramebatchNotReady", "critical")
    assert found[1].summary == "0 has sent nothing for 2 h 1 min"
