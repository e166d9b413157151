"""A whole dashboard: panels in their places, variables, annotations and links to the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from boards.matching import BY_INSTANCE, BY_MODEL
from boards.panels import PROMETHEUS

__all__ = ["Board", "Row", "variable"]

COLUMNS: Final = 24
RUNBOOKS: Final = "framebatch-runbooks"
SCHEMA_VERSION: Final = 39
"""Of Grafana 11; later ones bring it up to date when they read it."""


@dataclass(frozen=True)
class Row:
    """Panels under one heading; the first of a dashboard has none."""

    title: str
    panels: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Board:
    """What one dashboard is made from."""

    uid: str
    title: str
    description: str
    rows: list[Row]
    variables: list[dict[str, Any]] = field(default_factory=list)
    time_from: str = "now-1h"
    refresh: str = "10s"

    def document(self, *, datasource: str, runbooks: dict[str, int]) -> dict[str, Any]:
        """The dashboard as Grafana reads it.

        Args:
            datasource: uid of the Prometheus that every query asks.
            runbooks: id of the panel that shows the runbook of an alert.
        """
        document = {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["framebatch"],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "refresh": self.refresh,
            "time": {"from": self.time_from, "to": "now"},
            "timepicker": {},
            "timezone": "browser",
            "links": _links(),
            "annotations": {"list": _annotations() if self.variables else []},
            "templating": {"list": self.variables},
            "panels": [_linked(panel, runbooks) for panel in _placed(self.rows)],
        }
        replaced: dict[str, Any] = _with_datasource(document, datasource)
        return replaced


def variable(name: str, label: str, query: str, *, multi: bool = True) -> dict[str, Any]:
    """A choice that Prometheus offers; of a multiple one all are chosen until somebody chooses."""
    chosen = {"current": {"selected": True, "text": ["All"], "value": ["$__all"]}, "allValue": ".*"} if multi else {}
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": PROMETHEUS,
        "definition": query,
        "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "regex": "",
        "refresh": 2,
        "sort": 7,
        "hide": 0,
        "multi": multi,
        "includeAll": multi,
        "options": [],
        **chosen,
    }


def _placed(rows: list[Row]) -> list[dict[str, Any]]:
    """Give ids and places: from left to right, in lines of panels of one height that fill the width."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        if row.title:
            heading = {"type": "row", "title": row.title, "collapsed": False, "panels": []}
            panels.append(heading | {"id": len(panels) + 1, "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}})
            y += 1
        x = 0
        for panel in row.panels:
            size = panel["gridPos"]
            panels.append(panel | {"id": len(panels) + 1, "gridPos": {"x": x, "y": y, **size}})
            x += size["w"]
            if x == COLUMNS:
                x, y = 0, y + size["h"]
        if x:
            raise ValueError(f"row {row.title!r}: the last line is {x} columns wide and not {COLUMNS}")
    return panels


def _linked(panel: dict[str, Any], runbooks: dict[str, int]) -> dict[str, Any]:
    named = [link["runbook"] for link in panel.get("links", [])]
    links = [
        {
            "title": f"Runbook: {alert}",
            "url": f"/d/{RUNBOOKS}?viewPanel=panel-{runbooks[alert]}",
            "targetBlank": True,
        }
        for alert in named
    ]
    return panel | {"links": links} if links else {name: value for name, value in panel.items() if name != "links"}


def _links() -> list[dict[str, Any]]:
    """To the others, with the time range and the variables as they are."""
    return [
        {
            "type": "dashboards",
            "title": "framebatch",
            "tags": ["framebatch"],
            "asDropdown": False,
            "icon": "external link",
            "includeVars": True,
            "keepTime": True,
            "targetBlank": False,
            "tooltip": "The other dashboards of framebatch",
            "url": "",
        }
    ]


def _annotations() -> list[dict[str, Any]]:
    firing = f'ALERTS{{alertname=~"Framebatch.+",alertstate="firing",{BY_INSTANCE}}}'
    return [
        {
            "builtIn": 1,
            "datasource": {"type": "grafana", "uid": "-- Grafana --"},
            "enable": True,
            "hide": True,
            "iconColor": "blue",
            "name": "Annotations & Alerts",
            "type": "dashboard",
        },
        _annotation(
            "Restarts",
            f'changes(process_start_time_seconds{{job="framebatch",{BY_INSTANCE}}}[2m]) > 0',
            colour="orange",
            title="Restarted",
            text="{{instance}}",
        ),
        _annotation(
            "Model versions",
            f'increase(framebatch_model_loads_total{{{BY_MODEL},result="loaded"}}[2m]) > 0',
            colour="blue",
            title="Another version took over",
            text="{{model}} on {{instance}}",
        ),
        _annotation("Alerts", firing, colour="red", title="{{alertname}}", text="{{instance}} {{model}} {{camera}}"),
    ]


def _annotation(name: str, expr: str, *, colour: str, title: str, text: str) -> dict[str, Any]:
    return {
        "name": name,
        "datasource": PROMETHEUS,
        "enable": True,
        "expr": expr,
        "hide": False,
        "iconColor": colour,
        "step": "10s",
        "tagKeys": "instance",
        "textFormat": text,
        "titleFormat": title,
        "useValueForTime": False,
    }


def _with_datasource(value: Any, uid: str) -> Any:
    if value == PROMETHEUS:
        return PROMETHEUS | {"uid": uid}
    if isinstance(value, dict):
        return {key: _with_datasource(inner, uid) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_datasource(inner, uid) for inner in value]
    return value
