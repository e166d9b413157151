"""framebatch.device.devices: what people write for a device, and what it means."""

from __future__ import annotations

import pytest

from framebatch.device.devices import Device, parse_device
from framebatch.errors import UsageError


@pytest.mark.parametrize(
    ("text", "device", "written"),
    [
        ("auto", Device(), "auto"),
        ("CPU", Device(kind="cpu"), "cpu"),
        ("cuda", Device(kind="cuda"), "cuda:0"),
        ("cuda:3", Device(kind="cuda", index=3), "cuda:3"),
        ("sim:1.5,0.12", Device(kind="sim", alpha_ns=1_500_000, beta_ns=120_000), "sim:1.5,0.12"),
        ("sim:0,2,0.3", Device(kind="sim", beta_ns=2_000_000, noise=0.3), "sim:0,2,0.3"),
        ("sim:1.234567,2", Device(kind="sim", alpha_ns=1_234_567, beta_ns=2_000_000), "sim:1.234567,2"),
        (
            "sim:1,2,0,100,0.5,4096",
            Device(
                kind="sim",
                alpha_ns=1_000_000,
                beta_ns=2_000_000,
                base_bytes=100 << 20,
                frame_bytes=1 << 19,
                limit_bytes=4 << 30,
            ),
            "sim:1,2,0,100,0.5,4096",
        ),
        (
            "sim:1,0,0.25,402.7,0.0000010,2655",
            Device(
                kind="sim",
                alpha_ns=1_000_000,
                noise=0.25,
                base_bytes=422_261_555,
                frame_bytes=1,
                limit_bytes=2655 << 20,
            ),
            "sim:1,0,0.25,402.7,1e-06,2655",
        ),
    ],
)
def test_names_of_devices(text: str, device: Device, written: str) -> None:
    """What people write, and how it is written back, which is read as the same."""
    assert parse_device(text) == device
    assert str(device) == written
    assert parse_device(written) == device


@pytest.mark.parametrize(
    "text",
    [
        "gpu",
        "",
        "cuda:",
        "cuda:-1",
        "sim:",
        "sim:1",
        "sim:1,2,3,4",
        "sim:1,2,0,4,5",
        "sim:1,2,0,4,5,0",
        "sim:1,2,0,-4,5,9",
        "sim:a,b",
        "sim:nan,1",
        "sim:0,0",
        "sim:-1,2",
    ],
)
def test_other_names_are_refused(text: str) -> None:
    """The option, the value and the forms that are understood."""
    with pytest.raises(UsageError, match=r"--device is .*(must|is written)"):
        parse_device(text)
