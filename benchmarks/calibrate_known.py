"""Does `framebatch calibrate` find what is true? Random simulated devices, of which everything is known.

    calibrate_known.py                  20 devices, 4 at a time: about 9 minutes
    calibrate_known.py --quick          the same with --quick

Each device has a fixed cost, a cost by frame, noise of up to 20 %, and memory with a hard limit. The real command measures
it in real time. Held against the truth: the times of all sizes, the memory line, and the largest batch by each rule. A
rule whose true figure lies closer to its threshold than times can be measured (2 %) may be one size off, and is counted
apart. Exit status 1 when anything else differs.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import math
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any, Final

from framebatch.profile import buckets_up_to

MEGABYTE: Final = 1 << 20
LIMIT: Final = 64
FRACTION: Final = 0.8
TIMES_WITHIN: Final = 0.03
MEMORY_WITHIN: Final = 0.02
DOUBT: Final = 0.02
KNEE: Final = 0.03


@dataclass(frozen=True, kw_only=True)
class Truth:
    """One device."""

    alpha_ms: float
    beta_ms: float
    noise: float
    base_mb: float
    frame_mb: float
    limit_mb: float
    deadline_ms: float

    @classmethod
    def random(cls, seed: int) -> Truth:
        """Make one up."""
        chance = random.Random(seed)  # noqa: S311 - a benchmark needs no secrecy
        base, frame = chance.uniform(100, 800), chance.uniform(5, 60)
        return cls(
            alpha_ms=round(math.exp(chance.uniform(math.log(0.5), math.log(20))), 3),
            beta_ms=round(math.exp(chance.uniform(math.log(0.1), math.log(10))), 3),
            noise=round(chance.uniform(0, 0.2), 3),
            base_mb=round(base),
            frame_mb=round(frame),
            limit_mb=round(base + frame * math.exp(chance.uniform(math.log(3), math.log(120)))),
            deadline_ms=round(math.exp(chance.uniform(math.log(40), math.log(1000)))),
        )

    @property
    def device(self) -> str:
        """As `--device` takes it."""
        numbers = (self.alpha_ms, self.beta_ms, self.noise, self.base_mb, self.frame_mb, self.limit_mb)
        return "sim:" + ",".join(f"{number:g}" for number in numbers)

    def median_ms(self, batch: int) -> float:
        """Noise is lognormal with mean 1, so half of all batches take less than this."""
        return (self.alpha_ms + self.beta_ms * batch) / math.sqrt(1 + self.noise**2)

    def allows(self, rule: str, slack: float = 0.0) -> int:
        """The largest size by one rule; with slack, if times were so much longer and gains so much smaller."""
        ladder = buckets_up_to(LIMIT)
        if rule == "memory":
            return max((b for b in ladder if self.base_mb + self.frame_mb * b <= FRACTION * self.limit_mb), default=0)
        if rule == "deadline":
            meets = (b for b in ladder if 2 * self.median_ms(b) * (1 + slack) <= self.deadline_ms)
            return max(meets, default=0)
        gains = {b: 2 * self.median_ms(b) / self.median_ms(2 * b) - 1 for b in ladder}
        return next((b for b in ladder if gains[b] + slack * KNEE * 5 < KNEE), LIMIT)


def calibrated(truth: Truth, folder: str, *, quick: bool) -> dict[str, Any]:
    """Run the command."""
    command = [sys.executable, "-m", "framebatch.cli", "calibrate", "--model", "conveyor", "--device", truth.device]
    command += ["--deadline-ms", f"{truth.deadline_ms:g}", "--max-batch", str(LIMIT), "--json", "--no-store"]
    ran = subprocess.run(
        [*command, *(["--quick"] if quick else [])], cwd=folder, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise RuntimeError(f"{truth.device}: exit code {ran.returncode}: {ran.stderr[-300:]}")
    profile: dict[str, Any] = json.loads(ran.stdout)
    return profile


def held_against(truth: Truth, profile: dict[str, Any]) -> tuple[str, list[str], list[str]]:
    """One line of figures, what is wrong, and what may be one size off."""
    times = {b["batch"]: b["service_ns"] / 1e6 / truth.median_ms(b["batch"]) - 1 for b in profile["buckets"]}
    worst = max(times, key=lambda batch: abs(times[batch]))
    wrong = [f"time of {worst} off by {times[worst]:+.1%}"] if abs(times[worst]) > TIMES_WITHIN else []
    close: list[str] = []
    line = profile["memory"]["line"]
    memory = math.nan
    if line:
        at = max(times)
        needed = (truth.base_mb + truth.frame_mb * at) * MEGABYTE
        memory = (line["base_bytes"] + line["bytes_per_frame"] * at) / needed - 1
        if abs(memory) > MEMORY_WITHIN:
            wrong.append(f"memory of {at} off by {memory:+.1%}")
    for rule in ("memory", "deadline", "throughput"):
        allowed, true = profile["choice"][rule], truth.allows(rule)
        if allowed["max_batch"] == true or (allowed["at_least"] and allowed["max_batch"] < true):
            continue
        likely = {truth.allows(rule, slack) for slack in (-DOUBT, 0.0, DOUBT)}
        text = f"{rule} allows {allowed['max_batch']}, in truth {true}"
        (close if allowed["max_batch"] in likely else wrong).append(text)
    true = max(1, min(truth.allows(rule) for rule in ("memory", "deadline", "throughput")))
    if profile["choice"]["max_batch"] != true and not close:
        wrong.append(f"chose {profile['choice']['max_batch']}, in truth {true}")
    figures = f"times {times[worst]:+.1%}, memory {memory:+.2%}, chose {profile['choice']['max_batch']:3d} of {true:3d}"
    return f"{truth.device:44s} D={truth.deadline_ms:4g} {profile['run']['seconds']:5.1f} s  {figures}", wrong, close


def main() -> None:
    """Run it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--devices", type=int, default=20)
    options.add_argument("--at-a-time", type=int, default=4)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--quick", action="store_true")
    given = options.parse_args()
    truths = [Truth.random(given.seed + number) for number in range(given.devices)]
    bad = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(given.at_a_time) as pool:
        for truth, found in zip(
            truths, pool.map(lambda t: calibrated(t, folder, quick=given.quick), truths), strict=True
        ):
            figures, wrong, close = held_against(truth, found)
            bad += bool(wrong)
            print(
                figures,
                "; ".join([*(f"WRONG: {each}" for each in wrong), *(f"close: {each}" for each in close)]),
                flush=True,
            )
    print(f"{given.devices - bad} of {given.devices} right")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
