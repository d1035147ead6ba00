"""Convolutions in float64, row by row: what a row needs stays in the cache, and a row is one product of matrices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

import torch
from torch import Tensor, nn


class Striped(nn.Module):
    """y (B, inputs, h, w) → conv(y), where `conv` has stride 1, and pads so much that (h, w) stays.

    The sums of a row of the image are those of a product, of all weights with the rows around it; then what belongs to
    each column of the kernel is shifted to its place and added. No gradient flows.

    Examples
    --------
    >>> conv = nn.Conv2d(2, 3, 3, padding=1)
    >>> y = torch.randn(1, 2, 100, 50)
    >>> torch.allclose(Striped(conv)(y), conv(y), atol=1e-6)
    True
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, y: Tensor) -> Tensor:
        weights, across = self._turned(), self.conv.kernel_size[1]
        found = [_convolved(each, weights, across) for each in y.detach()]
        return (found[0][None] if len(found) == 1 else torch.stack(found)).transpose(1, 2)

    def _turned(self) -> list[Tensor]:
        """Return the weights (across · outputs, down · inputs + 1), the bias last, for each row that may be first.

        Rows lie in a ring of as many as the kernel is high, so which of them is the first changes with each row.
        """
        weight = self.conv.weight.detach()  # (outputs, inputs, down, across)
        outputs, _, down, across = weight.shape
        apart = weight.permute(3, 0, 2, 1)  # (across, outputs, down, inputs)
        bias = weight.new_zeros(across, outputs, 1)
        if self.conv.bias is not None:
            bias[0, :, 0] = self.conv.bias.detach()
        turned = [apart.roll(first, 2).flatten(2) for first in range(down)]
        return [torch.cat([each, bias], 2).flatten(0, 1) for each in turned]


def _convolved(y: Tensor, weights: list[Tensor], across: int) -> Tensor:
    """Return a convolution (h, outputs, w) of an image y (inputs, h, w)."""
    (inputs, height, width), down = y.shape, len(weights)
    outputs, above, left = len(weights[0]) // across, down // 2, across // 2
    ring = y.new_zeros(down * inputs + 1, width + across - 1)
    ring[-1] = 1  # what the bias is multiplied by
    rows = ring[:-1].view(down, inputs, -1)[:, :, left : left + width]  # row i of the image is at i modulo `down`
    sums = y.new_empty(across, outputs, ring.shape[1])
    product, shifted = sums.view(-1, ring.shape[1]), [sums[i, :, i : i + width] for i in range(across)]
    found = y.new_empty(height, outputs, width)
    for row in range(-above, height):
        new = row + above
        if new < height:
            rows[new % down].copy_(y[:, new])
        else:
            rows[new % down].zero_()
        if row >= 0:
            torch.mm(weights[(row - above) % down], ring, out=product)
            total = found[row].copy_(shifted[0])
            for each in shifted[1:]:
                total += each
    return found


@dataclass
class _Threads:
    """How many threads torch had, and how many computations ask for one now."""

    lock: Lock
    before: int = 1
    inside: int = 0


_threads = _Threads(Lock())


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread: products are so small that waiting for a second one takes longer than they do.

    Several may be inside at once: torch has as many threads as before once each has left.

    Examples
    --------
    >>> with one_thread():
    ...     torch.get_num_threads()
    1
    """
    with _threads.lock:
        if not _threads.inside:
            _threads.before = torch.get_num_threads()
        _threads.inside += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _threads.lock:
            _threads.inside -= 1
            torch.set_num_threads(1 if _threads.inside else _threads.before)


def striped(module: nn.Module) -> nn.Module:
    """Return a module whose convolutions over images, with stride 1, go row by row; the names of weights change.

    Examples
    --------
    >>> striped(nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU()))[0].conv
    Conv2d(2, 3, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    """
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d) and _same(child):
            setattr(module, name, Striped(child))
        else:
            striped(child)
    return module


def _same(conv: nn.Conv2d) -> bool:
    keeps = conv.padding == tuple(size // 2 for size in conv.kernel_size) and conv.padding_mode == "zeros"
    plain = conv.stride == conv.dilation == (1, 1) and conv.groups == 1
    return keeps and plain and all(size % 2 for size in conv.kernel_size)
