"""The layout of the repository: what a reviewer would otherwise have to say again and again."""

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

GENERATED = "framebatch_proto"
LONGEST_FILE_LINES = 350
LARGEST_FILE_BYTES = 5_000_000
LOCKS = ("cpu.txt", "dev.txt", "gpu.txt")


@pytest.fixture(scope="module")
def python_files(root: Path, project_files: list[Path]) -> list[Path]:
    """Answer the Python files that people write."""
    return [path for path in project_files if path.suffix == ".py" and GENERATED not in path.relative_to(root).parts]


@pytest.fixture(scope="module")
def pyproject(root: Path) -> dict[str, Any]:
    """Answer pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text())


def requirements(pyproject: dict[str, Any]) -> Iterator[str]:
    """Give every requirement that pyproject.toml states, with its version bounds."""
    yield from pyproject["build-system"]["requires"]
    yield from pyproject["project"]["dependencies"]
    for extra in pyproject["project"]["optional-dependencies"].values():
        yield from extra
    for group in pyproject["dependency-groups"].values():
        yield from (entry for entry in group if isinstance(entry, str))


def name_of(requirement: str) -> str:
    """Answer the distribution that a requirement or lock line asks for, in the spelling that indexes compare."""
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")


def pinned(lock: Path) -> dict[str, set[str]]:
    """Answer which versions of each distribution a lock names; several where Python versions differ."""
    versions: dict[str, set[str]] = {}
    for line in lock.read_text().splitlines():
        if line and line[0] not in "# ":
            versions.setdefault(name_of(line), set()).add(line.partition("==")[2].split()[0])
    return versions


def test_every_module_says_what_it_is_for(root: Path, python_files: list[Path]) -> None:
    """Every Python file opens with a docstring."""
    silent = [
        str(path.relative_to(root)) for path in python_files if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_no_file_is_too_long_to_read(root: Path, python_files: list[Path]) -> None:
    """No Python file is longer than 350 lines."""
    lengths = {str(path.relative_to(root)): len(path.read_text().splitlines()) for path in python_files}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE_LINES} == {}


@pytest.mark.parametrize("folder", ["server", "clients", "proto", "models"])
def test_folders_of_packages_are_no_packages(root: Path, folder: str) -> None:
    """The folders on the path hold packages and are none: `proto/__init__.py` would hide another well-known package."""
    assert not (root / folder / "__init__.py").exists()


def test_generated_code_is_what_the_protos_say(root: Path, tmp_path: Path) -> None:
    """`make proto` would change nothing."""
    pytest.importorskip("grpc_tools", reason="grpcio-tools is not installed")
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    (tmp_path / GENERATED).mkdir()
    command = [make, "--no-print-directory", "proto-code", f"PYTHON={sys.executable}", f"PROTO_OUT={tmp_path}"]
    subprocess.run(command, cwd=root, check=True)
    assert code_in(root / "proto" / GENERATED) == code_in(tmp_path / GENERATED)


def code_in(folder: Path) -> dict[str, str]:
    """Answer the generated code below a folder by file name."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*_pb2*.py*"))
        if "__pycache__" not in path.parts
    }


def test_floors_admit_no_library_older_than_the_generated_code(root: Path, pyproject: dict[str, Any]) -> None:
    """The lower bounds of grpcio and protobuf are those that the committed protobuf code checks when imported."""
    code = code_in(root / "proto" / GENERATED)
    grpcio = {
        found
        for text in code.values()
        for found in re.findall(r"^GRPC_GENERATED_VERSION = '(.+)'$", text, re.MULTILINE)
    }
    protobuf = {
        found
        for text in code.values()
        for found in re.findall(r"^# Protobuf Python Version: (.+)$", text, re.MULTILINE)
    }
    floors = {name_of(each): each.partition(">=")[2] for each in pyproject["project"]["dependencies"]}
    assert ({floors["grpcio"]}, {floors["protobuf"]}) == (grpcio, protobuf)


def test_every_dependency_has_its_reason(root: Path, pyproject: dict[str, Any]) -> None:
    """Every dependency in pyproject.toml is named in a record under docs/decisions."""
    records = "\n".join(path.read_text() for path in (root / "docs" / "decisions").glob("[0-9]*.md"))
    named = {name.lower() for name in re.findall(r"`([A-Za-z0-9._-]+)`", records)}
    assert {name_of(each) for each in requirements(pyproject)} - named == set()


def test_every_decision_is_on_the_list(root: Path) -> None:
    """docs/decisions/README.md links every record."""
    folder = root / "docs" / "decisions"
    linked = set(re.findall(r"\]\(([0-9][^)]+)\)", (folder / "README.md").read_text()))
    assert linked == {path.name for path in folder.glob("[0-9]*.md")}


def test_the_server_extras_differ_in_what_nvidia_brings(pyproject: dict[str, Any]) -> None:
    """[cpu] and [gpu] ask for the same libraries but for the build of onnxruntime and NVIDIA's management library."""
    cpu, gpu = (set(pyproject["project"]["optional-dependencies"][extra]) for extra in ("cpu", "gpu"))
    assert ({name_of(each) for each in cpu - gpu}, {name_of(each) for each in gpu - cpu}) == (
        {"onnxruntime"},
        {"onnxruntime-gpu", "nvidia-ml-py"},
    )


def test_imports_are_declared(python_files: list[Path], pyproject: dict[str, Any]) -> None:
    """What the code imports and Python does not bring is a dependency by name, not by somebody else's dependency."""
    distributions = importlib.metadata.packages_distributions()
    declared = {name_of(each) for each in requirements(pyproject)} | {"framebatch"}
    used = {module for path in python_files for module in imported_by(path) if module not in sys.stdlib_module_names}
    undeclared = {
        module
        for module in used
        if module in distributions and declared.isdisjoint(map(name_of, distributions[module]))
    }
    assert undeclared == set()


def imported_by(path: Path) -> Iterator[str]:
    """Give the top-level modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_no_file_is_too_large_to_clone(root: Path, project_files: list[Path]) -> None:
    """No file of the project is larger than 5 MB."""
    sizes = {str(path.relative_to(root)): path.stat().st_size for path in project_files}
    assert {name: size for name, size in sizes.items() if size > LARGEST_FILE_BYTES} == {}


@pytest.mark.parametrize("name", LOCKS)
def test_locks_pin_by_hash_and_leave_the_index_to_the_machine(root: Path, name: str) -> None:
    """A lock gives every requirement hashes, and no address: which index to ask is the machine's own setting."""
    text = (root / "requirements" / name).read_text()
    addresses = [
        piece for piece in ("://", "--index", "--extra-index", "--find-links", ".org", ".io/") if piece in text
    ]
    unpinned = [
        block
        for block in re.findall(r"^[a-z].*(?:\n    --.*)*", text, re.MULTILINE)
        if "==" not in block or "--hash=sha256:" not in block
    ]
    assert (addresses, unpinned) == ([], [])


def test_locks_agree_and_keep_the_two_onnxruntimes_apart(root: Path) -> None:
    """The developers' lock can be installed over either runtime lock, and no lock brings both builds of onnxruntime."""
    locks = {name: pinned(root / "requirements" / name) for name in LOCKS}
    runtimes = {name: {each for each in lock if each.startswith("onnxruntime")} for name, lock in locks.items()}
    assert runtimes == {"cpu.txt": {"onnxruntime"}, "dev.txt": set(), "gpu.txt": {"onnxruntime-gpu"}}
    for runtime in ("cpu.txt", "gpu.txt"):
        shared = locks[runtime].keys() & locks["dev.txt"].keys()
        assert {name: locks["dev.txt"][name] for name in shared} == {name: locks[runtime][name] for name in shared}


@pytest.mark.parametrize(("lock", "extra"), [("cpu.txt", "cpu"), ("gpu.txt", "gpu"), ("dev.txt", None)])
def test_locks_hold_what_pyproject_asks_for(
    root: Path, pyproject: dict[str, Any], lock: str, extra: str | None
) -> None:
    """After a change of dependencies `make lock` was run."""
    groups, project = pyproject["dependency-groups"], pyproject["project"]
    if extra:
        asked = [*groups["build"], *project["dependencies"], *project["optional-dependencies"][extra]]
    else:
        asked = [*groups["build"], *(each for each in groups["dev"] if isinstance(each, str))]
    assert {name_of(each) for each in asked} - pinned(root / "requirements" / lock).keys() == set()


def test_the_changelog_tells_of_this_version(root: Path, pyproject: dict[str, Any]) -> None:
    """CHANGELOG.md has a section for the version in pyproject.toml."""
    headings = re.findall(r"^## \[?([^\]\s]+)", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert pyproject["project"]["version"] in headings
