"""What dashboards and rules ask Prometheus, with the variables filled in as Grafana would, and the answers."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scraping import Prometheus, QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Asked", "ask", "choices", "queries_of", "read_dashboards", "rule_queries"]

WINDOW_SECONDS: Final = 10
LABEL_VALUES: Final = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One expression and where it stands."""

    board: str
    where: str
    expr: str
    over_time: bool


def read_dashboards(folder: Path) -> dict[str, dict[str, Any]]:
    """Answer the dashboards of a folder by uid."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return {document["uid"]: document for document in documents}


def queries_of(document: dict[str, Any]) -> Iterator[Asked]:
    """Give the expressions of all panels and annotations, variables not filled in."""
    uid = document["uid"]
    for panel in document["panels"]:
        for target in panel.get("targets", []):
            where = f"{panel['title']} {target['refId']}"
            yield Asked(board=uid, where=where, expr=target["expr"], over_time=target["range"])
    for annotation in document["annotations"]["list"]:
        if "expr" in annotation:
            yield Asked(board=uid, where=f"annotation {annotation['name']}", expr=annotation["expr"], over_time=True)


def rule_queries(rules: list[dict[str, Any]]) -> Iterator[Asked]:
    """Give the expressions of alerts and recording rules, as Prometheus lists them."""
    for rule in rules:
        yield Asked(board="rules", where=rule["name"], expr=rule["query"], over_time=False)


def choices(prometheus: Prometheus, document: dict[str, Any]) -> dict[str, list[str]]:
    """Ask for what each variable of a dashboard offers, those before it set to all that they offer."""
    found: dict[str, list[str]] = {}
    for variable in document["templating"]["list"]:
        parts = LABEL_VALUES.fullmatch(variable["query"]["query"])
        if parts is None:
            raise ValueError(f"variable {variable['name']} does not ask for label_values(SERIES, LABEL)")
        found[variable["name"]] = prometheus.label_values(filled(parts["series"], found), parts["label"])
    return found


def filled(expr: str, chosen: Mapping[str, list[str]]) -> str:
    """The expression as Grafana sends it: several values of a variable as a regular expression, one as it is."""
    for name, value in (("__rate_interval", f"{WINDOW_SECONDS}s"), ("__range", "1m")):
        expr = expr.replace(f"${name}", value)
    for name, values in chosen.items():
        several = "(" + "|".join(re.escape(value).replace("\\", "\\\\") for value in values) + ")"
        expr = expr.replace(f'=~"${name}"', f'=~"{several}"').replace(
            f'="${name}"', f'="{values[0]}"' if values else ""
        )
        expr = expr.replace(f'!="${name}"', f'!="{values[0]}"' if values else "")
    return expr


def ask(prometheus: Prometheus, asked: Asked, chosen: Mapping[str, list[str]]) -> tuple[int, str]:
    """Answer how many series have a value now, or in the last seconds, and what Prometheus has against the expression."""
    expr = filled(asked.expr, chosen)
    try:
        if asked.over_time:
            series = prometheus.query_range(expr, seconds=WINDOW_SECONDS)
            samples = [[value for _, value in each["values"]] for each in series]
        else:
            samples = [[each["value"][1]] for each in prometheus.query(expr)]
    except QueryError as error:
        return 0, str(error)
    return sum(any(not math.isnan(float(value)) for value in values) for values in samples), ""
