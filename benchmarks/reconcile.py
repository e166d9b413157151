"""Do the cameras, the server and Prometheus count alike, and has every panel and alert an answer?

    reconcile.py                        60 s of eight cameras, on a simulated device
    reconcile.py --device cpu           on the processor, which also tells of itself

A real server, a real Prometheus that reads it each second with the project's rules, and eight cameras of which one asks
for the impossible, one is replaced by itself and one sends rubbish. Prints Markdown; exit status 1 where anything differs.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pictures
from camera_fleet import Fleet
from panel_queries import Asked, ask, choices, filled, queries_of, read_dashboards, rule_queries
from scraping import Prometheus, impatient
from serving import Server

from framebatch.frame import Outcome

ROOT: Final = Path(__file__).resolve().parent.parent
DEPLOY: Final = ROOT / "deploy"
OUTCOMES: Final = [outcome.value for outcome in Outcome]
SETTLE_SECONDS: Final = 20.0


def measure(arguments: argparse.Namespace, folder: Path) -> tuple[list[str], bool]:
    """One run: lines to print, and whether all agreed."""
    rules = impatient((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    boards = read_dashboards(DEPLOY / "grafana" / "dashboards")
    options = ("--model", arguments.model, "--device", arguments.device, "--record", str(folder / "recording"))
    with (
        Server(*options) as server,
        Prometheus(folder, target=server.facts["http"], rules=rules) as prometheus,
        Fleet(server.facts["grpc"], pictures.scenes(16)) as fleet,
    ):
        begin = time.monotonic()
        time.sleep(arguments.seconds)
        lines = [_head(server, prometheus), *_answers(prometheus, boards)]
        fleet.stop()
        seconds = time.monotonic() - begin
        prometheus.wait_for(f"sum(framebatch_frames_total) >= {fleet.answered.total()}", seconds=SETTLE_SECONDS)
        found = prometheus.query("sum by (camera, outcome) (framebatch_frames_total)")
    told = Counter({(e["metric"]["camera"], e["metric"]["outcome"]): int(e["value"][1]) for e in found})
    agree = +told == fleet.answered and fleet.sent == fleet.answered.total() + fleet.lost
    return [*lines, *_counts(fleet, told, seconds, agree=agree)], agree


def _head(server: Server, prometheus: Prometheus) -> str:
    return (
        f"Device {server.facts['device']}, model {server.facts['model']}, Python {platform.python_version()}, "
        f"Prometheus {prometheus.version()}, {os.cpu_count()} cores, {os.getloadavg()[0]:.1f} processes that wanted to run.\n"
    )


def _answers(prometheus: Prometheus, boards: dict[str, Any]) -> list[str]:
    """What was asked, how much of it had data, what had none, and the single figures of each dashboard."""
    lines = ["| asked of | expressions | accepted | with data | without data |", "| --- | ---: | ---: | ---: | --- |"]
    stats = ["| dashboard | figure | value |", "| --- | --- | --- |"]
    for uid, board in boards.items():
        chosen = choices(prometheus, board)
        answers = {asked: ask(prometheus, asked, chosen) for asked in queries_of(board)}
        if answers:
            lines.append(_row(board["title"], answers))
        for panel in board["panels"]:
            if panel["type"] == "stat":
                values = prometheus.query(filled(panel["targets"][0]["expr"], chosen))
                shown = " ".join(f"{float(each['value'][1]):.4g}" for each in values) or "nothing"
                stats.append(f"| {uid} | {panel['title']} | {shown} |")
    of_rules = {asked: ask(prometheus, asked, {}) for asked in rule_queries(prometheus.rules())}
    recorded = {asked: answer for asked, answer in of_rules.items() if ":" in asked.where}
    alerting = {asked: answer for asked, answer in of_rules.items() if ":" not in asked.where}
    lines += [_row("recording rules", recorded), _row("alerts: with data means that they fire", alerting)]
    return [*lines, "", *stats, ""]


def _row(name: str, answers: dict[Asked, tuple[int, str]]) -> str:
    accepted = sum(not error for _, error in answers.values())
    empty = [asked.where for asked, (count, _) in answers.items() if not count]
    return f"| {name} | {len(answers)} | {accepted} | {len(answers) - len(empty)} | {', '.join(empty)} |"


def _counts(fleet: Fleet, told: Counter[tuple[str, str]], seconds: float, *, agree: bool) -> list[str]:
    lines = [
        f"Frames in {seconds:.0f} s, as the cameras counted their answers / as Prometheus has them:\n",
        f"| camera | {' | '.join(OUTCOMES)} | all |",
        f"| --- | {' | '.join('---:' for _ in OUTCOMES)} | ---: |",
    ]
    for camera in sorted({camera for camera, _ in told | fleet.answered}):
        cells = [(fleet.answered[camera, outcome], told[camera, outcome]) for outcome in OUTCOMES]
        cells.append((sum(here for here, _ in cells), sum(there for _, there in cells)))
        lines.append(f"| {camera} | {' | '.join(f'{here} / {there}' for here, there in cells)} |")
    verdict = "equal to the frame" if agree else "NOT EQUAL"
    total = f"{fleet.sent} sent, {fleet.answered.total()} answered, {fleet.lost} lost, {told.total()} in Prometheus: {verdict}."
    return [*lines, "", total]


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the cameras send")
    parser.add_argument("--model", default="conveyor")
    parser.add_argument("--device", default="sim:6,3")
    arguments = parser.parse_args()
    if not Prometheus.installed():
        print("prometheus is not installed", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        lines, agree = measure(arguments, Path(folder))
    print("\n".join(lines))
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
