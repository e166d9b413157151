"""The training loss: task-aligned assignment, binary cross-entropy on soft targets, and complete IoU.

The assignment follows the idea of TOOD (Feng et al., 2021): each object takes the cells that both classify
and place it best. The box loss is CIoU (Zheng et al., 2020). The network and the data do not belong here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_TINY = 1e-7


@dataclass(frozen=True, slots=True)
class Losses:
    """The weighted parts of one batch's loss and the number of cells that were assigned an object."""

    classes: Tensor
    boxes: Tensor
    assigned: int

    @property
    def total(self) -> Tensor:
        """What to minimise."""
        return self.classes + self.boxes


def overlap(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """IoU of boxes (..., 4) x1 y1 x2 y2 with one another, and the area of the enclosing box's diagonal squared."""
    near = torch.maximum(first[..., :2], second[..., :2])
    far = torch.minimum(first[..., 2:], second[..., 2:])
    common = (far - near).clamp(min=0).prod(-1)
    area = (first[..., 2:] - first[..., :2]).clamp(min=0).prod(-1)
    area = area + (second[..., 2:] - second[..., :2]).clamp(min=0).prod(-1)
    span = torch.maximum(first[..., 2:], second[..., 2:]) - torch.minimum(first[..., :2], second[..., :2])
    return common / (area - common + _TINY), span.square().sum(-1) + _TINY


def complete_iou_loss(predicted: Tensor, wanted: Tensor) -> Tensor:
    """1 - CIoU per pair of boxes (n, 4)."""
    iou, diagonal = overlap(predicted, wanted)
    apart = (predicted[:, :2] + predicted[:, 2:] - wanted[:, :2] - wanted[:, 2:]).square().sum(-1) / 4
    shape = predicted[:, 2:] - predicted[:, :2]
    target = wanted[:, 2:] - wanted[:, :2]
    skew = torch.atan(target[:, 0] / (target[:, 1] + _TINY)) - torch.atan(shape[:, 0] / (shape[:, 1] + _TINY))
    skew = skew.square() * (4.0 / math.pi**2)
    with torch.no_grad():
        weight = skew / (1.0 - iou + skew + _TINY)
    return 1.0 - iou + apart / diagonal + weight * skew


@torch.no_grad()
def assign(
    scores: Tensor, boxes: Tensor, centres: Tensor, strides: Tensor, objects: Tensor, *, most: int = 10
) -> tuple[Tensor, Tensor, Tensor]:
    """Choose an object for each cell.

    Takes probabilities (B, N, C), boxes (B, N, 4), cells and ``objects`` (B, M, 6). Gives per cell the object's
    number or -1 (B, N), the soft class target's height (B, N), and whether the cell is to be ignored (B, N).
    """
    real = objects[..., 4] >= 0
    wanted = real & (objects[..., 5] == 0)
    corners = objects[..., :4].unsqueeze(2)
    middle = (corners[..., :2] + corners[..., 2:]) / 2
    half = (corners[..., 2:] - corners[..., :2]) / 2
    away = (centres - middle).abs()
    inside = (away < half).all(-1)
    near = (away < torch.maximum(half, strides[:, None] * 0.75)).all(-1)
    ignored = (inside & (real & ~wanted).unsqueeze(-1)).any(1)
    iou = overlap(corners, boxes.unsqueeze(1))[0]
    kind = objects[..., 4].clamp(min=0).long()
    score = scores.transpose(1, 2).gather(1, kind.unsqueeze(-1).expand(-1, -1, scores.shape[1]))
    metric = score.sqrt() * iou.pow(6) * (near & wanted.unsqueeze(-1))
    top = metric.topk(most, dim=-1)
    chosen = torch.zeros_like(metric, dtype=torch.bool).scatter_(-1, top.indices, top.values > _TINY**2)
    rank = torch.where(chosen, iou, torch.full_like(iou, -1.0))
    best, owner = rank.max(1)
    owner = torch.where(best >= 0, owner, torch.full_like(owner, -1))
    held = torch.zeros_like(chosen).scatter_(1, owner.clamp(min=0).unsqueeze(1), (owner >= 0).unsqueeze(1))
    metric = metric * held
    peak = metric.amax(-1, keepdim=True)
    reach = (iou * held).amax(-1, keepdim=True)
    height = (metric / (peak + _TINY**2) * reach).amax(1)
    return owner, height, ignored & (owner < 0)


def detection_loss(raw: tuple[Tensor, Tensor, Tensor, Tensor], objects: Tensor) -> Losses:
    """Loss of the network's raw answer against ``objects`` (B, M, 6), class -1 where a row is unused."""
    logits, boxes, centres, strides = raw
    owner, height, ignored = assign(logits.detach().sigmoid(), boxes.detach(), centres, strides, objects)
    held = owner >= 0
    own = objects.gather(1, owner.clamp(min=0).unsqueeze(-1).expand(-1, -1, objects.shape[-1]))
    target = torch.zeros_like(logits)
    target.scatter_(-1, own[..., 4:5].clamp(min=0).long(), (height * held).unsqueeze(-1))
    total = target.sum().clamp(min=1.0)
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    classes = (entropy * (~ignored).unsqueeze(-1)).sum() / total
    weight = height[held]
    placed = (complete_iou_loss(boxes[held], own[..., :4][held]) * weight).sum() / total
    return Losses(classes, placed * 5.0, int(held.sum()))
