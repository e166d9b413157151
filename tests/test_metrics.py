"""framebatch.metrics: what the server counts, as Prometheus reads it."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families

from framebatch.frame import LATE, NO_MODEL, Frame, Model, Outcome, Priority
from framebatch.metrics import MAX_CAMERAS, OTHER_CAMERAS, PIECE_SAMPLES, Distribution, Metrics

BOLTS = Model("bolts", "1", ("bolt",))
MS = 1_000_000
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def make_frame(camera: str = "press", outcome: Outcome | None = Outcome.OK, *, parsed: bool = True) -> Frame:
    """Answer a frame answered after 1 + 2 + 3 + 4 ms and one more."""
    frame = Frame(
        camera=camera,
        sequence=0,
        live=False,
        picture=None,
        arrival_ns=0,
        deadline_ns=0,
        reply=lambda _: None,
    )
    frame.model = BOLTS
    frame.outcome = outcome
    frame.ready_ns, frame.started_ns, frame.finished_ns = 1 * MS, 3 * MS, 6 * MS
    frame.parsed_ns = 10 * MS if parsed else 0
    frame.answered_ns = 11 * MS
    return frame


@pytest.fixture
def metrics() -> Metrics:
    """Answer the metrics of a fresh server."""
    return Metrics(info={"version": "1.2.3", "device": "cpu"})


def series(metrics: Metrics) -> Series:
    """Answer all values as a scraper reads them."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
    }


def labels(**values: str) -> frozenset[tuple[str, str]]:
    """Answer labels as a key."""
    return frozenset(values.items())


def test_frames_are_counted_by_camera_and_outcome(metrics: Metrics) -> None:
    """One series for each pair, with the model's name; misses are told from the first frame on, so that they have rates."""
    for _ in range(3):
        metrics.answered(make_frame("a"))
    metrics.answered(make_frame("a", Outcome.EXPIRED, parsed=False))
    metrics.answered(make_frame("b"))
    found = series(metrics)
    frames = {key: value for key, value in found.items() if key[0] == "framebatch_frames_total"}
    assert frames == {
        ("framebatch_frames_total", labels(model="bolts", camera="a", outcome="OK")): 3,
        ("framebatch_frames_total", labels(model="bolts", camera="a", outcome="EXPIRED")): 1,
        ("framebatch_frames_total", labels(model="bolts", camera="a", outcome="REJECTED")): 0,
        ("framebatch_frames_total", labels(model="bolts", camera="b", outcome="OK")): 1,
        ("framebatch_frames_total", labels(model="bolts", camera="b", outcome="EXPIRED")): 0,
        ("framebatch_frames_total", labels(model="bolts", camera="b", outcome="REJECTED")): 0,
    }
    assert metrics.totals() == {"OK": 4, "EXPIRED": 1}


def test_frames_are_counted_by_class_and_outcome(metrics: Metrics) -> None:
    """Of all cameras together, so that there are few series; each class that was seen has all outcomes."""
    for priority, outcome in (
        (Priority.CRITICAL, Outcome.OK),
        (Priority.CRITICAL, Outcome.OK),
        (Priority.BEST_EFFORT, Outcome.EXPIRED),
    ):
        frame = make_frame(outcome=outcome)
        frame.priority = priority
        metrics.answered(frame)
    name = "framebatch_priority_frames_total"
    found = {key: value for key, value in series(metrics).items() if key[0] == name}
    assert len(found) == 2 * len(Outcome)
    assert {key: value for key, value in found.items() if value} == {
        (name, labels(model="bolts", priority="critical", outcome="OK")): 2,
        (name, labels(model="bolts", priority="best-effort", outcome="EXPIRED")): 1,
    }


def test_the_time_of_a_frame_is_told_by_stage(metrics: Metrics) -> None:
    """Sums and counts of the whole and of each stage, for frames with detections only."""
    metrics.answered(make_frame())
    metrics.answered(make_frame(outcome=Outcome.EXPIRED, parsed=False))
    found = series(metrics)
    assert found["framebatch_latency_seconds_sum", labels(model="bolts")] == pytest.approx(0.011)
    assert found["framebatch_latency_seconds_count", labels(model="bolts")] == 1
    stages = {
        stage: found["framebatch_stage_seconds_sum", labels(model="bolts", stage=stage)]
        for stage in ("decode", "queue")
    }
    assert stages == {"decode": pytest.approx(0.001), "queue": pytest.approx(0.002)}
    stages = {
        stage: found["framebatch_stage_seconds_sum", labels(model="bolts", stage=stage)] for stage in ("device", "post")
    }
    assert stages == {"device": pytest.approx(0.003), "post": pytest.approx(0.004)}


def test_a_frame_in_flight_is_not_counted(metrics: Metrics) -> None:
    """That would be a mistake of the program, and shows."""
    with pytest.raises(ValueError, match="has no outcome yet"):
        metrics.answered(make_frame(outcome=None))


def test_batches_and_padding_are_counted(metrics: Metrics) -> None:
    """Frames without the empty places, the empty places, and the device's time."""
    bolts = metrics.model("bolts")
    bolts.batch(frames=3, bucket=4, device_ns=500 * MS)
    bolts.batch(frames=64, bucket=64, device_ns=1_500 * MS)
    assert repr(bolts) == "ModelMetrics(answered=0, batches=2)"
    found = series(metrics)
    assert found["framebatch_padding_frames_total", labels(model="bolts")] == 1
    assert found["framebatch_device_busy_seconds_total", labels(model="bolts")] == 2
    assert found["framebatch_batch_frames_sum", labels(model="bolts")] == 67
    assert found["framebatch_batch_frames_bucket", labels(model="bolts", le="3.0")] == 1
    assert found["framebatch_batch_frames_bucket", labels(model="bolts", le="2.0")] == 0
    assert found["framebatch_batch_frames_bucket", labels(model="bolts", le="64.0")] == 2


def test_device_runs_are_counted_by_size(metrics: Metrics) -> None:
    """Those sizes that are expected from the start on, as 0; another one from its first run on."""
    bolts = metrics.model("bolts")
    bolts.expect(reasons=(), buckets=(1, 4))
    for bucket, device_ms in ((4, 500), (4, 250), (8, 1_000)):
        bolts.batch(frames=3, bucket=bucket, device_ns=device_ms * MS)
    bolts.expect(reasons=(), buckets=(1, 4))
    found = series(metrics)
    counted = {
        bucket: (
            found["framebatch_batches_total", labels(model="bolts", bucket=bucket)],
            found["framebatch_batch_device_seconds_total", labels(model="bolts", bucket=bucket)],
        )
        for bucket in ("1", "4", "8")
    }
    assert counted == {"1": (0, 0), "4": (2, 0.75), "8": (1, 1)}


def test_batches_are_counted_by_why_they_were_released(metrics: Metrics) -> None:
    """All reasons are told from the start; one that nobody knows is a mistake of the program."""
    bolts = metrics.model("bolts")
    bolts.expect(reasons=("full", "idle"), buckets=())
    bolts.release("full")
    bolts.expect(reasons=("full", "idle"), buckets=())
    found = series(metrics)
    name = "framebatch_batches_released_total"
    assert found[name, labels(model="bolts", reason="full")] == 1
    assert found[name, labels(model="bolts", reason="idle")] == 0
    with pytest.raises(KeyError):
        bolts.release("fun")


def test_the_budget_that_was_used_is_told(metrics: Metrics) -> None:
    """Latency over the frame's own budget, for frames with detections only; one without a budget harms nothing."""
    for parsed, budget_ms in ((True, 22), (True, 11), (False, 22), (True, 0)):
        frame = make_frame(outcome=Outcome.OK if parsed else Outcome.EXPIRED, parsed=parsed)
        frame.deadline_ns = budget_ms * MS
        metrics.answered(frame)
    found = series(metrics)
    name = "framebatch_budget_used_ratio_bucket"
    below = {bound: found[name, labels(model="bolts", le=bound)] for bound in ("0.4", "0.5", "0.95", "1.0", "+Inf")}
    assert below == {"0.4": 0, "0.5": 1, "0.95": 1, "1.0": 2, "+Inf": 3}


def test_streams_are_counted_by_camera(metrics: Metrics) -> None:
    """Each that a camera begins; beyond the bounded number of names together."""
    metrics.stream_opened("press")
    metrics.stream_opened("press")
    for number in range(MAX_CAMERAS + 1):
        metrics.stream_opened(f"camera {number}")
    found = {dict(key)["camera"]: value for (name, key), value in series(metrics).items() if "streams_opened" in name}
    assert (len(found), found["press"], found["camera 0"], found[OTHER_CAMERAS]) == (MAX_CAMERAS + 1, 2, 1, 2)


async def test_what_takes_a_moment_is_awaited_before(metrics: Metrics) -> None:
    """Everything that wants it, in turn."""
    done: list[int] = []

    async def first() -> None:
        done.append(1)

    async def second() -> None:
        done.append(2)

    metrics.before_scrape(first)
    metrics.before_scrape(second)
    assert b"framebatch_info" in await metrics.scrape()
    assert done == [1, 2]


async def test_a_scrape_lets_others_run(metrics: Metrics) -> None:
    """The text is that of one piece, made in many where there are many cameras."""
    for number in range(MAX_CAMERAS):
        metrics.answered(make_frame(f"camera {number}"))
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(other())
    text = await metrics.scrape()
    running.cancel()
    assert turns >= MAX_CAMERAS * 3 // PIECE_SAMPLES
    ours = [line for line in text.splitlines() if b"framebatch_" in line]
    assert ours == [line for line in metrics.exposition().splitlines() if b"framebatch_" in line]


def test_each_model_has_figures_of_its_own(metrics: Metrics) -> None:
    """They begin at zero when it is loaded; frames whose model is not known are counted, and have no times."""
    metrics.model("nuts")
    metrics.answered(make_frame())
    lost = make_frame(outcome=Outcome.INVALID, parsed=False)
    lost.model = NO_MODEL
    metrics.answered(lost)
    found = series(metrics)
    counts = {
        dict(key)["model"]: value for (name, key), value in found.items() if name == "framebatch_latency_seconds_count"
    }
    assert counts == {"nuts": 0, "bolts": 1}
    assert found["framebatch_frames_total", labels(model="", camera="press", outcome="INVALID")] == 1
    assert metrics.totals() == {"OK": 1, "INVALID": 1}


def test_answers_without_a_client_are_counted(metrics: Metrics) -> None:
    """They were answered as well."""
    metrics.undelivered(2)
    assert series(metrics)["framebatch_undelivered_answers_total", labels()] == 2


def test_the_server_says_what_it_serves(metrics: Metrics) -> None:
    """One series with everything that does not change; and the process's own figures are there."""
    found = series(metrics)
    assert found["framebatch_info", labels(version="1.2.3", device="cpu")] == 1
    assert found["process_resident_memory_bytes", labels()] > 0


def test_gauges_are_read_when_asked(metrics: Metrics) -> None:
    """Each scrape sees the figure of its moment."""
    values = [1.0, 2.0]
    metrics.gauge("framebatch_test", "A figure.", lambda: values.pop(0))
    assert series(metrics)["framebatch_test", labels()] == 1
    assert series(metrics)["framebatch_test", labels()] == 2


def test_figures_may_come_and_go(metrics: Metrics) -> None:
    """What has labels is asked which of them there are, at each scrape."""
    rows = [(("bolts",), 3.0)]
    metrics.gauges("framebatch_test", "Figures.", ("model",), lambda: rows)
    metrics.counters("framebatch_tries", "Counts.", ("model",), lambda: rows)
    assert series(metrics)["framebatch_test", labels(model="bolts")] == 3
    rows[:] = [(("nuts",), 4.0)]
    found = series(metrics)
    assert found["framebatch_tries_total", labels(model="nuts")] == 4
    assert ("framebatch_test", labels(model="bolts")) not in found


def test_names_of_cameras_are_bounded(metrics: Metrics) -> None:
    """However many cameras come, the number of series stays small, and no frame is lost."""
    for number in range(MAX_CAMERAS + 20):
        metrics.answered(make_frame(f"camera {number}"))
    metrics.answered(make_frame("camera 0"))
    frames = {key: value for key, value in series(metrics).items() if key[0] == "framebatch_frames_total"}
    assert len(frames) == (MAX_CAMERAS + 1) * (1 + len(LATE))
    other = ("framebatch_frames_total", labels(model="bolts", camera=OTHER_CAMERAS, outcome="OK"))
    first = ("framebatch_frames_total", labels(model="bolts", camera="camera 0", outcome="OK"))
    assert (frames[other], frames[first], sum(frames.values())) == (20, 2, MAX_CAMERAS + 21)
    assert len(metrics.ages(0)) == MAX_CAMERAS + 1


def test_the_age_of_a_camera_s_last_frame_is_told(metrics: Metrics) -> None:
    """From its arrival to the time that is asked for, of each camera, whatever became of the frame."""
    for camera, outcome, arrival_ms in (("a", Outcome.OK, 100), ("b", Outcome.OK, 200), ("a", Outcome.EXPIRED, 400)):
        frame = make_frame(camera, outcome, parsed=False)
        frame.arrival_ns = arrival_ms * MS
        metrics.answered(frame)
    assert metrics.ages(1_000 * MS) == [(("a",), 0.6), (("b",), 0.8)]


def test_what_was_left_of_the_deadline_is_told(metrics: Metrics) -> None:
    """For frames with detections only."""
    for parsed in (True, False):
        frame = make_frame(outcome=Outcome.OK if parsed else Outcome.EXPIRED, parsed=parsed)
        frame.deadline_ns = 31 * MS
        metrics.answered(frame)
    found = series(metrics)
    assert found["framebatch_slack_seconds_sum", labels(model="bolts")] == pytest.approx(0.020)
    assert found["framebatch_slack_seconds_count", labels(model="bolts")] == 1


def test_distributions_may_be_kept_elsewhere(metrics: Metrics) -> None:
    """Each scrape sees what they have counted by then."""
    kept = Distribution((1, 2))
    metrics.distribution("framebatch_test_seconds", "A distribution.", kept)
    kept.observe(1.5)
    found = series(metrics)
    assert found["framebatch_test_seconds_bucket", labels(le="1.0")] == 0
    assert found["framebatch_test_seconds_bucket", labels(le="2.0")] == 1
    assert found["framebatch_test_seconds_sum", labels()] == 1.5


@pytest.mark.parametrize("camera", ['quote " backslash \\ newline \n', "Prüfstand 3", ""])
def test_any_name_survives(metrics: Metrics, camera: str) -> None:
    """Names are the clients' business; the text stays readable for Prometheus."""
    metrics.answered(make_frame(camera))
    key = ("framebatch_frames_total", labels(model="bolts", camera=camera, outcome="OK"))
    assert series(metrics)[key] == 1


def test_it_shows_its_state(metrics: Metrics) -> None:
    """The repr counts answers, models and cameras."""
    metrics.answered(make_frame())
    assert repr(metrics) == "Metrics(answered=1, models=1, cameras=1)"
