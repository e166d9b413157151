"""The detector's network: a small residual backbone, a top-down neck and decoupled anchor-free heads.

Losses, data and export do not belong here; decoding to boxes in input pixels does, since both the loss and
the exported graph need it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES: tuple[int, ...] = (8, 16, 32)


class ConvBlock(nn.Module):
    """Convolution, batch normalisation and (unless told otherwise) ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, *, relu: bool = True) -> None:
        """Set up the three layers; padding keeps the size (before the stride)."""
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03)
        self.relu: nn.Module = nn.ReLU(inplace=True) if relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        out: Tensor = self.relu(self.norm(self.conv(x)))
        return out

    def fuse(self) -> None:
        """Fold the normalisation into the convolution; for inference only."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = nn.utils.fuse_conv_bn_eval(self.conv.eval(), self.norm.eval())
            self.norm = nn.Identity()


class Residual(nn.Module):
    """Two 3x3 convolutions over a narrower middle, added to the input."""

    def __init__(self, width: int, middle: int) -> None:
        """Set up for ``width`` channels in and out and ``middle`` between."""
        super().__init__()
        self.first = ConvBlock(width, middle)
        self.second = ConvBlock(middle, width, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        return functional.relu(x + self.second(self.first(x)))


class Head(nn.Module):
    """Class logits and box distances for one stride."""

    def __init__(self, inputs: int, middle: int, classes: int, cells: int) -> None:
        """Set up the two branches; ``cells`` is the number of positions, for the initial class odds."""
        super().__init__()
        self.classes = nn.Sequential(ConvBlock(inputs, middle), nn.Conv2d(middle, classes, 1))
        self.boxes = nn.Sequential(ConvBlock(inputs, middle), nn.Conv2d(middle, 4, 1))
        last = self.classes[-1]
        assert isinstance(last, nn.Conv2d)  # noqa: S101 - narrows the type
        assert last.bias is not None  # noqa: S101 - narrows the type
        nn.init.constant_(last.bias, -float(torch.log(torch.tensor(cells / 4.0))))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Give logits (B, classes, H, W) and raw distances (B, 4, H, W)."""
        return self.classes(x), self.boxes(x)


class Detector(nn.Module):
    """The whole network.

    ``forward`` gives the export's head, (B, 4 + classes, N): cx, cy, w, h in input pixels, then probabilities.
    ``raw`` gives what the loss needs.
    """

    def __init__(self, classes: int) -> None:
        """Set up an untrained detector for so many classes."""
        super().__init__()
        self.stem = nn.Sequential(ConvBlock(3, 16, stride=2), ConvBlock(16, 24, stride=2))
        self.stage8 = nn.Sequential(ConvBlock(24, 48, stride=2), Residual(48, 32))
        self.stage16 = nn.Sequential(ConvBlock(48, 96, stride=2), Residual(96, 48), Residual(96, 48))
        self.stage32 = nn.Sequential(ConvBlock(96, 128, stride=2), Residual(128, 64))
        self.from32 = ConvBlock(128, 80, 1)
        self.from16 = ConvBlock(96, 80, 1)
        self.mix16 = ConvBlock(80, 80)
        self.down16 = ConvBlock(80, 48, 1)
        self.from8 = ConvBlock(48, 48, 1)
        self.mix8 = ConvBlock(48, 48)
        self.heads = nn.ModuleList(
            [Head(48, 32, classes, 1600), Head(80, 40, classes, 400), Head(80, 40, classes, 100)]
        )

    def features(self, images: Tensor) -> list[Tensor]:
        """Give the feature maps at the three strides."""
        at8 = self.stage8(self.stem(images))
        at16 = self.stage16(at8)
        top = self.from32(self.stage32(at16))
        middle = self.mix16(self.from16(at16) + functional.interpolate(top, scale_factor=2.0, mode="nearest"))
        low = self.mix8(self.from8(at8) + functional.interpolate(self.down16(middle), scale_factor=2.0, mode="nearest"))
        return [low, middle, top]

    def raw(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give class logits (B, N, classes), boxes (B, N, 4) x1 y1 x2 y2, cell centres (N, 2), strides (N,).

        All lengths are input pixels.
        """
        logits, boxes, centres, steps = [], [], [], []
        for stride, feature, head in zip(STRIDES, self.features(images), self.heads, strict=True):
            scores, distances = head(feature)
            centre, step = _cells(feature.shape[2], feature.shape[3], stride)
            reach = functional.softplus(distances.flatten(2).transpose(1, 2).float()) * stride
            boxes.append(torch.cat((centre - reach[..., :2], centre + reach[..., 2:]), dim=-1))
            logits.append(scores.flatten(2).transpose(1, 2).float())
            centres.append(centre)
            steps.append(step)
        return torch.cat(logits, 1), torch.cat(boxes, 1), torch.cat(centres), torch.cat(steps)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, 3, 320, 320) RGB 0..1 to the head described above."""
        columns = []
        for stride, feature, head in zip(STRIDES, self.features(images), self.heads, strict=True):
            scores, distances = head(feature)
            centre, _ = _cells(feature.shape[2], feature.shape[3], stride)
            reach = functional.softplus(distances.flatten(2)) * stride
            near, far = reach[:, :2], reach[:, 2:]
            columns.append(torch.cat((centre.t() + (far - near) * 0.5, near + far, scores.flatten(2).sigmoid()), dim=1))
        return torch.cat(columns, dim=2)

    def fuse(self) -> Detector:
        """Fold every normalisation into its convolution, in place."""
        self.eval()
        for module in self.modules():
            if isinstance(module, ConvBlock):
                module.fuse()
        return self


def _cells(rows: int, columns: int, stride: int) -> tuple[Tensor, Tensor]:
    x = (torch.arange(columns, dtype=torch.float32) + 0.5) * stride
    y = (torch.arange(rows, dtype=torch.float32) + 0.5) * stride
    centre = torch.stack((x.repeat(rows), y.repeat_interleave(columns)), dim=-1)
    return centre, torch.full((rows * columns,), float(stride))


def multiply_adds(size: int = 320, classes: int = 8) -> int:
    """Count the convolutions' multiply-adds for one picture of ``size`` x ``size``."""
    total = 0

    def count(module: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d)  # noqa: S101 - narrows the type
        total += output[0].numel() * module.weight[0].numel()

    network = Detector(classes).eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    with torch.no_grad():
        network(torch.zeros(1, 3, size, size))
    return total
