"""deploy/: what the image, the composition and the unit name exists, agrees with the settings, and is as locked up as it says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from certificates import Authority
from plain_yaml import read_yaml
from test_docs import fault_of

from framebatch.app import doors as app_doors
from framebatch.app import server as app_server
from framebatch.config import Config
from framebatch.profile.store import default_folder
from framebatch.settings import load_settings
from framebatch.testing import ServerProcess

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+(-[a-z0-9-]+)?")
FILES = ("compose.yaml", "compose.gpu.yaml")
DEFAULTS = Config(model="conveyor")
OTHERS_READ = {
    "PATH": "the shell",
    "PYTHONDONTWRITEBYTECODE": "Python",
    "PYTHONFAULTHANDLER": "Python",
    "PIP_NO_CACHE_DIR": "pip",
    "PIP_DISABLE_PIP_VERSION_CHECK": "pip",
    "PIP_NO_INPUT": "pip",
    "CUDA_CACHE_PATH": "NVIDIA's driver",
    "NVIDIA_VISIBLE_DEVICES": "the NVIDIA Container Toolkit",
    "NVIDIA_DRIVER_CAPABILITIES": "the NVIDIA Container Toolkit",
}
"""Variables of the environment that are set for somebody else; all others must stand in our sources."""


class Step(NamedTuple):
    """One instruction of a Dockerfile, its lines joined."""

    stage: int
    name: str
    rest: str


def steps(name: str = "") -> list[Step]:
    """Answer the Dockerfile's instructions, or those of one name."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    found, stage = [], 0
    for line in filter(str.strip, text.splitlines()):
        instruction, _, rest = line.partition(" ")
        stage += instruction == "FROM"
        found.append(Step(stage, instruction, rest.strip()))
    return [step for step in found if name in {"", step.name}]


def image_environment() -> dict[str, str]:
    """Answer the variables that the final stage sets."""
    pairs = [word for step in steps("ENV") if step.stage == steps()[-1].stage for word in shlex.split(step.rest)]
    return dict(pair.split("=", 1) for pair in pairs)


def compose(name: str = "compose.yaml") -> dict[str, Any]:
    """Answer a composition."""
    document: dict[str, Any] = read_yaml((DEPLOY / name).read_text())
    return document


def unit() -> dict[str, list[str]]:
    """Answer the unit's directives with their values in order."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "framebatch.service").read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def seconds(text: str) -> float:
    """Answer a time of Docker or systemd."""
    number, factor = re.fullmatch(r"(\d+)(s|min|m)", text).groups()  # type: ignore[union-attr]
    return int(number) * (1 if factor == "s" else 60)


@pytest.fixture(scope="module")
def version() -> str:
    """Answer the project's version."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def test_images_are_pinned(version: str) -> None:
    """Every image that is fetched has a whole version, ours have the project's; stages stand on the same one."""
    bases = [step.rest.split()[0] for step in steps("FROM")]
    images = [service["image"] for service in compose()["services"].values()]
    assert [image for image in (*bases, *images) if not PINNED.fullmatch(image)] == []
    assert len(set(bases)) == 1
    ours = [images[0], compose("compose.gpu.yaml")["services"]["framebatch"]["image"]]
    assert ours == [f"framebatch:{version}-cpu", f"framebatch:{version}-gpu"]
    labels = dict(pair.split("=", 1) for step in steps("LABEL") for pair in shlex.split(step.rest))
    assert labels["org.opencontainers.image.version"] == version
    assert labels["org.opencontainers.image.base.name"] == f"docker.io/library/{bases[-1]}"


def test_the_image_is_not_run_by_root() -> None:
    """Its user is a number, so that whoever runs it can tell; nothing is done to the image after that."""
    names = [step.name for step in steps()]
    (user,) = steps("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user.rest)
    assert {"RUN", "COPY"}.isdisjoint(names[names.index("USER") :])


def test_the_image_is_built_from_locked_wheels_and_nothing_else() -> None:
    """No file comes from an address, and pip takes wheels with known hashes only."""
    runs = [step.rest for step in steps("RUN")]
    assert steps("ADD") == []
    assert [run for run in runs if re.search(r"curl|wget|git |apt|://", run)] == []
    installs = [re.split("&&", run) for run in runs if "pip install" in run]
    commands = [command for install in installs for command in install if "pip install" in command]
    assert [c for c in commands if "--require-hashes --only-binary :all:" not in c and "--no-index" not in c] == []
    assert {path.stem for path in (ROOT / "requirements").glob("*.txt")} >= {"cpu", "gpu"}


def test_copied_files_exist_and_reach_the_build() -> None:
    """What is copied is there, .dockerignore lets it through and nothing more, and all packages are among it."""
    copied = {word for step in steps("COPY") if "--from" not in step.rest for word in step.rest.split()[:-1]}
    ignore = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert ignore[0] == "*"
    assert {line[1:] for line in ignore if line.startswith("!")} == copied
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {package.split("/")[0] for package in wheel["packages"]} <= copied


def test_ports_are_the_defaults_and_the_host_s_own() -> None:
    """What is exposed, published and scraped is what the server listens on; nothing is published beyond this machine."""
    ours = {str(DEFAULTS.port), str(DEFAULTS.http_port)}
    services = compose()["services"]
    assert set(steps("EXPOSE")[0].rest.split()) == ours
    assert {port.rsplit(":", 1)[1] for port in services["framebatch"]["ports"]} == ours
    published = [port for service in services.values() for port in service["ports"]]
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []
    scraped = read_yaml((DEPLOY / "prometheus.yml").read_text())["scrape_configs"][0]["static_configs"][0]["targets"]
    assert scraped == [f"framebatch:{DEFAULTS.http_port}"]


@pytest.mark.end_to_end
def test_the_health_check_tells_a_server_that_lives(tmp_path: Path) -> None:
    """In plain text and by TLS. It is the image's own program, without a shell; it fails where no server answers."""
    options, _, command = steps("HEALTHCHECK")[0].rest.partition("CMD ")
    words = json.loads(command)
    assert words[0] == "python"
    assert seconds(dict(re.findall(r"--([a-z-]+)=(\S+)", options))["start-period"]) >= 60
    code = words[-1]
    assert f"'127.0.0.1', {DEFAULTS.http_port}," in code

    def check(port: str) -> int:
        own = [sys.executable, *words[1:-1], code.replace(str(DEFAULTS.http_port), port)]
        return subprocess.run(own, check=False, capture_output=True, timeout=30).returncode

    pair = Authority(tmp_path).issue("server")
    for tls in (), ("--tls-certificate", pair.certificate, "--tls-key", pair.key):
        with ServerProcess("--model", "conveyor", "--device", "sim:1,1", *tls) as server:
            port = re.search(r"http=\S+:(\d+)", server.ready_line)[1]  # type: ignore[index]
            assert check(port) == 0
            assert not re.search("WARNING|ERROR", server.log().partition(server.ready_line)[2])
        assert check(port) == 1


def test_commands_exist() -> None:
    """Every call of framebatch is one, with options that it has, in the image, the compositions and the unit."""
    entry, arguments = (json.loads(steps(name)[0].rest) for name in ("ENTRYPOINT", "CMD"))
    assert entry == ["framebatch"]
    calls = [[*entry, *arguments]]
    calls += [["framebatch", *compose(name)["services"]["framebatch"]["command"]] for name in FILES]
    calls += [[Path(words[0]).name, *words[1:]] for words in map(shlex.split, unit()["ExecStart"])]
    assert [fault for call in calls if (fault := fault_of(call))] == []


def test_variables_of_the_environment_have_readers() -> None:
    """Each variable that is set is one that our sources read, or one whose reader is known here."""
    sources = "".join(path.read_text() for path in (ROOT / "server").rglob("*.py"))
    set_here = {word.split("=")[0] for step in steps("ENV") for word in shlex.split(step.rest)}
    set_here |= {word.split("=")[0] for value in unit()["Environment"] for word in value.split()}
    assert {name for name in set_here - OTHERS_READ.keys() if f'"{name}"' not in sources} == set()
    grafana = compose()["services"]["grafana"]["environment"]
    assert [name for name in grafana if not name.startswith("GF_")] == []


def test_what_is_written_lies_where_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Profiles and prepared models go to the image's volumes, and to the unit's folders for state and cache."""
    image = image_environment()
    service = dict(word.split("=", 1) for value in unit()["Environment"] for word in value.split())
    volumes = {f"/var/lib/{unit()['StateDirectory'][0]}", f"/var/cache/{unit()['CacheDirectory'][0]}"}
    assert set(json.loads(steps("VOLUME")[0].rest)) == volumes
    for environment in (image, service):
        monkeypatch.setenv("XDG_DATA_HOME", environment["XDG_DATA_HOME"])
        written = {
            str(default_folder()),
            f"{environment['XDG_CACHE_HOME']}/framebatch/graphs",
            environment["CUDA_CACHE_PATH"],
        }
        assert {path for path in written if not any(path.startswith(f"{folder}/") for folder in volumes)} == set()
    mounts = [mount.split(":") for mount in compose()["services"]["framebatch"]["volumes"]]
    assert volumes <= {mount[1] for mount in mounts if not mount[0].startswith(".")}


def test_the_settings_are_settings() -> None:
    """framebatch.toml is read without an error, and what stands there as a suggestion is known too."""
    path = DEPLOY / "framebatch.toml"
    assert load_settings(path, {}, {}).config.model == "conveyor"
    suggested = re.findall(r"^#\s+(\w+) = ", path.read_text(), re.MULTILINE)
    assert len(suggested) >= 3
    assert set(suggested) - set(Config.model_fields) == set()


@pytest.mark.parametrize("name", ["framebatch", "prometheus", "grafana"])
def test_containers_are_locked_up(name: str) -> None:
    """Nothing of their root can be written, they have no capability and get none, and they come back after a reboot."""
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert service["logging"] == {"driver": "local"}
    mounts = [mount.split(":") for mount in service["volumes"]]
    assert [mount for mount in mounts if mount[0].startswith(".") and mount[2:] != ["ro"]] == []
    assert [mount[0] for mount in mounts if mount[0].startswith(".") and not (DEPLOY / mount[0]).exists()] == []
    assert {mount[0] for mount in mounts if not mount[0].startswith(".")} <= compose()["volumes"].keys()


def test_the_gpu_variant_builds_the_gpu_and_insists_on_it() -> None:
    """It asks for one GPU, installs its lock, and does not fall back to the processor."""
    service = compose("compose.gpu.yaml")["services"]["framebatch"]
    assert service["build"]["args"] == {"ACCELERATOR": "gpu"}
    assert service["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]
    assert service["command"][:-2] == compose()["services"]["framebatch"]["command"]
    assert service["command"][-2:] == ["--device", "cuda:0"]


def test_grafana_finds_its_dashboards_and_prometheus() -> None:
    """The folder that is provisioned is the one that is mounted, and the data source is the composition's Prometheus."""
    services, provisioning = compose()["services"], DEPLOY / "grafana" / "provisioning"
    (provider,) = read_yaml((provisioning / "dashboards" / "framebatch.yaml").read_text())["providers"]
    (source,) = read_yaml((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in services["grafana"]["volumes"]
    assert source["url"] == f"http://prometheus:{services['prometheus']['ports'][0].rsplit(':', 1)[1]}"
    assert source["type"] == "prometheus"


def test_there_is_time_to_drain() -> None:
    """Containers are given longer than a server drains by default, and the unit longer than it may be told to."""
    longest = max(limit.le for limit in Config.model_fields["drain_seconds"].metadata if hasattr(limit, "le"))
    ending = app_server.QUIET_SECONDS + app_doors.STOP_SECONDS + 1
    assert seconds(compose()["services"]["framebatch"]["stop_grace_period"]) > DEFAULTS.drain_seconds + ending
    assert seconds(unit()["TimeoutStopSec"][0]) > longest + ending


def test_the_unit_starts_a_hung_server_anew_and_a_wrong_setting_not() -> None:
    """By exit codes; and signs of life come several times within the watchdog's time."""
    directives = unit()
    assert directives["Type"] == ["notify"]
    assert directives["Restart"] == ["on-failure"]
    assert directives["RestartPreventExitStatus"] == ["2"]
    assert app_server.HUNG_EXIT_CODE not in {0, 2}
    assert seconds(directives["WatchdogSec"][0]) > 10 * app_server.LOOK_SECONDS
    assert [value for values in directives.values() for value in values if "--config" in value] == directives[
        "ExecStart"
    ]


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say, once there is a program at that path."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd is not installed")
    text = (DEPLOY / "framebatch.service").read_text()
    (tmp_path / "framebatch.service").write_text(
        re.sub(r"(?<=^ExecStart=)\S+", sys.executable, text, flags=re.MULTILINE)
    )
    ran = subprocess.run(
        [analyze, "verify", tmp_path / "framebatch.service"], check=False, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")
