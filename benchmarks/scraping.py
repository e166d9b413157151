"""A real Prometheus that reads a server: started as a process on a free port, asked over its HTTP interface."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Prometheus", "QueryError", "impatient"]

START_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.1
CONFIG: Final = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: framebatch
    static_configs: [{{targets: ["{target}"]}}]
"""


class QueryError(Exception):
    """Prometheus did not accept an expression; the message is its own."""


def impatient(rules: str) -> str:
    """The rules with the same expressions, evaluated each second and without waiting before they fire."""
    return re.sub(r"^( +)for: \w+$", r"\1for: 0s", re.sub(r"interval: \w+", "interval: 1s", rules), flags=re.MULTILINE)


class Prometheus:
    """Reads one server each second and evaluates the rules; keeps everything in a folder. For use with `with`."""

    def __init__(self, folder: Path, *, target: str, rules: str) -> None:
        """Start nothing yet.

        Args:
            folder: for its configuration, log and data.
            target: HOST:PORT with /metrics.
            rules: text of its rule file.
        """
        self._folder = folder
        self._target = target
        self._rules = rules
        self._process: subprocess.Popen[bytes] | None = None
        self.address = ""

    def __repr__(self) -> str:
        return f"Prometheus({self._target} -> {self.address or 'not started'})"

    @staticmethod
    def installed() -> bool:
        """Whether there is one on this machine."""
        return shutil.which("prometheus") is not None

    def __enter__(self) -> Self:
        (self._folder / "rules.yml").write_text(self._rules, encoding="utf-8")
        config = self._folder / "prometheus.yml"
        config.write_text(CONFIG.format(rules=self._folder / "rules.yml", target=self._target), encoding="utf-8")
        log = self._folder / "prometheus.log"
        command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self._folder / 'data'}"]
        with log.open("wb") as output:
            self._process = subprocess.Popen([*command, "--web.listen-address=127.0.0.1:0"], stderr=output)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            told = re.search(r'msg="Listening on" address=(\S+)', log.read_text(encoding="utf-8"))
            if told:
                self.address = told[1]
                if self._is_ready():
                    return self
            time.sleep(LOOK_SECONDS)
        self.__exit__()
        raise RuntimeError(f"Prometheus did not start: {log.read_text(encoding='utf-8')[-2000:]}")

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Present values: `metric` and `value` of each series; a scalar is one without labels.

        Raises:
            QueryError: it is no expression.
        """
        data = self._ask("query", query=expr)
        result: list[dict[str, Any]] = data["result"]
        return [{"metric": {}, "value": result}] if data["resultType"] == "scalar" else result

    def query_range(self, expr: str, *, seconds: float) -> list[dict[str, Any]]:
        """Values of the last seconds, one a second: `metric` and `values` of each series; raises as `query`."""
        now = time.time()
        found: list[dict[str, Any]] = self._ask("query_range", query=expr, start=now - seconds, end=now, step=1)[
            "result"
        ]
        return found

    def label_values(self, series: str, label: str) -> list[str]:
        """The values that a label of the series has."""
        values: list[str] = self._ask(f"label/{label}/values", **{"match[]": series})
        return values

    def rules(self) -> list[dict[str, Any]]:
        """All rules with their health and what fires."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def version(self) -> str:
        """Its own."""
        version: str = self._ask("status/buildinfo")["version"]
        return version

    def wait_for(self, expr: str, *, seconds: float) -> None:
        """Return once the expression has a value.

        Raises:
            TimeoutError: it has none in time.
        """
        until = time.monotonic() + seconds
        while not self.query(expr):
            if time.monotonic() > until:
                raise TimeoutError(f"nothing for {expr} within {seconds} s")
            time.sleep(LOOK_SECONDS)

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"http://{self.address}/-/ready", timeout=5):
                return True
        except URLError:
            return False

    def _ask(self, path: str, **parameters: Any) -> Any:
        url = f"http://{self.address}/api/v1/{path}?{urlencode(parameters)}"
        try:
            with urlopen(url, timeout=30) as response:
                return json.load(response)["data"]
        except HTTPError as error:
            with error:
                raise QueryError(json.load(error).get("error", "")) from None
