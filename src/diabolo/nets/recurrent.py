"""The recurrent net: LSTM or GRU over the steps of a series."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diabolo.check import Flag, OneOf, Whole
from diabolo.flow import Shape
from diabolo.nets.affine import affine
from diabolo.nets.grid import channels_and_size, from_grid, out_channels, to_grid
from diabolo.nets.net import Net, Skips
from diabolo.part import knob

_WAVES = 8
_CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}
_STATES = {"lstm": 2, "gru": 1}


@dataclass(frozen=True)
class Recurrent(Net):
    """A recurrent encoder reads the steps; a recurrent decoder writes them from the code and each step's position.

    The steps of a series (T, C) are its T rows, those of a table row (D,) its D numbers, those of an image its H rows
    of W·C numbers. h is an affine map of the encoder's last state and of the mean of its outputs; the decoder starts in
    a state made from z, and sees z and sines of the position at each step, so that no step needs what it wrote before.

    References
    ----------
    Hochreiter, Schmidhuber, "Long short-term memory", 1997; Cho et al., "Learning phrase representations using RNN
    encoder-decoder", 2014; Srivastava et al., "Unsupervised learning of video representations using LSTMs", ICML 2015.

    Examples
    --------
    >>> import torch
    >>> encoder, decoder = Recurrent("gru", hidden=8).build((50, 3), 4, 4, (50, 3))
    >>> h, skips = encoder(torch.zeros(5, 50, 3))
    >>> h.shape, decoder(h).shape
    (torch.Size([5, 4]), torch.Size([5, 50, 3]))
    """

    cell: str = knob("lstm", OneOf(*_CELLS), "what remembers from step to step")
    hidden: int = knob(64, Whole(1, 8192), "size of the state")
    layers: int = knob(1, Whole(1, 16), "recurrent layers on top of each other")
    bidirectional: bool = knob(False, Flag(), "let the encoder read backwards as well")

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the two recurrent nets."""
        channels, size = channels_and_size(shape, "Recurrent")
        each = size[1] if len(size) == 2 else 1  # numbers per step and channel
        encoder = RecurrentEncoder(self, channels * each, width)
        return encoder, RecurrentDecoder(self, n, out, (out_channels(out, size), size))


class RecurrentEncoder(nn.Module):
    """x (B, *shape) → h (B, width)."""

    def __init__(self, part: Recurrent, inputs: int, width: int) -> None:
        super().__init__()
        both = part.bidirectional
        self.rnn = _CELLS[part.cell](inputs, part.hidden, part.layers, batch_first=True, bidirectional=both)
        self.hidden = part.hidden
        self.last = affine(2 * part.hidden * (1 + both), width)

    def forward(self, x: Tensor) -> tuple[Tensor, Skips]:
        y, _ = self.rnn(_to_steps(x))  # (B, T, hidden), or (B, T, 2 * hidden) with the way back in the second half
        ends = torch.cat([y[:, -1, : self.hidden], y[:, 0, self.hidden :]], 1)
        return self.last(torch.cat([ends, y.mean(1)], 1)), ()


class RecurrentDecoder(nn.Module):
    """z (B, n) → params (B, *out), written over a grid of so many `channels` and such a `size`."""

    waves: Tensor

    def __init__(self, part: Recurrent, n: int, out: Shape, grid: tuple[int, tuple[int, ...]]) -> None:
        super().__init__()
        self.out, self.grid = out, grid
        channels, (steps, *across) = grid
        self.register_buffer("waves", _waves(steps), persistent=False)  # (T, 2 * _WAVES)
        self.states = (_STATES[part.cell], part.layers, part.hidden)
        self.first = affine(n, _STATES[part.cell] * part.layers * part.hidden)
        self.rnn = _CELLS[part.cell](n + 2 * _WAVES, part.hidden, part.layers, batch_first=True)
        self.last = affine(part.hidden, channels * (across[0] if across else 1))

    def forward(self, z: Tensor, skips: Skips = ()) -> Tensor:
        steps = len(self.waves)
        states = torch.tanh(self.first(z)).unflatten(1, self.states).permute(1, 2, 0, 3).contiguous()
        seen = torch.cat([z.unsqueeze(1).expand(-1, steps, -1), self.waves.expand(len(z), -1, -1)], 2)
        y, _ = self.rnn(seen, tuple(states) if len(states) == 2 else states[0])
        return from_grid(_from_steps(self.last(y), self.grid), self.out)


def _to_steps(x: Tensor) -> Tensor:
    """Return x (B, *shape) as steps (B, T, numbers)."""
    return to_grid(x).movedim(2, 1).flatten(2)


def _from_steps(y: Tensor, grid: tuple[int, tuple[int, ...]]) -> Tensor:
    """Return y (B, T, numbers) over the grid (B, C, *size)."""
    channels, (_, *across) = grid
    return y.unflatten(2, (channels, *across)).movedim(1, 2)


def _waves(steps: int) -> Tensor:
    """Return sines and cosines of 1/2, 1, 2, 4, ... turns over all steps, (steps, 2 * _WAVES)."""
    here = torch.device("cpu")  # even in an outline, where to compute torch would import its compiler
    turns = 2.0 ** torch.arange(-1, _WAVES - 1, device=here)
    angles = 2 * torch.pi * torch.outer(torch.arange(steps, device=here) / steps, turns)
    return torch.cat([angles.sin(), angles.cos()], 1)
