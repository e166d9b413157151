"""deploy/prometheus and docs/runbooks: rules that name what a server exports, a page for each alert, a test for each alert."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from plain_yaml import read_yaml
from served_families import families_of, series_of

from framebatch.metrics import OTHER_CAMERAS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "alerts.yml"
TESTS = DEPLOY / "prometheus" / "alerts_test.yml"
RUNBOOKS = ROOT / "docs" / "runbooks"
BY_PROMETHEUS = {"instance", "job"}
"""Labels that a series has from whoever reads it."""
SERIES = re.compile(r"(?<![\w:/.-])(framebatch_(?!client|proto|models)\w+|framebatch:[\w:]+)(?:\{([^}]*)\})?")


def rules() -> list[dict[str, Any]]:
    """Answer all rules."""
    return [rule for group in read_yaml(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """Answer the rules that alert, by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def pages() -> dict[str, str]:
    """Answer the runbooks by their path in the project."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text()
        for path in sorted(RUNBOOKS.glob("*.md"))
        if path.name != "README.md"
    }


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def known(
    tmp_path_factory: pytest.TempPathFactory,
    restored_interpreter: None,  # noqa: ARG001 - for what it undoes
) -> AsyncIterator[dict[str, frozenset[str]]]:
    """Answer the labels of every series that can be named: those of a server, and those that are recorded from them."""
    recorded = {rule["record"]: frozenset({"model"}) for rule in rules() if "record" in rule}
    yield series_of(await families_of(tmp_path_factory.mktemp("recording"))) | recorded


def faults(text: str, known: dict[str, frozenset[str]]) -> list[str]:
    """Answer the series in a text that do not exist, and the labels that theirs do not have."""
    found = []
    for name, selector in SERIES.findall(text):
        labels = set(re.findall(r"(\w+)(?:=~|!~|!=|=)", selector))
        if name not in known:
            found.append(name)
        elif not labels <= known[name] | BY_PROMETHEUS:
            found.append(f"{name}{sorted(labels - known[name])}")
    return found


def test_series_in_rules_exist(known: dict[str, frozenset[str]]) -> None:
    """With the labels that are asked of them; also those that the rules' tests make up."""
    assert [fault for rule in rules() for fault in faults(rule["expr"], known)] == []
    made_up = re.findall(r"series: (framebatch\S+)", TESTS.read_text())
    assert len(made_up) > len(alerts())
    assert [fault for series in made_up for fault in faults(series, known)] == []


def test_series_in_runbooks_exist(known: dict[str, frozenset[str]]) -> None:
    """With the labels that are asked of them; each page has something to look at."""
    assert {path: faults(page, known) for path, page in pages().items() if faults(page, known)} == {}
    assert [path for path, page in pages().items() if not SERIES.search(page)] == []


def test_wrong_series_are_found() -> None:
    """An unknown name, and an unknown label; what is no series is left alone."""
    known = {"framebatch_ready": frozenset[str](), "framebatch:missed:ratio_rate5m": frozenset({"model"})}
    text = (
        "framebatch_ready{instance='a'} framebatch_raedy framebatch_ready{camera='a'} framebatch_client --framebatch_x"
    )
    assert faults(text, known) == ["framebatch_raedy", "framebatch_ready['camera']"]
    assert faults("framebatch:missed:ratio_rate5m{model='a'} > framebatch:missed:ratio", known) == [
        "framebatch:missed:ratio"
    ]


def test_every_alert_tells_what_to_do() -> None:
    """How urgent it is, what is the matter with which server, and where to read on: a page of its own, and no page is without an alert."""
    for name, alert in alerts().items():
        assert (name, alert["labels"]["severity"] in {"critical", "warning"}) == (name, True)
        assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
        assert "{{ $labels.instance }}" in alert["annotations"]["description"]
    linked = [alert["annotations"]["runbook_url"] for alert in alerts().values()]
    assert sorted(linked) == sorted(pages())


def test_a_runbook_is_about_its_alert() -> None:
    """It begins with the alert's name and answers the same five questions; the list of pages has it, with its severity."""
    listed = (RUNBOOKS / "README.md").read_text()
    for name, alert in alerts().items():
        path = alert["annotations"]["runbook_url"]
        page = pages()[path]
        assert page.startswith(f"# {name}\n")
        assert re.findall(r"^## (.+)$", page, re.MULTILINE) == [
            "What it means for the line",
            "What to look at",
            "Likely causes",
            "What to do",
            "How to know that it is over",
        ]
        assert f"| [{name}]({Path(path).name}) | {alert['labels']['severity']} |" in listed


def test_every_alert_is_tested_to_fire_and_to_be_quiet() -> None:
    """Each has a case of both."""
    cases = [case for test in read_yaml(TESTS.read_text())["tests"] for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == set(alerts())
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == set(alerts())


def test_prometheus_reads_the_rules_where_they_are_mounted() -> None:
    """Beside its own configuration, by the same relative path as in the folder."""
    (named,) = read_yaml((DEPLOY / "prometheus.yml").read_text())["rule_files"]
    assert DEPLOY / named == RULES
    mounts = [
        mount.split(":")
        for mount in read_yaml((DEPLOY / "compose.yaml").read_text())["services"]["prometheus"]["volumes"]
    ]
    inside = {source: target for source, target, *_ in mounts}
    assert (DEPLOY / f"./{named}").exists()
    assert Path(inside[f"./{named}"]) == Path(inside["./prometheus.yml"]).parent / named


@pytest.mark.parametrize(
    "command",
    [
        ("check", "config", str(DEPLOY / "prometheus.yml")),
        ("check", "rules", str(RULES)),
        ("test", "rules", str(TESTS)),
    ],
    ids=" ".join,
)
def test_promtool_finds_no_fault(command: tuple[str, ...]) -> None:
    """Prometheus' own tool reads the configuration and the rules, and all of the rules' tests pass."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; it comes with Prometheus")
    ran = subprocess.run([promtool, *command], check=False, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout


def test_queries_in_runbooks_are_queries(tmp_path: Path) -> None:
    """Prometheus' own tool reads each of them as an expression."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; it comes with Prometheus")
    queries = [line.strip() for page in pages().values() for line in page.splitlines() if line.startswith("    ")]
    assert len(queries) >= len(alerts())
    rules = [f"  - record: query:{number}\n    expr: {json.dumps(query)}\n" for number, query in enumerate(queries)]
    (tmp_path / "queries.yml").write_text("groups:\n- name: queries\n  rules:\n" + "".join(rules))
    ran = subprocess.run(
        [promtool, "check", "rules", tmp_path / "queries.yml"], check=False, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_common_name_of_cameras_is_the_documented_one() -> None:
    """Runbooks and the page of metrics call the rest of the cameras as the server does."""
    for page in (RUNBOOKS / "camera-silent.md", ROOT / "docs" / "metrics.md"):
        assert f"`{OTHER_CAMERAS}`" in page.read_text()
