"""What is wrong with a dashboard, by the rules of Grafana's classic model and of this project; no Grafana is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["faults_of", "selectors_of"]

COLUMNS = 24
TYPES = {"row", "stat", "timeseries", "heatmap", "state-timeline", "table", "text"}
UNITS = {"none", "short", "percentunit", "s", "bytes", "celsius", "hertz", "watt", "joule"}
COLOURS = {"green", "orange", "red", "dark-red", "blue", "purple"}
BUILT_IN = {"__all", "__rate_interval", "__range", "__interval", "__value", "__url_time_range"}
SELECTOR = re.compile(r"(?<![\w:$])(?P<name>framebatch[_:][\w:]+|ALERTS\w*|up|process_\w+)\{(?P<matchers>[^}]*)\}")
BARE = re.compile(r"(?<![\w:$\"])(framebatch[_:][\w:]+)(?!\{)\b(?![\w:{])")
NEEDED = ("uid", "title", "description", "tags", "schemaVersion", "refresh", "time", "panels", "templating")
LINK = re.compile(r"/d/(?P<uid>[\w-]+)(?:\?viewPanel=panel-(?P<panel>\d+))?")


def faults_of(
    document: Mapping[str, Any],
    *,
    boards: Mapping[str, Mapping[str, Any]],
    sources: set[str],
    series: Mapping[str, frozenset[str]],
) -> list[str]:
    """Answer what is wrong, in words.

    Args:
        document: the dashboard.
        boards: all dashboards by uid, which links may lead to.
        sources: uids of the data sources that there are.
        series: labels of every series that there is.
    """
    panels = document["panels"]
    found = [f"no {name}" for name in NEEDED if name not in document]
    found += list(_places(panels))
    found += [f"data source {uid}" for uid in sorted(_sources(document) - sources)]
    found += list(_variables(document))
    found += [fault for panel in panels for fault in _panel(panel, document, series)]
    return found + list(_links(document, boards))


def selectors_of(expr: str) -> list[tuple[str, set[str], str]]:
    """Answer the series in an expression with the labels that are matched, and the matchers."""
    chosen = [(name, set(re.findall(r"(\w+)(?:=~|!~|!=|=)", text)), text) for name, text in SELECTOR.findall(expr)]
    return chosen + [(name, set(), "") for name in BARE.findall(expr)]


def _places(panels: list[dict[str, Any]]) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    ids = [panel["id"] for panel in panels]
    titles = [panel["title"] for panel in panels]
    yield from (f"id {number} twice" for number in sorted({number for number in ids if ids.count(number) > 1}))
    yield from (f"title {title!r} twice" for title in sorted({title for title in titles if titles.count(title) > 1}))
    for panel in panels:
        at = panel["gridPos"]
        if at["x"] + at["w"] > COLUMNS or at["w"] < 1 or at["h"] < 1:
            yield f"{panel['title']}: wider than {COLUMNS} columns, or empty"
        cells = [(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
        yield from {f"{panel['title']} lies on {taken[cell]}" for cell in cells if cell in taken}
        taken |= dict.fromkeys(cells, panel["title"])


def _sources(value: Any) -> set[str]:
    """The uids of all data sources named anywhere, but for Grafana's own."""
    if isinstance(value, list):
        return set().union(*map(_sources, value))
    if not isinstance(value, dict):
        return set()
    own = {value["uid"]} if set(value) == {"type", "uid"} and value["type"] != "grafana" else set()
    return own.union(*map(_sources, value.values()))


def _variables(document: Mapping[str, Any]) -> Iterator[str]:
    known = {variable["name"] for variable in document["templating"]["list"]}
    used = set(
        re.findall(r"\$\{?([a-z_]\w*)", str([document["panels"], document["annotations"], document["templating"]]))
    )
    yield from (f"variable {name} does not exist" for name in sorted(used - known - BUILT_IN))
    yield from (f"variable {name} is not used" for name in sorted(known - used))


def _panel(panel: dict[str, Any], document: Mapping[str, Any], series: Mapping[str, frozenset[str]]) -> Iterator[str]:
    title = panel["title"]
    if panel["type"] not in TYPES:
        yield f"{title}: type {panel['type']}"
    if panel["type"] in {"row", "text"}:
        return
    if not title.endswith("?") or len(panel.get("description", "")) < 40:
        yield f"{title}: no question, or no description"
    refs = [target.get("refId") for target in panel["targets"]]
    if not refs or len(set(refs)) < len(refs) or None in refs:
        yield f"{title}: refIds {refs}"
    for target in panel["targets"]:
        if not target.get("expr") or not target.get("datasource") or target["range"] == target["instant"]:
            yield f"{title}: target {target.get('refId')} is not whole"
        yield from (f"{title}: {fault}" for fault in _expression(target.get("expr", ""), document, series))
    yield from (f"{title}: {fault}" for fault in _look(panel))


def _look(panel: dict[str, Any]) -> Iterator[str]:
    """Units and colours that Grafana does not know, thresholds out of order, a table that is sorted by nothing."""
    units = [unit for unit in _values_of(panel, "unit") if unit not in UNITS]
    yield from (f"unit {unit}" for unit in units if not re.fullmatch(r"suffix: \S+", unit))
    for steps in _values_of(panel["fieldConfig"], "steps"):
        limits = [step["value"] for step in steps]
        if limits[0] is not None or limits[1:] != sorted(limits[1:]):
            yield f"thresholds {limits}"
    colours = [*_values_of(panel["fieldConfig"], "color"), *_values_of(panel, "fixedColor")]
    yield from (f"colour {colour}" for colour in colours if isinstance(colour, str) and colour not in COLOURS)
    shown = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
    sorted_by = {by["displayName"] for by in panel["options"].get("sortBy", [])}
    yield from (f"sorted by {name}" for name in sorted_by - shown)


def _expression(expr: str, document: Mapping[str, Any], series: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Series that do not exist, labels that they do not have, and variables of the dashboard that are not used."""
    filters = {variable["name"] for variable in document["templating"]["list"]}
    for name, matched, text in selectors_of(expr):
        if name not in series:
            yield f"no series {name}"
            continue
        if matched - series[name] - {"instance", "job"}:
            yield f"{name} has no {sorted(matched - series[name] - {'instance', 'job'})}"
        wanted = {"instance"} | (filters & series[name])
        yield from (f"{name} is not chosen by {label}" for label in sorted(wanted) if f'"${label}"' not in text)


def _links(document: Mapping[str, Any], boards: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for url in [*_values_of(document, "url"), *re.findall(r"\]\((/d/[^)]+)\)", str(document["panels"]))]:
        if not url:
            continue
        found = LINK.match(url)
        if not found or found["uid"] not in boards:
            yield f"link to {url}"
            continue
        panels = {str(panel["id"]) for panel in boards[found["uid"]]["panels"]}
        if found["panel"] and found["panel"] not in panels:
            yield f"link to {url}: no such panel"
        names = {variable["name"] for variable in boards[found["uid"]]["templating"]["list"]}
        yield from (
            f"link to {url}: no variable {name}" for name in re.findall(r"var-(\w+)=", url) if name not in names
        )


def _values_of(value: Any, key: str) -> list[Any]:
    """All values of a key, at any depth."""
    if isinstance(value, list):
        return [found for inner in value for found in _values_of(inner, key)]
    if not isinstance(value, dict):
        return []
    own = [value[key]] if key in value else []
    if value.get("id") == key and "value" in value:
        own.append(value["value"])
    return own + [found for inner in value.values() for found in _values_of(inner, key)]
