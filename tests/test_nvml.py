"""framebatch.device.nvml: what NVIDIA's management library answers, and what it does not."""

from __future__ import annotations

import pytest
from fake_nvml import FakeNvml, memory, process

from framebatch.device.driver import GpuFacts
from framebatch.device.gpu_gauge import GpuGauge
from framebatch.device.host import Host
from framebatch.device.nvml import GpuProcess, NvmlGpu, open_gpu, throttle_words

FACTS = GpuFacts("Some GPU", "0a1b2c3d-0000-1111-2222-333344445555", "0000:3B:00.0", integrated=False)


def gpu(library: FakeNvml) -> NvmlGpu:
    """The GPU of a library."""
    found = open_gpu(FACTS, library)
    assert found is not None
    return found


def test_what_is_answered_comes_in_our_units() -> None:
    """Joules, watts, hertz, bytes, degrees."""
    library = FakeNvml(
        nvmlDeviceGetName="NVIDIA H200",
        nvmlDeviceGetMemoryInfo=memory(7_000),
        nvmlDeviceGetComputeRunningProcesses=[process(5, 600), process(6, None)],
        nvmlDeviceGetTotalEnergyConsumption=12_500,
        nvmlDeviceGetPowerUsage=310_000,
        nvmlDeviceGetClockInfo=1_755,
        nvmlDeviceGetMaxClockInfo=1_980,
        nvmlDeviceGetTemperatureV=61,
        nvmlDeviceGetCurrentClocksEventReasons=0x4,
    )
    found = gpu(library)
    assert repr(found) == "<NvmlGpu NVIDIA H200>"
    assert found.memory_bytes() == (7_000, 10_000)
    assert found.processes() == [GpuProcess(5, 600), GpuProcess(6, None)]
    assert found.energy_joules() == 12.5
    assert found.power_watts() == 310
    assert found.clock_hz() == 1_755_000_000
    assert found.clock_max_hz() == 1_980_000_000
    assert found.temperature_celsius() == 61
    assert found.throttled() == ("power cap",)
    assert ("nvmlDeviceGetClockInfo", "handle", 1) in library.asked


def test_what_is_not_supported_is_none() -> None:
    """As on a Jetson or a consumer card: each question by itself."""
    found = gpu(FakeNvml())
    answers = [
        found.memory_bytes(),
        found.processes(),
        found.energy_joules(),
        found.power_watts(),
        found.clock_hz(),
        found.clock_max_hz(),
        found.temperature_celsius(),
        found.throttled(),
    ]
    assert answers == [None] * 8


def test_an_older_driver_is_asked_by_the_older_names() -> None:
    """Temperature and the reasons for lowered clocks were renamed."""
    found = gpu(FakeNvml(nvmlDeviceGetTemperature=55, nvmlDeviceGetCurrentClocksThrottleReasons=0x20))
    assert found.temperature_celsius() == 55
    assert found.throttled() == ("heat (slowed down by the driver)",)


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        ("GPU-0a1b2c3d-0000-1111-2222-333344445555", "nvmlDeviceGetHandleByUUID"),
        ("MIG-0a1b2c3d-0000-1111-2222-333344445555", "nvmlDeviceGetHandleByUUID"),
        ("0000:3B:00.0", "nvmlDeviceGetHandleByPciBusId"),
    ],
)
def test_the_gpu_is_found_by_what_cuda_calls_it(known: str, asked: str) -> None:
    """By its UUID, by that of a part of it, else by its place on the bus; never by an index."""

    class Choosy(FakeNvml):
        """Knows one name only."""

        def __getattr__(self, name: str) -> object:
            def find(wanted: str) -> str:
                if (name, wanted) != (asked, known):
                    raise self.NVMLError("Not Found")
                return f"handle of {wanted}"

            return find if "HandleBy" in name else super().__getattr__(name)

    library = Choosy(nvmlDeviceGetPowerUsage=1_000)
    assert gpu(library).power_watts() == 1
    assert library.asked == [("nvmlDeviceGetPowerUsage", f"handle of {known}")]


def test_the_library_is_given_back() -> None:
    """When the GPU is closed, and when it is not found."""
    library = FakeNvml()
    found = gpu(library)
    assert library.opened == 1
    found.close()
    assert library.opened == 0
    del library.answers["nvmlDeviceGetHandleByUUID"]
    assert open_gpu(FACTS, library) is None
    assert library.opened == 0


def test_without_a_driver_there_is_no_gpu() -> None:
    """The module may be installed where no driver is."""

    class Driverless(FakeNvml):
        """Does not start."""

        def nvmlInit(self) -> None:  # noqa: N802 - NVML's name
            raise self.NVMLError("NVML Shared Library Not Found")

    assert open_gpu(FACTS, Driverless()) is None


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        (0x0, ()),
        (0x1 | 0x2 | 0x100 | 0x400, ()),
        (0x4, ("power cap",)),
        (0x8, ("slowed down by the hardware (heat or power)",)),
        (0x8 | 0x40, ("heat (slowed down by the hardware)",)),
        (0x8 | 0x80, ("power brake of the power supply",)),
        (0x4 | 0x20, ("power cap", "heat (slowed down by the driver)")),
    ],
)
def test_reasons_for_lowered_clocks_are_told_in_words(reasons: int, words: tuple[str, ...]) -> None:
    """Idleness and clocks that somebody set are none; the hardware's own reason stands for its slowdown."""
    assert throttle_words(reasons) == words


def test_the_installed_library_has_what_is_asked() -> None:
    """Each question by the name under which NVIDIA's bindings know it; without a GPU they have no answers."""
    library = pytest.importorskip("pynvml", reason="NVIDIA's bindings are not installed")
    fake = FakeNvml()
    found = gpu(fake)
    GpuGauge(found, host=Host()).look()
    del fake.answers["nvmlDeviceGetHandleByUUID"]
    open_gpu(FACTS, fake)
    for name in {name for name, *_ in fake.asked} | {"nvmlInit", "nvmlShutdown"}:
        assert hasattr(library, name), name
    assert issubclass(library.NVMLError_NotSupported, library.NVMLError)
    assert open_gpu(GpuFacts("No GPU", "", "", integrated=False)) is None
