"""EfficientNet-Lite: EfficientNet (Tan and Le 2019) without squeeze-and-excitation and with ReLU6.

torchvision has no such network. Written from the paper's table 1 and the scaling rule of section 3.3; stem
and head keep their width in every version, and the first and the last block their number of layers, as in
the networks that TensorFlow published under this name. Convolutions pad as TensorFlow does: more on the
right and below, by what the picture's size needs.
"""

import math

import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor, nn

__all__ = ["EfficientNetLite", "efficientnet_lite"]

# Layers, kernel, stride, expansion, channels out: table 1 of the paper.
_BLOCKS = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM, _HEAD = 32, 1280
_VERSIONS = {0: (1.0, 1.0, 0.2), 2: (1.1, 1.2, 0.3)}  # width, depth, dropout
_DIVISOR = 8
_EPSILON, _MOMENTUM = 1e-3, 0.01


class _SamePadded(nn.Conv2d):
    """A convolution whose result has ceil(size / stride) positions a side."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(before, after, kernel, stride=stride, groups=groups, bias=False)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - nn.Conv2d's name
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        if kernel == 1:
            return super().forward(input)
        missing = [
            max((math.ceil(side / stride) - 1) * stride + kernel - side, 0) for side in input.shape[-2:]
        ]
        if stride == 1:
            return F.conv2d(input, self.weight, padding=kernel // 2, groups=self.groups)
        down, across = missing
        padded = F.pad(input, (across // 2, across - across // 2, down // 2, down - down // 2))
        return super().forward(padded)


class _Block(nn.Module):
    """An inverted bottleneck: widen, convolve each channel by itself, narrow; plus the input if that fits."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = before * expansion
        self.widens = expansion != 1
        if self.widens:
            self.expand_conv = _SamePadded(before, wide, 1)
            self.bn0 = _norm(wide)
        self.depthwise_conv = _SamePadded(wide, wide, kernel, stride, groups=wide)
        self.bn1 = _norm(wide)
        self.project_conv = _SamePadded(wide, after, 1)
        self.bn2 = _norm(after)
        self.adds = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        wide = F.relu6(self.bn0(self.expand_conv(x))) if self.widens else x
        wide = F.relu6(self.bn1(self.depthwise_conv(wide)))
        result: Tensor = self.bn2(self.project_conv(wide))
        return result + x if self.adds else result


class EfficientNetLite(nn.Module):
    """Logits (N, ``classes``) of normalised pictures (N, 3, H, W), each side at least 32 px."""

    def __init__(self, width: float, depth: float, dropout: float, classes: int) -> None:
        super().__init__()
        self.conv_stem = _SamePadded(3, _STEM, 3, 2)
        self.bn0 = _norm(_STEM)
        blocks: list[nn.Module] = []
        before = _STEM
        for index, (layers, kernel, stride, expansion, channels) in enumerate(_BLOCKS):
            after = _rounded(channels * width)
            ends = index in (0, len(_BLOCKS) - 1)
            for number in range(layers if ends else math.ceil(layers * depth)):
                blocks.append(_Block(before, after, kernel, stride if number == 0 else 1, expansion))
                before = after
        self.blocks = nn.Sequential(*blocks)
        self.conv_head = _SamePadded(before, _HEAD, 1)
        self.bn1 = _norm(_HEAD)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(_HEAD, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.bn0(self.conv_stem(x)))
        x = F.relu6(self.bn1(self.conv_head(self.blocks(x))))
        result: Tensor = self.fc(self.dropout(x.mean((2, 3))))
        return result


def efficientnet_lite(version: int, classes: int) -> EfficientNetLite:
    """EfficientNet-Lite ``version`` (0 or 2) with random weights, for a number of ``classes``."""
    return EfficientNetLite(*_VERSIONS[version], classes)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON, momentum=_MOMENTUM)


def _rounded(channels: float) -> int:
    # To a multiple of 8, and never down by more than a tenth.
    rounded = max(_DIVISOR, int(channels + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return rounded if rounded >= 0.9 * channels else rounded + _DIVISOR
