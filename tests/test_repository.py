"""framebatch.app.repository: which version serves, in this process, on a simulated device."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import pytest_asyncio
from model_folder import put, touch

from framebatch.app import App
from framebatch.config import Config
from framebatch.edge.models import ModelsService
from framebatch.errors import DeviceError, ModelError, UsageError
from framebatch_client import AsyncClient, CallFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import grpc

    from framebatch_client import ServerModel

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # one loop: gRPC speaks to loops that are gone, otherwise
    pytest.mark.usefixtures("restored_interpreter"),
]
PICTURE = np.zeros((24, 32, 3), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Answer an empty folder of models."""
    found = tmp_path / "models"
    found.mkdir()
    return found


# Loading and exchanging ------------------------------------------------------------------------------------------


def make(folder: Path, **settings: Any) -> App:
    """Answer an app of a folder that looks for changes only when told to."""
    usual = {"device": "sim:1,0.1", "port": 0, "http_port": 0, "decoders": 1, "drain_seconds": 1.0, "reload_seconds": 0}
    return App(Config(models=folder, **{**usual, **settings}))


@pytest_asyncio.fixture(loop_scope="module")
async def app(folder: Path) -> AsyncIterator[App]:
    """Answer a started app of one model in versions 1 and 2, with a broken version 3 and a broken other model."""
    put(folder, "bolts", 1)
    put(folder, "bolts", 2)
    put(folder, "bolts", 3, broken=True)
    put(folder, "nuts", 1, broken=True)
    started = make(folder)
    await started.start()
    yield started
    await started.stop()


def address(app: App) -> str:
    """Answer where it listens."""
    return dict(word.split("=", 1) for word in app.ready_line.split() if "=" in word)["grpc"]


def states(app: App, name: str = "bolts") -> dict[int, str]:
    """Answer the state of each version."""
    model = next(model for model in app.repository.models() if model.name == name)
    return {version.version: version.state.name for version in model.versions}


async def changed(app: App) -> None:
    """Let it look twice: what is the same in both looks has come to rest."""
    await app.repository.look_again()
    await app.repository.look_again()


async def test_the_newest_version_that_can_be_is_served(app: App) -> None:
    """Broken ones are told and not fatal; a model without a good version is not served."""
    assert states(app) == {3: "FAILED", 2: "READY", 1: "AVAILABLE"}
    assert states(app, "nuts") == {1: "FAILED"}
    assert " model=bolts " in app.ready_line
    async with AsyncClient(address(app)) as client:
        answer = await client.detect(PICTURE, deadline_ms=20_000)
        assert (answer.outcome, answer.model, answer.model_version) == ("OK", "bolts", "2")
        answer = await client.detect(PICTURE, deadline_ms=20_000, model="nuts")
        assert (answer.outcome, answer.reason) == (
            "INVALID",
            "model 'nuts' is not served here; this server has: bolts",
        )


async def test_nothing_to_serve_ends_the_start(folder: Path) -> None:
    """One reason as it is; several in one message; an empty folder, too."""
    with pytest.raises(ModelError, match="no model can be served: there is none"):
        make(folder)
    path = put(folder, "bolts", 1, broken=True)
    with pytest.raises(ModelError, match=f"^model {path} is no ONNX file"):
        make(folder)
    put(folder, "nuts", broken=True)
    with pytest.raises(ModelError, match=r"no model can be served: model .*bolts.*; model .*nuts.onnx is no"):
        make(folder)


async def test_a_device_that_cannot_be_used_is_no_fault_of_the_models(folder: Path) -> None:
    """Also when it is why several models are not served: whoever starts the server may try again."""
    put(folder, "bolts", 1)
    put(folder, "nuts", 1)
    with pytest.raises(DeviceError, match=r"no model can be served: .*cuda:7.*; .*cuda:7"):
        make(folder, device="cuda:7")


async def test_a_new_version_is_served_once_it_has_come_to_rest(app: App, folder: Path) -> None:
    """Not while it is being written; and not again while nothing changes."""
    path = put(folder, "bolts", 4)
    await app.repository.look_again()
    assert states(app)[4] == "AVAILABLE"
    touch(path)
    await app.repository.look_again()
    assert states(app)[4] == "AVAILABLE"
    await app.repository.look_again()
    assert states(app) == {4: "READY", 3: "FAILED", 2: "AVAILABLE", 1: "AVAILABLE"}
    served = app.repository.serving["bolts"]
    await changed(app)
    assert app.repository.serving["bolts"] is served


async def test_the_start_of_decoders_turns_no_frame_away(app: App) -> None:
    """They take long until their first picture; the next frame is judged as if nothing had been learnt from that."""
    async with AsyncClient(address(app)) as client:
        await client.load_model("bolts", version=1)
        assert (await client.detect(PICTURE, deadline_ms=100)).outcome != "REJECTED"


async def test_a_new_version_that_is_broken_changes_nothing(app: App, folder: Path) -> None:
    """It is tried once, and again when its files change."""
    put(folder, "bolts", 4, broken=True)
    await changed(app)
    await changed(app)
    assert states(app) == {4: "FAILED", 3: "FAILED", 2: "READY", 1: "AVAILABLE"}
    assert app.repository.entries["bolts"].failures == 2
    put(folder, "bolts", 4)
    await changed(app)
    assert states(app)[4] == "READY"


async def test_changed_files_of_the_version_that_serves_are_loaded(app: App, folder: Path) -> None:
    """An exchange like any other; broken ones leave what serves, and no older version takes its place."""
    served = app.repository.serving["bolts"]
    path = put(folder, "bolts", 2, broken=True)
    await changed(app)
    assert app.repository.serving["bolts"] is served
    (version,) = [each for each in app.repository.models()[0].versions if each.state.name == "READY"]
    assert version.reason.startswith("its files changed and cannot be served, so it serves as it was: model ")
    put(folder, "bolts", 2)
    touch(path)
    await changed(app)
    assert app.repository.serving["bolts"] is not served
    assert states(app)[2] == "READY"


async def test_files_that_are_gone_take_nothing_away(app: App, folder: Path) -> None:
    """A model whose folder vanished, as that of a network may, serves on."""
    shutil.rmtree(folder / "bolts")
    await changed(app)
    assert states(app) == {2: "READY"}
    assert app.repository.models()[0].versions[0].reason == "its files are gone; it serves from memory"
    shutil.rmtree(folder)
    with pytest.raises(UsageError, match="cannot be read"):
        await app.repository.look_again()
    assert states(app) == {2: "READY"}


async def test_the_file_pinned_selects_a_version(app: App, folder: Path) -> None:
    """Rolled back when it appears, and forward again when it goes; one that is not there changes nothing."""
    (folder / "bolts" / "pinned").write_text("1")
    await changed(app)
    assert states(app) == {3: "FAILED", 2: "AVAILABLE", 1: "READY"}
    assert app.repository.models()[0].pinned == "version 1 is chosen by the file 'pinned'"
    (folder / "bolts" / "pinned").write_text("7")
    await changed(app)
    assert states(app)[1] == "READY"
    (folder / "bolts" / "pinned").unlink()
    await changed(app)
    assert states(app)[2] == "READY"


async def test_a_model_that_is_added_is_served_and_never_becomes_the_default(app: App, folder: Path) -> None:
    """Cameras that name no model keep theirs, also where a new one comes first by name."""
    put(folder, "a-new-one")
    await changed(app)
    async with AsyncClient(address(app)) as client:
        assert (await client.detect(PICTURE, deadline_ms=20_000, model="a-new-one")).model == "a-new-one"
        assert (await client.detect(PICTURE, deadline_ms=20_000)).model == "bolts"


# Calls -----------------------------------------------------------------------------------------------------------


def serving(model: ServerModel) -> int | None:
    """Answer the version that answers frames."""
    return None if model.serving is None else model.serving.version


async def test_a_call_rolls_back_and_forward(app: App, folder: Path) -> None:
    """A chosen version is kept, whatever comes; 0 ends the choice."""
    async with AsyncClient(address(app)) as client:
        model = await client.load_model("bolts", version=1)
        assert (serving(model), model.pinned.partition(",")[0]) == (1, "version 1 was chosen by a call")
        put(folder, "bolts", 4)
        await changed(app)
        assert states(app)[1] == "READY"
        model = await client.load_model("bolts")
        assert (serving(model), model.pinned, model.default) == (4, "", True)


async def test_a_call_is_told_why_a_version_cannot_be_served(app: App) -> None:
    """What served before serves on, and what was chosen before stays chosen."""
    async with AsyncClient(address(app)) as client:
        await client.load_model("bolts", version=1)
        with pytest.raises(CallFailed, match=r"FAILED_PRECONDITION: .*model.onnx is no ONNX file"):
            await client.load_model("bolts", version=3)
        found = await client.list_models()
        assert serving(found.models[0]) == 1
        assert found.models[0].pinned.startswith("version 1 was chosen")


@pytest.mark.parametrize(
    ("name", "version", "message"),
    [
        ("washers", 0, "NOT_FOUND: model 'washers' is not here; there are: bolts, nuts"),
        ("bolts", 9, "NOT_FOUND: model 'bolts' has no version 9; there are: 1, 2, 3"),
    ],
)
async def test_what_is_not_there_cannot_be_loaded(app: App, name: str, version: int, message: str) -> None:
    """The call is told what there is."""
    async with AsyncClient(address(app)) as client:
        with pytest.raises(CallFailed, match=message):
            await client.load_model(name, version=version)


async def test_a_model_is_unloaded_and_loaded_again(app: App) -> None:
    """Meanwhile its frames are refused, the server stays ready, and no look at the disk brings it back."""
    async with AsyncClient(address(app)) as client:
        model = await client.unload_model("bolts")
        assert (serving(model), model.pinned) == (None, "unloaded by a call, until it is loaded by one")
        await changed(app)
        answer = await client.detect(PICTURE, deadline_ms=20_000)
        expected = "the frame names no model, and the default, 'bolts', is not served here; this server has: none"
        assert (answer.outcome, answer.reason, await client.health()) == ("INVALID", expected, "SERVING")
        with pytest.raises(CallFailed, match="NOT_FOUND: model 'bolts' is not served; those that are: none"):
            await client.unload_model("bolts")
        assert serving(await client.load_model("bolts", version=2)) == 2
        assert (await client.detect(PICTURE, deadline_ms=20_000)).outcome == "OK"


async def test_the_list_tells_what_is_known_of_a_version(app: App) -> None:
    """Of one that serves, how it is fed; and files that make no sense."""
    async with AsyncClient(address(app)) as client:
        found = await client.list_models()
    (version,) = [each for each in found.models[0].versions if each.state == "READY"]
    assert (version.version, version.label, version.family) == (2, "2", "yolov8")
    assert (version.input_width, version.input_height, version.labels[0]) == (320, 320, "2-washer")
    assert (version.batch_sizes[0], version.device) == (1, "sim 1+0.1b ms (simulated)")
    assert (len(version.sha256), [model.name for model in found.models]) == (64, ["bolts", "nuts"])


class Peer:
    """A call from somewhere, which ends by an error."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def peer(self) -> str:
        """Where the call comes from, in gRPC's form."""
        return self._peer

    async def abort(self, code: grpc.StatusCode, message: str) -> None:
        """End the call."""
        raise PermissionError(code.name, message)


@pytest.mark.parametrize(
    ("control", "peer", "allowed"),
    [
        ("local", "ipv4:127.0.0.1:5000", True),
        ("local", "ipv6:%5B::1%5D:5000", True),
        ("local", "unix:", True),
        ("local", "ipv4:10.0.0.7:5000", False),
        ("local", "ipv6:%5Bfe80::1%5D:5000", False),
        ("all", "ipv4:10.0.0.7:5000", True),
        ("off", "ipv4:127.0.0.1:5000", False),
    ],
)
async def test_who_may_change_what_is_served(app: App, control: str, peer: str, *, allowed: bool) -> None:
    """By default calls from this machine only."""
    service, call = ModelsService(app.repository, control=control), Peer(peer)
    context: Any = call
    if allowed:
        await service._permit(context)
        return
    with pytest.raises(PermissionError, match=f"model_control is '{control}'"):
        await service._permit(context)


# Settings --------------------------------------------------------------------------------------------------------


async def test_the_default_model_can_be_set(folder: Path) -> None:
    """To one that is there."""
    put(folder, "bolts")
    put(folder, "nuts")
    app = make(folder, default_model="nuts")
    assert app.default == "nuts"
    await app.stop()
    with pytest.raises(UsageError, match="setting 'default_model' is 'screws'; there are: bolts, nuts"):
        make(folder, default_model="screws")


async def test_a_file_alone_has_the_version_of_its_manifest(folder: Path) -> None:
    """Numbered folders count; a file says it in words."""
    path = put(folder, "bolts").with_suffix(".toml")
    path.write_text(path.read_text().replace('version = "1"', 'version = "spring"'))
    app = make(folder)
    assert app.repository.serving["bolts"].model.version == "spring"
    await app.stop()
