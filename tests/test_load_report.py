"""framebatch.detection.report: what loading came to, for people and for files."""

from __future__ import annotations

import json

import pytest

from framebatch.detection.report import LoadReport

SELECTED = (
    "candidates are selected on the device, equal to the host's selection by proof (0.012 px, 0.0001 off at most)"
)
PROVEN = LoadReport(
    fused=True,
    opened=True,
    proven=(1, 2, 3),
    max_pixels=0.0123,
    max_score=0.0001,
    threads=2,
    frames_per_second={4: 101.25, 2: 99.5},
)


@pytest.mark.parametrize(
    ("report", "sentences"),
    [
        (LoadReport(), ["pictures are converted on the device", "candidates are selected on the host", "any batch size is run"]),
        (
            PROVEN,
            [
                "pictures are converted on the device",
                SELECTED,
                "the batch axis was fixed and is opened; frames are answered in batches of 1, 2, 3 as alone, by proof",
                "one batch uses 2 threads, by measurement (2: 99.5/s, 4: 101.2/s)",
            ],
        ),
        (
            LoadReport(
                pictures_in=False,
                why_not_pictures_in="opset 7",
                why_not_fused="too few",
                batch_size=1,
                why_not_batched="it lies",
            ),
            [
                "pictures are converted on the host: opset 7",
                "candidates are selected on the host: too few",
                "frames are run one by one: it lies",
            ],
        ),
        (
            LoadReport(proven=(1, 2), loosely=True),
            [
                "pictures are converted on the device",
                "candidates are selected on the host",
                "frames are answered in batches of 1, 2; their scores depend on who shares a batch, as the manifest accepts",
            ],
        ),
        (
            LoadReport(batch_size=4, why_not_batched="it is fixed", out_of_memory=8),
            [
                "pictures are converted on the device",
                "candidates are selected on the host",
                "frames are run 4 at a time: it is fixed",
                "batches of 8 and more do not fit the device's memory",
            ],
        ),
    ],
)  # fmt: skip
def test_everything_is_said_in_a_sentence(report: LoadReport, sentences: list[str]) -> None:
    """With its reason."""
    assert list(report.sentences()) == sentences


def test_a_report_survives_a_file() -> None:
    """JSON knows neither tuples nor numbers as keys."""
    assert LoadReport.from_facts(json.loads(json.dumps(PROVEN.to_facts()))) == PROVEN
