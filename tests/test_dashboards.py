"""What dashboards, alerts and recording rules ask is accepted and answered by a real Prometheus that read a real server.

One server on a simulated device, eight cameras of which some are refused, replaced or at fault, and one Prometheus that
reads it each second and evaluates the project's rules without waiting; all expressions are asked while frames flow.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pictures
import pytest
from camera_fleet import CAMERAS, Fleet
from dashboard_faults import selectors_of
from panel_queries import Asked, ask, choices, filled, queries_of, read_dashboards, rule_queries
from scraping import Prometheus, QueryError, impatient
from test_alerts import alerts, rules
from test_dashboard_files import PROCESS
from test_metrics_page import rows

from framebatch.testing import ServerProcess

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.xdist_group("prometheus"),  # one run for all of them
    pytest.mark.skipif(not Prometheus.installed(), reason="prometheus is not installed"),
]
ROOT = Path(__file__).resolve().parent.parent
BOARDS = read_dashboards(ROOT / "deploy" / "grafana" / "dashboards")
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
ASKED = {uid: list(queries_of(board)) for uid, board in BOARDS.items()}
EMPTY_HERE = {
    # a simulated device tells nothing of itself
    r"framebatch_device_(memory|energy|power|temperature|utilisation|clock|throttled)": "no device that tells",
    # its times are known, so nothing was calibrated: no age, no memory, no slow end of the curve
    r"framebatch_(profile_age|memory_(predicted|limit)_)": "no profile",
    r'framebatch_curve_seconds.*quantile="0.95"': "no profile",
    # the server has no certificate and asks for no token
    r"framebatch_(certificate|refused_(calls|streams))": "no TLS, nobody refused",
    # nothing went wrong on the device
    r"framebatch_recovery_total": "nothing failed",
    # annotations of what did not happen
    r"changes\(process_start_time_seconds": "no restart",
    r"increase\(framebatch_model_loads_total": "no other version",
}
"""Expressions that may be empty on a host like this, by what they hold, and why. What they name must be known all the same."""
FIRING = {"FramebatchDeadlinesMissed", "FramebatchErrorBudgetFast", "FramebatchErrorBudgetSlow"}
"""What has to fire, as one camera asks for the impossible; all other alerts may be quiet."""


@dataclass
class Seen:
    """What one run showed."""

    answers: dict[Asked, tuple[int, str]] = field(default_factory=dict)
    variables: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    firing: set[str] = field(default_factory=set)
    unhealthy: list[str] = field(default_factory=list)
    by_client: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_prometheus: Counter[tuple[str, str]] = field(default_factory=Counter)
    sent: int = 0
    refused_expression: str = ""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Answer what was seen while cameras sent, and the counts after they ended."""
    folder = tmp_path_factory.mktemp("prometheus")
    options = ("--model", "conveyor", "--device", "sim:6,3", "--record", folder / "recording")
    found = Seen()
    with (
        ServerProcess(*options) as server,
        Prometheus(folder, target=server._http, rules=impatient(RULES.read_text())) as prometheus,
        Fleet(server.address, pictures.scenes(4, width=64, height=64)) as fleet,
    ):
        prometheus.wait_for("count_over_time(framebatch_ready[1m]) >= 10", seconds=60)
        prometheus.wait_for('ALERTS{alertstate="firing",severity="critical"}', seconds=30)
        _ask_everything(prometheus, found)
        fleet.stop()
        prometheus.wait_for(f"sum(framebatch_frames_total) >= {fleet.answered.total()}", seconds=20)
        found.by_client, found.sent = fleet.answered, fleet.sent - fleet.lost
        found.by_prometheus = Counter(
            {
                (each["metric"]["camera"], each["metric"]["outcome"]): int(each["value"][1])
                for each in prometheus.query("sum by (camera, outcome) (framebatch_frames_total)")
            }
        )
    return found


def _ask_everything(prometheus: Prometheus, found: Seen) -> None:
    for uid, board in BOARDS.items():
        found.variables[uid] = choices(prometheus, board)
        found.answers |= {asked: ask(prometheus, asked, found.variables[uid]) for asked in ASKED[uid]}
    listed = prometheus.rules()
    found.unhealthy = [rule["name"] for rule in listed if rule["health"] != "ok"]
    found.firing = {rule["name"] for rule in listed if rule.get("state") == "firing"}
    found.answers |= {asked: ask(prometheus, asked, {}) for asked in rule_queries(listed)}
    try:
        prometheus.query("sum(")
    except QueryError as error:
        found.refused_expression = str(error)


def may_be_empty(asked: Asked) -> bool:
    """Whether the list has a reason why this expression has no value here."""
    return any(re.search(part, asked.expr) for part in EMPTY_HERE)


@pytest.mark.parametrize("uid", BOARDS)
def test_every_panel_is_answered(seen: Seen, uid: str) -> None:
    """Prometheus takes every expression of panels and annotations, and all have data but those that are right to have none."""
    answers = {asked: seen.answers[asked] for asked in ASKED[uid]}
    assert [(asked.where, error) for asked, (_, error) in answers.items() if error] == []
    empty = [asked for asked, (count, _) in answers.items() if not count]
    assert [asked.where for asked in empty if not may_be_empty(asked)] == []


def test_every_variable_offers_something(seen: Seen) -> None:
    """The server, its model, and every camera by its name."""
    for uid, board in BOARDS.items():
        offered = seen.variables[uid]
        assert set(offered) == {variable["name"] for variable in board["templating"]["list"]}
        assert [name for name, values in offered.items() if not values] == []
    assert seen.variables["framebatch-camera"]["camera"] == sorted(camera.name for camera in CAMERAS)
    assert seen.variables["framebatch-device"]["model"] == ["conveyor"]


def test_every_rule_is_answered(seen: Seen) -> None:
    """Prometheus evaluates all rules; recording rules have values, and the alerts that have to fire do."""
    of_rules = {asked.where: answer for asked, answer in seen.answers.items() if asked.board == "rules"}
    assert set(of_rules) == {rule.get("alert", rule.get("record")) for rule in rules()}
    assert [(name, error) for name, (_, error) in of_rules.items() if error] == []
    assert seen.unhealthy == []
    assert [name for name, (count, _) in of_rules.items() if not count and name not in alerts()] == []
    assert seen.firing >= FIRING
    assert {name for name, (count, _) in of_rules.items() if count} >= FIRING


def test_what_is_empty_names_series_that_exist() -> None:
    """Expressions that may have no value here, and alerts that are quiet, ask for documented series all the same."""
    known = {row.name for row in rows(ROOT)} | set(PROCESS)
    known |= {rule["record"] for rule in rules() if "record" in rule}
    excused = [asked.expr for asking in ASKED.values() for asked in asking if may_be_empty(asked)]
    quiet = [rule["expr"] for rule in rules() if rule.get("alert", "") not in FIRING]
    named = {name for expr in (*excused, *quiet) for name, *_ in selectors_of(expr)}
    assert {name for name in named if re.sub(r"_(bucket|sum|count)$", "", name) not in known} == set()
    assert [part for part in EMPTY_HERE if not any(re.search(part, expr) for expr in excused)] == []


def test_frames_are_counted_once_by_everybody(seen: Seen) -> None:
    """What Prometheus read of each camera and outcome is what the cameras were answered, to the frame."""
    assert +seen.by_prometheus == seen.by_client
    assert seen.by_client.total() == seen.sent
    assert {outcome for _, outcome in seen.by_client} >= {"OK", "REJECTED", "INVALID"}


def test_what_is_no_expression_is_refused(seen: Seen) -> None:
    """So that a panel with a mistake would be found."""
    assert "parse error" in seen.refused_expression


def test_variables_are_filled_in_as_grafana_does() -> None:
    """Several values as a regular expression with its signs escaped, one as it is, windows as times."""
    expr = 'rate(a{x=~"$x",y="$y",z!="$y"}[$__rate_interval])'
    chosen = {"x": ["a.b", "c"], "y": ["d"]}
    assert filled(expr, chosen) == 'rate(a{x=~"(a\\\\.b|c)",y="d",z!="d"}[10s])'
