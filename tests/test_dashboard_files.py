"""deploy/grafana: the dashboards are what the code makes, whole by Grafana's rules, and ask for what a server exports."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import make_dashboards
import pytest
from boards.board import Board, Row
from boards.pages import with_tables
from boards.panels import text
from dashboard_faults import faults_of, selectors_of
from plain_yaml import read_yaml
from served_families import series_of
from test_alerts import alerts, rules
from test_metrics_page import rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BOARDS = make_dashboards.documents()
FIGURES = {uid: board for uid, board in BOARDS.items() if uid != "framebatch-runbooks"}
PROCESS = {
    name: frozenset[str]()
    for name in ("process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes", "up")
}


@pytest.fixture(scope="module")
def series(root: Path) -> dict[str, frozenset[str]]:
    """Answer the labels of every series that a dashboard may name: documented, recorded, of the process and of alerts."""
    documented = series_of({row.name: row.family for row in rows(root)})
    recorded = {rule["record"]: frozenset({"model"}) for rule in rules() if "record" in rule}
    firing = dict.fromkeys(("ALERTS", "ALERTS_FOR_STATE"), frozenset({"alertname", "alertstate"}))
    return documented | recorded | firing | PROCESS


@pytest.fixture(scope="module")
def sources(root: Path) -> set[str]:
    """Answer the uids of the data sources that are provisioned."""
    path = root / "deploy" / "grafana" / "provisioning" / "datasources" / "prometheus.yaml"
    return {source["uid"] for source in read_yaml(path.read_text())["datasources"]}


@pytest.mark.parametrize("uid", BOARDS)
def test_a_dashboard_is_whole(uid: str, series: dict[str, frozenset[str]], sources: set[str]) -> None:
    """Places, ids, data sources, variables, units, thresholds, series with their labels, and links."""
    assert faults_of(BOARDS[uid], boards=BOARDS, sources=sources, series=series) == []


def test_the_files_are_what_the_code_makes(root: Path) -> None:
    """Each file, no more of them, the tables of the page and its pictures; after a change: python deploy/grafana/make_dashboards.py."""
    folder = root / "deploy" / "grafana" / "dashboards"
    assert {path.name: path.read_text() for path in folder.glob("*.json")} == make_dashboards.files()
    docs = root / "docs"
    assert (docs / "dashboards.md").read_text() == make_dashboards.page()
    pictures = {path.name: path.read_text() for path in (docs / "images").glob("framebatch-*.svg")}
    assert pictures == make_dashboards.sketches()


def test_another_data_source_is_named_everywhere(series: dict[str, frozenset[str]]) -> None:
    """For a Grafana that has its Prometheus already."""
    for document in make_dashboards.documents("mine").values():
        assert faults_of(document, boards=BOARDS, sources={"mine"}, series=series) == []


def test_dashboards_know_each_other() -> None:
    """One tag, by which each lists the others with variables and time; figures refresh every 10 s, and mark what happened."""
    assert all(board["tags"] == ["framebatch"] for board in BOARDS.values())
    for board in BOARDS.values():
        (link,) = board["links"]
        assert (link["tags"], link["includeVars"], link["keepTime"]) == (["framebatch"], True, True)
    for board in FIGURES.values():
        assert board["refresh"] == "10s"
        names = [annotation["name"] for annotation in board["annotations"]["list"]]
        assert names == ["Annotations & Alerts", "Restarts", "Model versions", "Alerts"]


def test_figures_come_first() -> None:
    """The first line of each dashboard is single figures, over the whole width."""
    for board in FIGURES.values():
        first = [panel for panel in board["panels"] if panel["gridPos"]["y"] == 0]
        assert {panel["type"] for panel in first} == {"stat"}
        assert sum(panel["gridPos"]["w"] for panel in first) == 24


def test_every_alert_is_led_to() -> None:
    """Some panel leads to the runbook of each alert, and the panel that it leads to is about that alert."""
    titles = {panel["id"]: panel["title"] for panel in BOARDS["framebatch-runbooks"]["panels"]}
    links = [link for board in FIGURES.values() for panel in board["panels"] for link in panel.get("links", [])]
    led = {link["title"].removeprefix("Runbook: "): int(link["url"].rpartition("-")[2]) for link in links}
    assert set(led) == set(alerts())
    assert {alert: titles[place] for alert, place in led.items()} == {alert: alert for alert in alerts()}


def test_runbooks_are_shown_whole(root: Path) -> None:
    """Every line of a page without links stands in the panel of its alert; links lead from panel to panel."""
    pages = {alert["annotations"]["runbook_url"]: name for name, alert in alerts().items()}
    shown = {panel["title"]: panel["options"]["content"] for panel in BOARDS["framebatch-runbooks"]["panels"]}
    for path, name in pages.items():
        lines = [line for line in (root / path).read_text().splitlines()[1:] if "](" not in line]
        assert [line for line in lines if line not in shown[name]] == []
        assert "](" not in re.sub(r"\]\(/d/framebatch-runbooks\?viewPanel=panel-\d+\)", "", shown[name])


def _edit(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    document = copy.deepcopy(BOARDS["framebatch-fleet"])
    change(document)
    return document


WRONG: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda board: board.pop("refresh"), "no refresh"),
    (lambda board: board["panels"][1].update(id=1), "id 1 twice"),
    (lambda board: board["panels"][0]["gridPos"].update(w=5), "lies on"),
    (lambda board: board["panels"][5]["gridPos"].update(w=25), "wider than 24"),
    (lambda board: board["panels"][0].update(type="graph"), "type graph"),
    (lambda board: board["panels"][0].update(title="Load"), "no question"),
    (lambda board: board["panels"][0]["targets"][0].update(refId=None), "refIds [None]"),
    (lambda board: board["panels"][0]["targets"][0].update(datasource={"type": "prometheus", "uid": "x"}), "source x"),
    (lambda board: board["panels"][0]["targets"][0].update(expr="framebatch_raedy"), "no series framebatch_raedy"),
    (lambda board: board["panels"][0]["targets"][0].update(expr="framebatch_ready"), "not chosen by instance"),
    (lambda board: board["panels"][0]["targets"][0].update(expr='up{instance=~"$instance",x="y"}'), "up has no ['x']"),
    (lambda board: board["panels"][0]["targets"][0].update(expr="$camra"), "variable camra does not exist"),
    (lambda board: board["panels"][0]["fieldConfig"]["defaults"].update(unit="parsec"), "unit parsec"),
    (lambda board: board["panels"][0]["fieldConfig"]["defaults"].update(color="#fff"), "colour #fff"),
    (lambda board: board["panels"][0]["options"].update(sortBy=[{"displayName": "x"}]), "sorted by x"),
    (lambda board: board["panels"][0]["fieldConfig"]["defaults"]["thresholds"]["steps"].reverse(), "thresholds"),
    (lambda board: board["panels"][0]["links"][0].update(url="/d/nowhere"), "link to /d/nowhere"),
    (
        lambda board: board["panels"][0]["links"][0].update(url="/d/framebatch-runbooks?viewPanel=panel-99"),
        "no such panel",
    ),
]


@pytest.mark.parametrize(("change", "fault"), WRONG, ids=[fault for _, fault in WRONG])
def test_what_is_wrong_is_found(
    change: Callable[[dict[str, Any]], Any], fault: str, series: dict[str, frozenset[str]], sources: set[str]
) -> None:
    """Each rule finds a dashboard that breaks it."""
    found = faults_of(_edit(change), boards=BOARDS, sources=sources, series=series)
    assert any(fault in each for each in found), found


def test_series_are_read_from_expressions() -> None:
    """With and without matchers; variables, labels and words in quotes are none."""
    expr = 'sum by (camera) (rate(framebatch_a_total{model=~"$model",b!="framebatch_x"}[5m])) / framebatch:c:d5m > up'
    assert selectors_of(expr) == [
        ("framebatch_a_total", {"model", "b"}, 'model=~"$model",b!="framebatch_x"'),
        ("framebatch:c:d5m", set(), ""),
    ]


def test_a_line_that_does_not_fill_the_width_is_refused() -> None:
    """Panels lie in lines of 24 columns; a hole is a mistake."""
    board = Board(uid="u", title="t", description="d", rows=[Row("", [text("a", "b", description="c", width=7)])])
    with pytest.raises(ValueError, match="7 columns wide and not 24"):
        board.document(datasource="prometheus", runbooks={})


def test_a_page_without_a_place_for_a_dashboard_is_refused() -> None:
    """Named with the marks that it needs."""
    with pytest.raises(ValueError, match="no place for framebatch-fleet"):
        with_tables("# Dashboards", FIGURES)


def test_the_script_writes_elsewhere_and_for_another_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --out the project's files stay as they are."""
    monkeypatch.setattr("sys.argv", ["make_dashboards.py", "--datasource", "mine", "--out", str(tmp_path / "new")])
    make_dashboards.main()
    written = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "new").iterdir()}
    assert written == make_dashboards.documents("mine")
