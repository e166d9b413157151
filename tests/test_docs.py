"""What the documentation names exists: links, make targets, commands and their options."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from framebatch.config import Config
from framebatch.profile.document import schema
from framebatch.settings import variable_of

PROGRAMS = ("framebatch", "framebatch-camera")
FENCED = re.compile(r"^(?P<fence>```|~~~)[^\n]*\n(?P<code>.*?)^(?P=fence)[ ]*$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^|(?<=\n\n))(?:(?: {4}|\t)[^\n]*\n)+")
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


class Page(NamedTuple):
    """A Markdown file, split into what is prose and what is code."""

    path: Path
    prose: str
    code: list[str]


@pytest.fixture(scope="module")
def pages(project_files: list[Path]) -> list[Page]:
    """Answer the project's Markdown files."""
    return [page_of(path) for path in project_files if path.suffix == ".md"]


def page_of(path: Path) -> Page:
    """Split a Markdown file; a command continued over several lines becomes one."""
    text = path.read_text()
    prose = FENCED.sub("", text)
    blocks = [match["code"] for match in FENCED.finditer(text)] + INDENTED.findall(prose)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return Page(path, prose, lines + INLINE.findall(INDENTED.sub("", prose)))


def commands_in(page: Page) -> Iterator[list[str]]:
    """Give the calls of our own programs as words."""
    for line in page.code:
        plain = re.sub(r"^(?:\$ |[A-Z_]+=\S+ |\.venv/bin/)*", "", line)
        if plain.split(" ", 1)[0] in PROGRAMS:
            words = shlex.split(re.split(r"\s(?:#|\||>|&&|&|;)(?:\s|$)", plain)[0].replace("'", ""))
            yield [word for word in words if word not in {"...", "\N{HORIZONTAL ELLIPSIS}"}]


@cache
def help_of(*words: str) -> str:
    """Answer what a command says about itself; empty when there is no such command."""
    program = Path(sys.executable).with_name(words[0])
    if not program.exists():
        pytest.skip(f"{words[0]} is not installed beside {sys.executable}")
    environment = os.environ | {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"}
    ran = subprocess.run(
        [program, *words[1:], "--help"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    return ran.stdout if ran.returncode == 0 else ""


def fault_of(words: list[str]) -> str | None:
    """Answer what in a documented command does not exist."""
    path = [words[0]]
    for word in words[1:]:
        if not re.fullmatch(r"[a-z]+", word) or "COMMAND" not in help_of(*path):
            break
        path.append(word)
        if not help_of(*path):
            return f"no command {' '.join(path)!r}"
    options = {word.partition("=")[0].strip("[]") for word in words if re.match(r"\[?--[a-z]", word)}
    missing = sorted(option for option in options if not re.search(rf"(?<!\S){option}(?![a-z-])", help_of(*path)))
    return f"{' '.join(path)!r} has no {', '.join(missing)}" if missing else None


def slugs_of(path: Path) -> set[str]:
    """Answer the anchors that hosts of Markdown give to a page's headings."""
    headings = re.findall(r"^#{1,6} (.+?)\s*$", FENCED.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_relative_links_lead_somewhere(root: Path, pages: list[Page]) -> None:
    """Every relative link of every page names a file of the project, and its anchor a heading there."""
    broken = []
    for page in pages:
        for link in LINK.findall(INLINE.sub("", page.prose)):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (page.path.parent / name).resolve() if name else page.path
            if not target.exists() or (anchor and target.suffix == ".md" and anchor not in slugs_of(target)):
                broken.append(f"{page.path.relative_to(root)}: {link}")
    assert broken == []


def test_make_targets_exist(root: Path, pages: list[Page]) -> None:
    """Every `make` command that a page names is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    named = {match[1] for page in pages for line in page.code if (match := re.match(r"(?:\$ )?make ([a-z-]+)\b", line))}
    assert named - targets == set()


def test_commands_exist(root: Path, pages: list[Page]) -> None:
    """Every `framebatch` command that a page names exists, with every option that the page gives it."""
    faults = [
        f"{page.path.relative_to(root)}: {fault}"
        for page in pages
        for words in commands_in(page)
        if (fault := fault_of(words))
    ]
    assert faults == []


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        ("Run `framebatch plan --fps 10` first.\n", [["framebatch", "plan", "--fps", "10"]]),
        ("```sh\n$ framebatch serve \\\n  --port 0 # any\n```\n", [["framebatch", "serve", "--port", "0"]]),
        ("Try:\n\n    .venv/bin/framebatch-camera --count 1 | head\n", [["framebatch-camera", "--count", "1"]]),
        ("The framebatch server, `framebatch_client` and `framebatch.app`.\n", []),
    ],
)
def test_commands_are_found_where_pages_show_them(tmp_path: Path, markdown: str, words: list[list[str]]) -> None:
    """Commands are read from inline code, fenced blocks and indented blocks, and from nowhere else."""
    page = tmp_path / "page.md"
    page.write_text(markdown)
    assert list(commands_in(page_of(page))) == words


def test_every_setting_is_documented_and_nothing_else_is(root: Path) -> None:
    """docs/configuration.md lists exactly the settings of `Config`, in their order, each with variable and default."""
    page = (root / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split(" | ")] for line in page.splitlines() if line.startswith("| `")]
    documented = {row[0].strip("|` "): (row[2], row[3]) for row in rows if len(row) == 5}
    assert list(documented) == list(Config.model_fields)
    for key, (variable, default) in documented.items():
        assert (key, variable.strip("|` ") or None) == (key, variable_of(key))
        assert (key, default) == (key, default_in_docs(key, default))


def default_in_docs(key: str, found: str) -> str:
    """Answer what the column says: the value as TOML has it, or in words where it has none or depends on the host."""
    field = Config.model_fields[key]
    if field.default_factory is None and field.default not in (None, {}):
        return f"`{field.default if isinstance(field.default, str) else json.dumps(field.default)}`"
    return found if found and not found.startswith("`") else "(in words)"


def test_options_of_settings_are_documented_with_them(root: Path) -> None:
    """docs/configuration.md names the option of `framebatch serve` for each setting that has one, and no other."""
    page = (root / "docs" / "configuration.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(\w+)` \| `(--[a-z-]+)` \|", page, re.MULTILINE)
    options = set(re.findall(r"(?<!\S)--[a-z-]+", help_of("framebatch", "serve"))) - {"--config", "--help"}
    assert {option for _, option in documented} == options
    assert [option for key, option in documented if option != f"--{key.replace('_', '-')}"] == []


def test_every_field_of_a_profile_is_documented_and_nothing_else_is() -> None:
    """docs/profile.md has a section for each part of a profile, which lists exactly its fields."""
    page = (Path(__file__).parents[1] / "docs" / "profile.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL))
    documented = {title: re.findall(r"^\| `(\w+)` \|", body, re.MULTILINE) for title, body in sections.items()}
    whole = schema()
    parts = {whole["title"]: whole, **whole["$defs"]}
    assert documented == {title: list(part["properties"]) for title, part in parts.items()}
