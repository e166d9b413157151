"""The kinds of panels. Each function answers a panel without place and id; `board` gives it both.

Field names are those of Grafana's panel plugins. A stat asks for the present value only: over a range it would go on
showing the last value of a server that is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from boards.look import neutral

__all__ = ["PROMETHEUS", "Panel", "Query", "heatmap", "stat", "table", "text", "timeline", "timeseries"]

PROMETHEUS: Final = {"type": "prometheus", "uid": "prometheus"}
Panel = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """An expression, and what the legend calls its series."""

    expr: str
    legend: str = ""


def stat(
    title: str,
    query: str,
    *,
    description: str,
    unit: str,
    thresholds: Panel,
    width: int = 4,
    decimals: int | None = None,
    mappings: list[Panel] | None = None,
    none: str = "nothing yet",
    runbooks: tuple[str, ...] = (),
) -> Panel:
    """One present figure."""
    return _panel("stat", title, description, (width, 4), runbooks) | {
        "targets": _targets([Query(query)], instant=True),
        "fieldConfig": _fields(
            unit=unit,
            thresholds=thresholds,
            color={"mode": "thresholds"},
            mappings=mappings or [],
            noValue=none,
            **({} if decimals is None else {"decimals": decimals}),
        ),
        "options": {
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "showPercentChange": False,
            "textMode": "auto",
            "wideLayout": True,
        },
    }


def timeseries(
    title: str,
    *queries: Query,
    description: str,
    unit: str,
    width: int = 12,
    thresholds: Panel | None = None,
    stacked: bool = False,
    bars: bool = False,
    colours: list[Panel] | None = None,
    low: float | None = 0,
    high: float | None = None,
    soft_high: float | None = None,
    runbooks: tuple[str, ...] = (),
) -> Panel:
    """Figures over time; with thresholds, their limits are drawn as dashed lines."""
    custom: Panel = {
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 60 if stacked else 10,
        "gradientMode": "none",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "pointSize": 4,
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
        "thresholdsStyle": {"mode": "dashed" if thresholds else "off"},
    }
    if soft_high is not None:
        custom["axisSoftMax"] = soft_high
    limits = {name: value for name, value in (("min", low), ("max", high)) if value is not None}
    return _panel("timeseries", title, description, (width, 8), runbooks) | {
        "targets": _targets(queries),
        "fieldConfig": _fields(
            unit=unit,
            thresholds=thresholds or neutral(),
            overrides=colours,
            color={"mode": "palette-classic"},
            custom=custom,
            **limits,
        ),
        "options": {
            "legend": {
                "calcs": ["lastNotNull", "max"],
                "displayMode": "table",
                "placement": "bottom",
                "showLegend": True,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def heatmap(
    title: str, query: str, *, description: str, unit: str, width: int = 12, runbooks: tuple[str, ...] = ()
) -> Panel:
    """How a histogram's values were spread over time. Drawn in one colour, whose strength tells how many."""
    return _panel("heatmap", title, description, (width, 8), runbooks) | {
        "targets": [target | {"format": "heatmap"} for target in _targets([Query(query, "{{le}}")])],
        "fieldConfig": {
            "defaults": {"custom": {"scaleDistribution": {"type": "linear"}}},
            "overrides": [],
        },
        "options": {
            "calculate": False,
            "cellGap": 1,
            "color": {
                "exponent": 0.5,
                "fill": "blue",
                "mode": "opacity",
                "scale": "exponential",
                "scheme": "Blues",
                "steps": 64,
            },
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": True},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
        },
    }


def timeline(
    title: str,
    *queries: Query,
    description: str,
    mappings: list[Panel],
    width: int = 12,
    runbooks: tuple[str, ...] = (),
) -> Panel:
    """States over time."""
    return _panel("state-timeline", title, description, (width, 8), runbooks) | {
        "targets": _targets(queries),
        "fieldConfig": _fields(
            unit="none",
            thresholds=neutral(),
            color={"mode": "thresholds"},
            custom={"fillOpacity": 70, "lineWidth": 0},
            mappings=mappings,
        ),
        "options": {
            "alignValue": "left",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "mergeValues": True,
            "rowHeight": 0.9,
            "showValue": "auto",
            "tooltip": {"mode": "single", "sort": "none"},
        },
    }


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table: the label or the value of the query of that number, and how it is shown."""

    name: str
    unit: str = "none"
    thresholds: Panel | None = None
    link: tuple[str, str] | None = None
    mappings: tuple[Panel, ...] = ()


def table(
    title: str,
    queries: dict[str, str],
    columns: dict[str, Column],
    *,
    description: str,
    sort: str,
    descending: bool = False,
    width: int = 24,
    height: int = 9,
    runbooks: tuple[str, ...] = (),
) -> Panel:
    """Present values, a row for each set of labels.

    `queries` has expressions by the name of their column of values, all with the same labels. `columns` says how columns
    are shown, by label or name of a query; labels that are not among them are hidden. `sort` is a column as shown.
    """
    refs = {name: chr(ord("A") + place) for place, name in enumerate(queries)}
    alone = len(queries) == 1
    fields = {name: "Value" if alone else f"Value #{refs[name]}" for name in queries}
    shown = {fields.get(name, name): column.name for name, column in columns.items()}
    targets = _targets([Query(expr) for expr in queries.values()], instant=True)
    return _panel("table", title, description, (width, height), runbooks) | {
        "targets": [target | {"format": "table"} for target in targets],
        "transformations": [
            {"id": "merge", "options": {}},
            {"id": "filterFieldsByName", "options": {"include": {"names": list(shown)}}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": {},
                    "indexByName": {field: place for place, field in enumerate(shown)},
                    "renameByName": shown,
                },
            },
        ],
        "fieldConfig": _fields(
            unit="none",
            thresholds=neutral(),
            overrides=[_override(column) for column in columns.values()],
            custom={"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True, "inspect": False},
        ),
        "options": {
            "cellHeight": "sm",
            "showHeader": True,
            "sortBy": [{"desc": descending, "displayName": sort}],
        },
    }


def text(title: str, content: str, *, description: str, width: int = 12, height: int = 14) -> Panel:
    """Words, in Markdown."""
    panel = _panel("text", title, description, (width, height), ())
    del panel["datasource"]
    return panel | {"options": {"code": {"language": "plaintext"}, "content": content, "mode": "markdown"}}


def _panel(kind: str, title: str, description: str, size: tuple[int, int], runbooks: tuple[str, ...]) -> Panel:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": PROMETHEUS,
        "gridPos": {"w": size[0], "h": size[1]},
        "links": [{"runbook": alert} for alert in runbooks],
    }


def _targets(queries: list[Query] | tuple[Query, ...], *, instant: bool = False) -> list[Panel]:
    return [
        {
            "refId": chr(ord("A") + place),
            "datasource": PROMETHEUS,
            "editorMode": "code",
            "expr": query.expr,
            "instant": instant,
            "legendFormat": query.legend or "__auto",
            "range": not instant,
        }
        for place, query in enumerate(queries)
    ]


def _fields(*, unit: str, thresholds: Panel, overrides: Any = None, **rest: Any) -> Panel:
    return {"defaults": {"unit": unit, "thresholds": thresholds, **rest}, "overrides": overrides or []}


def _override(column: Column) -> Panel:
    properties: list[Panel] = [{"id": "unit", "value": column.unit}]
    if column.thresholds:
        properties += [
            {"id": "thresholds", "value": column.thresholds},
            {"id": "custom.cellOptions", "value": {"type": "color-text"}},
        ]
    if column.mappings:
        properties.append({"id": "mappings", "value": list(column.mappings)})
    if column.link:
        said, url = column.link
        properties.append({"id": "links", "value": [{"title": said, "url": url, "targetBlank": False}]})
    return {"matcher": {"id": "byName", "options": column.name}, "properties": properties}
