"""A net for compressing: a block transform whose blocks overlap, bent by residual convolutions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor, nn

from diabolo.check import Whole
from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.nets.convolution import CONV, begun
from diabolo.nets.fold import cut, folded, padded, places, unfolded
from diabolo.nets.grid import Size, channels_and_size, channels_last, from_grid, out_channels, to_grid
from diabolo.nets.net import Local, Net, Skips
from diabolo.nets.resunet import Block
from diabolo.part import knob

_POINTS, _CHANNELS = 0.9, 0.98  # correlations of neighbours, as in photographs: which functions are worth most


@dataclass(frozen=True)
class Lapped(Net):
    """The cosine transform of blocks to begin with; learning makes blocks overlap, and adds what is not linear.

    All points and channels of a block become channels of one place, `n` numbers are made of them and of those of the
    blocks around, and a few residual convolutions follow. The decoder goes the same way back, and then smooths what
    it has on a finer grid, where the seams between blocks are. It begins as an orthonormal transform that keeps the `n`
    basis functions which are worth most where neighbours are alike: the transform of JPEG, of all channels at once.
    So squared errors of the code are those of the samples, and a code rounded to steps, as `Factorized` has it, is a
    good one from the first step of training on. Built for samples of one size, it computes those of any other.

    References
    ----------
    Ahmed, Natarajan, Rao, "Discrete cosine transform", IEEE Trans. Computers 1974; overlapping blocks: Malvar,
    Staelin, "The LOT: transform coding without blocking effects", IEEE Trans. ASSP 1989; learned end to end:
    Ballé, Laparra, Simoncelli, "End-to-end optimized image compression", ICLR 2017.

    Examples
    --------
    >>> net = Lapped(fold=4)
    >>> net.code((3, 16, 24), 12)
    288
    >>> encoder, decoder = net.build((3, 16, 24), 288, 288, (3, 16, 24))
    >>> h, sized = encoder(torch.zeros(5, 3, 17, 31))
    >>> h.shape, decoder(h, sized).shape
    (torch.Size([5, 480]), torch.Size([5, 3, 17, 31]))
    """

    fold: int = knob(8, Whole(1, 64), "points along each axis of a block")
    blocks: int = knob(1, Whole(0, 64), "residual blocks on the grid of the code, on each way")
    channels: int = knob(32, Whole(1, 4096), "channels of the finer grid on which the decoder smooths")
    smoothing: int = knob(3, Whole(0, 64), "residual blocks on the finer grid; without any, it is left out")

    def code(self, shape: Shape, n: int) -> int:
        """Return the size of the code: `n` numbers for each block."""
        _, size = channels_and_size(shape, "Lapped")
        return n * math.prod(places(size, self.fold))

    @property
    def fine(self) -> int:
        """Points along each axis that are one place of the finer grid: 2, or 1 where blocks cannot be halved."""
        return 1 if self.fold % 2 else 2

    @property
    def local(self) -> Local:
        """Return how far it sees: a block for each convolution."""
        coarse = 2 * (1 + 2 * self.blocks) + 1
        fine = 2 * (1 + self.smoothing) + 1 if self.smoothing else 0
        return Local(self.fold * coarse + self.fine * fine, self.fold)

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the two stacks.

        Raises
        ------
        ParameterError
            If the code is no grid, such as with a condition beside it.
        """
        inputs, size = channels_and_size(shape, "Lapped")
        spots = math.prod(places(size, self.fold))
        if n % spots or width % spots:
            raise ParameterError(
                f"Parameter 'net' cannot be {self!r} for samples of shape {shape} with {n} numbers for the decoder: it "
                f"needs the same number for each of the {spots} blocks. Leave out the condition, or choose another "
                "net, such as Conv()."
            )
        encoder = LappedEncoder(self, inputs, len(size), width // spots)
        return encoder, LappedDecoder(self, n // spots, size, out_channels(out, size), out)


class LappedEncoder(nn.Module):
    """x (B, *shape) → h (B, width), channel by channel; beside it x itself, of which the decoder needs the size."""

    def __init__(self, part: Lapped, inputs: int, axes: int, width: int) -> None:
        super().__init__()
        self.fold = part.fold
        basis = folded(cosines(inputs, part.fold, axes, width), part.fold)
        self.analysis = _linear(basis.flatten(1), axes)
        self.log_gain = nn.Parameter(torch.zeros(width))
        self.blocks = _blocks(part.blocks, width, axes)

    def forward(self, x: Tensor) -> tuple[Tensor, Skips]:
        return self.grid(to_grid(x)).flatten(1), (x,)

    def grid(self, y: Tensor) -> Tensor:
        """Return the code (B, width, *places) of a grid y (B, C, *size)."""
        blocks = channels_last(folded(padded(y, self.fold), self.fold))
        return self.blocks(_amplified(self.analysis(blocks), self.log_gain))


class LappedDecoder(nn.Module):
    """z (B, n) → params (B, *out), of the size of the sample beside it if there is one."""

    def __init__(self, part: Lapped, inputs: int, size: Size, outputs: int, out: Shape) -> None:
        super().__init__()
        self.part, self.inputs, self.size, self.out = part, inputs, size, out
        axes, finer = len(size), outputs * part.fine ** len(size)
        basis = folded(folded(cosines(outputs, part.fold, axes, inputs), part.fine), part.fold // part.fine)
        self.log_gain = nn.Parameter(torch.zeros(inputs))
        self.blocks = _blocks(part.blocks, inputs, axes)
        self.synthesis = _linear(basis.flatten(1).T, axes)
        self.smooth = _smooth(part, finer, axes) if part.smoothing else None

    def forward(self, z: Tensor, skips: Skips = ()) -> Tensor:
        size = to_grid(skips[0]).shape[2:] if skips else self.size
        code = z.unflatten(1, (self.inputs, *places(size, self.part.fold)))
        return from_grid(cut(self.grid(channels_last(code)), size), self.out)

    def grid(self, code: Tensor) -> Tensor:
        """Return what is rebuilt (B, C, *size) of a code (B, n, *places); sizes are whole blocks."""
        blocks = self.synthesis(self.blocks(_amplified(code, self.log_gain)))
        y = channels_last(unfolded(blocks, self.part.fold // self.part.fine))
        return unfolded(y if self.smooth is None else y + self.smooth(y), self.part.fine)


def cosines(channels: int, fold: int, axes: int, count: int) -> Tensor:
    """Return the cosine functions (count, channels, fold, ...) over channels and points, those worth most first.

    Worth is the variance that samples have along them where neighbours, in space and among channels, correlate; they
    are orthonormal. Beyond as many as there are dimensions they are 0.

    Examples
    --------
    >>> basis = cosines(3, 8, 2, 192).flatten(1)
    >>> bool(torch.allclose(basis @ basis.T, torch.eye(192), atol=1e-6))
    True
    >>> round(cosines(1, 4, 1, 1).sum().item(), 3)  # the mean, times the root of how many there are
    2.0
    """
    each = [_cosine(channels, _CHANNELS), *[_cosine(fold, _POINTS)] * axes]
    rows, worths = zip(*each, strict=True)
    worth = reduce(torch.kron, worths)
    first = worth.argsort(descending=True, stable=True)[:count]
    basis = reduce(torch.kron, rows)[first].view(len(first), channels, *[fold] * axes)
    return torch.cat([basis, basis.new_zeros(count - len(first), *basis.shape[1:])]).float()


def _cosine(length: int, correlation: float) -> tuple[Tensor, Tensor]:
    """Return the cosine functions (L, L) of so many points, a row each, and the variance of samples along them (L,)."""
    at = torch.arange(length, dtype=torch.float64)
    rows = torch.cos(math.pi / length * at[:, None] * (at + 0.5)) * math.sqrt(2 / length)
    rows[0] /= math.sqrt(2)
    alike = correlation ** (at[:, None] - at).abs()
    return rows, ((rows @ alike) * rows).sum(1)


def _amplified(y: Tensor, log_gain: Tensor) -> Tensor:
    """Return y (B, n, *size), each channel times its gain."""
    return y * log_gain.exp().view(-1, *[1] * (y.ndim - 2))


def _linear(matrix: Tensor, axes: int) -> nn.Module:
    """Return a convolution that multiplies each place by a matrix (outputs, inputs), and others by almost 0."""
    outputs, inputs = matrix.shape
    conv = begun(CONV[axes](inputs, outputs, 3, padding=1, bias=False), inputs * 3**axes, 1e-3)
    middle = (slice(None), slice(None), *[1] * axes)
    with torch.no_grad():
        conv.get_parameter("weight")[middle] += matrix
    return conv


def _smooth(part: Lapped, channels: int, axes: int) -> nn.Sequential:
    return nn.Sequential(
        _conv(channels, part.channels, axes, 1.0),
        *_blocks(part.smoothing, part.channels, axes),
        nn.ReLU(),
        _conv(part.channels, channels, axes, 1e-2),
    )


def _blocks(count: int, channels: int, axes: int) -> nn.Sequential:
    """Return residual blocks that change little to begin with."""
    return nn.Sequential(
        *(
            Block(_conv(channels, channels, axes, 1.0), "relu", _conv(channels, channels, axes, 1e-2))
            for _ in range(count)
        )
    )


def _conv(inputs: int, outputs: int, axes: int, scale: float) -> nn.Module:
    return begun(CONV[axes](inputs, outputs, 3, padding=1), inputs * 3**axes, scale)
