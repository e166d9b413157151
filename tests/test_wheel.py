"""The built wheel, installed where the sources are not: what users get."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGES = ("framebatch", "framebatch_client", "framebatch_models", "framebatch_proto")


class Installation(NamedTuple):
    """A virtual environment that holds the wheel; every other library is the running environment's own."""

    wheel: Path
    bin: Path
    site_packages: Path
    elsewhere: Path

    def run(self, *command: str) -> str:
        """Run a program of this environment in an empty folder and answer what it printed; the sources are not on the path."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        program, *arguments = command
        ran = subprocess.run(
            [self.bin / program, *arguments],
            cwd=self.elsewhere,
            env=clean | {"NO_COLOR": "1", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@pytest.fixture(scope="module")
def installation(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Build the wheel and install it without downloading anything."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist"],
        cwd=root,
        check=True,
        capture_output=True,
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "venv", symlinks=True)
    paths = sysconfig.get_paths(vars={"base": str(folder / "venv"), "platbase": str(folder / "venv")}, scheme="venv")
    site_packages = Path(paths["purelib"])
    # A plain line in a .pth file puts that folder on the path and reads no .pth files there: the editable install,
    # which is such a file, stays out of sight.
    (site_packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "venv"), "--disable-pip-version-check", "-qq"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--force-reinstall", wheel], check=True)
    (folder / "elsewhere").mkdir()
    return Installation(wheel, Path(paths["scripts"]), site_packages, folder / "elsewhere")


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_imported_from_the_wheel(installation: Installation, package: str) -> None:
    """Each package is there without the source folder, and is the wheel's own."""
    shown = installation.run("python", "-c", f"import {package}; print(list({package}.__path__)[0])")
    assert shown.strip() == str(installation.site_packages / package)


@pytest.mark.parametrize("program", ["framebatch", "framebatch-camera"])
def test_each_program_explains_itself(installation: Installation, program: str) -> None:
    """Each installed program answers --help."""
    assert "Usage" in installation.run(program, "--help")


def test_the_wheel_brings_types_and_the_bundled_model(installation: Installation) -> None:
    """Each package marks itself as typed, and a model with its manifest can be found by name."""
    names = set(zipfile.ZipFile(installation.wheel).namelist())
    assert {f"{package}/py.typed" for package in PACKAGES} - names == set()
    bundled = {Path(name).stem for name in names if name.startswith("framebatch_models/") and name.endswith(".onnx")}
    assert bundled
    assert {f"framebatch_models/{model}.toml" for model in bundled} - names == set()


def test_the_wheel_brings_the_status_page(root: Path, installation: Installation) -> None:
    """Every file of it, as it stands in the repository."""
    wheel = zipfile.ZipFile(installation.wheel)
    files = [path for path in (root / "server/framebatch/edge/page/static").iterdir() if path.is_file()]
    assert {path.name: wheel.read(f"framebatch/edge/page/static/{path.name}") for path in files} == {
        path.name: path.read_bytes() for path in files
    }
    assert "index.html" in {path.name for path in files}


def test_the_wheel_brings_nothing_else(installation: Installation) -> None:
    """Tests, benchmarks and training scripts stay in the repository."""
    folders = {name.partition("/")[0] for name in zipfile.ZipFile(installation.wheel).namelist()}
    assert folders == {*PACKAGES, f"{installation.wheel.name.partition('-py3')[0]}.dist-info"}


def test_the_licence_travels_along(root: Path, installation: Installation) -> None:
    """The wheel holds the licence text as it stands in the repository."""
    wheel = zipfile.ZipFile(installation.wheel)
    (licence,) = (name for name in wheel.namelist() if name.endswith("licenses/LICENSE"))
    assert wheel.read(licence) == (root / "LICENSE").read_bytes()
    assert shutil.which("framebatch", path=str(installation.bin))
