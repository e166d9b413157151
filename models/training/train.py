"""Train the conveyor detector from scratch on the CPU: ``python train.py --out runs/conveyor``.

Only the loop belongs here: schedule, averaging of weights, log and checkpoints.
"""

from __future__ import annotations

import argparse
import copy
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from data import LABELS, SIZE, Batch, batches
from loss import detection_loss
from network import Detector, multiply_adds
from torch.utils.data import DataLoader, IterableDataset

logger = logging.getLogger("train")

_LOW = 256  # canvas height of the main phase: holds a 4:3 picture and spares a fifth of the work
_LOG_EVERY = 50
_SAVE_EVERY = 500


class _Stream(IterableDataset[Batch]):
    """The batches of :func:`data.batches`, made in the loader's one worker process."""

    def __init__(self, seed: int, size: int, height: int, fresh: int) -> None:
        self._arguments = (seed, size, height, fresh)

    def __iter__(self):  # noqa: ANN204 - the base class's loose type
        import cv2  # noqa: PLC0415 - only in the worker

        cv2.setNumThreads(1)
        seed, size, height, fresh = self._arguments
        for batch in batches(seed, size, height, fresh=fresh, pool=8000):
            yield batch.images, batch.objects


def _stream(seed: int, size: int, height: int, fresh: int):  # noqa: ANN202 - an iterator of two tensors
    def merge(items: list[tuple[np.ndarray, np.ndarray]]) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.from_numpy(items[0][0]), torch.from_numpy(items[0][1])

    loader = DataLoader(_Stream(seed, size, height, fresh), 1, num_workers=1, collate_fn=merge, prefetch_factor=12)
    return iter(loader)


def _average(kept: torch.nn.Module, current: torch.nn.Module, decay: float) -> None:
    with torch.no_grad():
        fresh = current.state_dict()
        for name, value in kept.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(fresh[name], 1.0 - decay)
            else:
                value.copy_(fresh[name])


def _groups(network: torch.nn.Module, decay: float) -> list[dict[str, object]]:
    matrices = [value for value in network.parameters() if value.dim() > 1]
    others = [value for value in network.parameters() if value.dim() <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def _rate(done: float, warm: float) -> float:
    """Share of the peak learning rate after the share ``done`` of the run."""
    if done < warm:
        return max(done / warm, 0.01)
    return 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, (done - warm) / (1.0 - warm))))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the log and the checkpoints")
    parser.add_argument("--minutes", type=float, default=0.0, help="length of the run by the clock (overrides --steps)")
    parser.add_argument("--steps", type=int, default=17000, help="length of the run in batches")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--fresh", type=int, default=6, help="new scenes rendered per batch")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--full-from", type=float, default=0.85, help="share of the run from which canvases are square")
    parser.add_argument("--seed", type=int, default=20261120)
    parser.add_argument("--start", type=Path, help="checkpoint to start from instead of random weights")
    return parser.parse_args()


@dataclass(slots=True)
class _Run:
    """A training under way: the network, the average of its weights that is kept, and the optimiser."""

    network: Detector
    kept: torch.nn.Module
    optimiser: torch.optim.Optimizer
    began: float
    step: int = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def learn(self, images: torch.Tensor, objects: torch.Tensor, rate: float) -> tuple[float, float, int]:
        """Take one step on a batch; answer the class loss, the box loss and the number of assigned cells."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        pictures = images.float().div_(255.0).contiguous(memory_format=torch.channels_last)
        objects = objects[:, : max(1, int((objects[..., 4] >= 0).sum(1).max()))]
        with torch.autocast("cpu", torch.bfloat16):
            raw = self.network.raw(pictures)
        losses = detection_loss(raw, objects)
        self.optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimiser.step()
        self.step += 1
        _average(self.kept, self.network, min(0.999, (1 + self.step) / (10 + self.step)))
        return losses.classes.item(), losses.boxes.item(), losses.assigned

    def save(self, path: Path) -> None:
        """Write the kept weights, at once or not at all."""
        waiting = path.with_suffix(".part")
        facts = {"step": self.step, "seconds": self.seconds, "labels": LABELS}
        torch.save({"weights": self.kept.state_dict(), **facts}, waiting)
        waiting.replace(path)


def _start(asked: argparse.Namespace) -> _Run:
    torch.manual_seed(asked.seed)
    torch.set_num_threads(1)  # the other core renders
    network = Detector(len(LABELS)).to(memory_format=torch.channels_last)
    if asked.start:
        network.load_state_dict(torch.load(asked.start)["weights"])
    kept = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(_groups(network, 0.02), lr=asked.rate, betas=(0.9, 0.99))
    size = sum(value.numel() for value in network.parameters())
    logger.info("%s", vars(asked))
    logger.info("%d parameters, %.0f million multiply-adds at 320", size, multiply_adds(classes=len(LABELS)) / 1e6)
    return _Run(network.train(), kept, optimiser, time.monotonic())


def main() -> None:
    """Run the training the command line asks for."""
    asked = _asked()
    asked.out.mkdir(parents=True, exist_ok=True)
    handlers = [logging.StreamHandler(), logging.FileHandler(asked.out / "train.log")]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", handlers=handlers)
    run, sums, square = _start(asked), np.zeros(3), False
    stream = _stream(asked.seed, asked.batch, _LOW, asked.fresh)
    while (done := run.seconds / (asked.minutes * 60.0) if asked.minutes else run.step / asked.steps) < 1.0:
        if done >= asked.full_from and not square:
            square = True
            stream = _stream(asked.seed + 1, asked.batch, SIZE, asked.fresh)
        rate = asked.rate * _rate(done, 0.03)
        sums += run.learn(*next(stream), rate)
        if run.step % _LOG_EVERY == 0:
            classes, boxes, cells = sums / _LOG_EVERY
            progress = (
                f"step {run.step} done {done:.3f} rate {rate:.2e} pace {run.step * asked.batch / run.seconds:.1f}/s"
            )
            logger.info("%s classes %.3f boxes %.3f cells %.1f", progress, classes, boxes, cells / asked.batch)
            sums[:] = 0.0
        if run.step % _SAVE_EVERY == 0:
            run.save(asked.out / "last.pt")
    run.save(asked.out / "final.pt")
    logger.info("finished after %d steps, %.0f s", run.step, run.seconds)


if __name__ == "__main__":
    main()
