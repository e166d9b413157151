"""The command line `framebatch`: one file per command, one table of them here. Errors become exit codes here only.

A command's module imports what it needs inside its function, so that `--help` is quick and works without the server's
extras.
"""

from __future__ import annotations

import sys
from typing import Final

import typer

from framebatch.cli import access, config, detect, models, profile, serve
from framebatch.cli.calibrate import calibrate
from framebatch.cli.common import exit_code, print_error
from framebatch.cli.demo import demo
from framebatch.cli.doctor import doctor
from framebatch.cli.plan import plan
from framebatch.errors import FramebatchError

__all__ = ["app", "main"]

app = typer.Typer(
    name="framebatch",
    help="Edge inference batching server: every camera frame answered by its deadline.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_COMMANDS: Final = (
    ("serve", serve.serve),
    ("calibrate", calibrate),
    ("plan", plan),
    ("detect", detect.detect),
    ("demo", demo),
    ("doctor", doctor),
)
_GROUPS: Final = (("models", models.app), ("profile", profile.app), ("config", config.app), ("access", access.app))

for _name, _function in _COMMANDS:
    app.command(_name)(_function)
for _name, _group in _GROUPS:
    app.add_typer(_group, name=_name)

_SERVER_EXTRAS: Final = frozenset(
    {
        "grpc_health",
        "grpc_reflection",
        "matplotlib",
        "onnx",
        "onnxruntime",
        "prometheus_client",
        "pydantic",
        "starlette",
        "uvicorn",
    }
)


def main() -> None:
    """Run the command line and leave with its exit code: 0 done, 1 failed, 2 wrong usage or bad input."""
    try:
        app()
    except FramebatchError as error:
        print_error(str(error))
        sys.exit(exit_code(error))
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _SERVER_EXTRAS:
            raise
        print_error(f"{package} is not installed; this command needs the server: pip install 'framebatch[cpu]'")
        sys.exit(1)
