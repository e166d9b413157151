"""What every test may ask for: the project's files, the folder of test assets, Hypothesis profiles.

Only what several test files share belongs here; a fake that users could want lives in ``framebatch.testing``.
"""

import gc
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from framebatch_client import AsyncClient
from framebatch_client.testing import ScriptedServer

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # tests that import onnxruntime by themselves tell nobody either
ROOT = Path(__file__).resolve().parent.parent
NAMED_ASSETS = os.environ.get("FRAMEBATCH_ASSETS")
MADE_BY_TOOLS = {"__pycache__", "build", "dist", "demo-output"}

# `ci` decides alike on every run, so that a failure belongs to the change that it came with; `nightly` goes looking.
# HYPOTHESIS_PROFILE=nightly pytest
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("nightly", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# A shell without job control starts what it puts into the background with SIGINT ignored, and processes under test
# would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's folders out of the tests, the tests out of them, and the user's settings from servers under test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("FRAMEBATCH_")]:
            patch.delenv(name)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="module")
def restored_interpreter() -> Iterator[None]:
    """Undo what a server that runs in the tests' own process sets for all of it."""
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*threshold)
    gc.unfreeze()


@pytest.fixture
def selects_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small models stand for large ones, whose outputs are worth selecting from."""
    monkeypatch.setattr("framebatch.detection.selection._FEW_BYTES", 0)


@pytest.fixture(scope="session")
def root() -> Path:
    """Answer the folder that holds pyproject.toml."""
    return ROOT


@pytest.fixture(scope="session")
def project_files() -> list[Path]:
    """Answer every file of the project, sorted: what git tracks or would track, and no build product."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        command = [git, "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        return sorted(path for name in set(listed.split("\0")) - {""} if (path := ROOT / name).is_file())
    return sorted(path for path in ROOT.rglob("*") if path.is_file() and not _made_by_tools(path.relative_to(ROOT)))


@pytest.fixture(scope="session")
def assets() -> Path:
    """Answer the folder of pictures and models that are too large for the repository."""
    folder = Path(NAMED_ASSETS) if NAMED_ASSETS else ROOT.parent / "shared" / "assets"
    if not folder.is_dir():
        pytest.skip(f"no test assets: {folder} is no folder; set FRAMEBATCH_ASSETS")
    return folder


def _made_by_tools(path: Path) -> bool:
    hidden = path.parts[0].startswith(".") and path.parts[0] not in {".ci", ".gitignore"}
    return hidden or not MADE_BY_TOOLS.isdisjoint(path.parts) or path.suffix == ".pyc"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """Start a scripted server in this process that answers OK, for tests of the client."""
    async with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
async def client(server: ScriptedServer) -> AsyncIterator[AsyncClient]:
    """Answer a client of the scripted server."""
    async with AsyncClient(server.address) as connected:
        yield connected
