"""The multilayer perceptron: any sample as one vector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from diabolo.check import Flag, Many, Maybe, OneOf, Whole
from diabolo.errors import CapabilityError
from diabolo.flow import Shape
from diabolo.nets.activation import ACTIVATION, Activation, gain, start
from diabolo.nets.affine import Transposed, affine, demand_mirror, set_principal
from diabolo.nets.closed import SLOPES, Dense, Hidden
from diabolo.nets.net import Net, Pair, Principal, Skips
from diabolo.part import knob


def pyramid(size: int, n: int) -> tuple[int, ...]:
    """Return the default widths of the encoder's hidden layers, for samples of `size` numbers and codes of `n`.

    Two layers: the power of two below `size`, in [64, 1024], and its half; neither narrower than the code, as long as
    that is at most 4096.

    Examples
    --------
    >>> pyramid(784, 32), pyramid(5, 2), pyramid(30, 400)
    ((512, 256), (64, 32), (400, 400))
    """
    first = min(max(1 << (size.bit_length() - 1), 64), 1024)
    return max(first, min(n, 4096)), max(first // 2, min(n, 4096))


@dataclass(frozen=True)
class MLP(Net):
    """Layers of affine maps and activations; the decoder mirrors the encoder's widths.

    References
    ----------
    Hinton, Salakhutdinov, "Reducing the dimensionality of data with neural networks", Science 2006; shortcuts: He et
    al., "Deep residual learning for image recognition", CVPR 2016; Ba et al., "Layer normalization", 2016.

    Examples
    --------
    >>> import torch
    >>> encoder, decoder = MLP((16, 8)).build((30,), 3, 3, (30,))
    >>> h, skips = encoder(torch.zeros(5, 30))
    >>> h.shape, decoder(h).shape
    (torch.Size([5, 3]), torch.Size([5, 30]))
    """

    hidden: tuple[int, ...] | None = knob(
        None,
        Maybe(Many(Whole(1, 65536)), "chosen from the sizes of sample and code"),
        "widths of the encoder's hidden layers",
    )
    activation: str = knob("silu", ACTIVATION, "what follows each hidden affine map")
    norm: str = knob("none", OneOf("none", "layer"), "normalisation before each activation, within a sample")
    residual: bool = knob(False, Flag(), "add a shortcut around each hidden layer, so that deep stacks train")
    bypass: bool = knob(True, Flag(), "add a linear path around all hidden layers; an estimator starts it at PCA")
    tied: bool = knob(False, Flag(), "let the decoder's matrices be the encoder's, transposed")

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the two stacks."""
        if self.tied:
            demand_mirror("MLP", shape, width, n, out)
        hidden = pyramid(math.prod(shape), n) if self.hidden is None else self.hidden
        encoder = MLPEncoder(self, shape, hidden, width)
        return encoder, MLPDecoder(self, n, hidden[::-1], out, encoder if self.tied else None)

    def pairs(self, encoder: nn.Module, decoder: nn.Module) -> list[Pair]:
        """Return each layer of the encoder with the one of the decoder that undoes it.

        The innermost pair is left out where the latent asks for an h of another size than the code.

        Raises
        ------
        CapabilityError
            If the decoder's output is not shaped like a sample.
        """
        if not (isinstance(encoder, MLPEncoder) and isinstance(decoder, MLPDecoder)) or encoder.shape != decoder.out:
            raise CapabilityError(
                "Layers can be trained one by one only in an MLP whose output is shaped like its input; use MLP() and "
                "a likelihood with one parameter per number, or no layerwise pretraining."
            )
        found = list(zip(encoder.steps, reversed(decoder.steps), strict=True))
        layer, mirror = found[0]
        found[0] = nn.Sequential(nn.Flatten(), layer), nn.Sequential(mirror, nn.Unflatten(1, decoder.out))
        return found if encoder.width == decoder.n else found[:-1]

    def begin(self, encoder: nn.Module, decoder: nn.Module, principal: Principal) -> None:
        """Set the linear path to the principal components and what the layers add to 0: training starts at PCA.

        Tied layers with shortcuts stay as they were built: what they add to the path cannot be made 0.
        """
        if not (isinstance(encoder, MLPEncoder) and isinstance(decoder, MLPDecoder)) or (self.tied and self.residual):
            return
        if isinstance(encoder.bypass, nn.Linear) and decoder.bypass is not None:
            set_principal(encoder.bypass, decoder.bypass, principal, decoder.out)
            for stack in (encoder.steps, decoder.steps):
                for weight in stack[-1].parameters():
                    nn.init.zeros_(weight)
            if self.tied:
                decoder.drop_constant()

    def closed(self, encoder: nn.Module, decoder: nn.Module) -> tuple[Dense, Dense] | None:
        """Return the two stacks in closed form; None with shortcuts, tied weights or an activation of unknown slope."""
        if self.residual or self.tied or self.activation not in SLOPES:
            return None
        if not (isinstance(encoder, MLPEncoder) and isinstance(decoder, MLPDecoder)):
            return None
        return _closed(encoder.steps, encoder.bypass), _closed(decoder.steps, decoder.bypass)


class MLPEncoder(nn.Module):
    """x (B, *shape) → h (B, width)."""

    def __init__(self, part: MLP, shape: Shape, hidden: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.shape, self.width = shape, width
        self.steps = _stack(part, (math.prod(shape), *hidden, width), ())
        self.bypass = affine(math.prod(shape), width) if part.bypass else None

    def forward(self, x: Tensor) -> tuple[Tensor, Skips]:
        h = x = x.flatten(1)
        for step in self.steps:
            h = step(h)
        return h if self.bypass is None else h + self.bypass(x), ()

    def maps(self) -> tuple[nn.Linear, ...]:
        """Return the affine maps, outermost first."""
        maps = (step.map if isinstance(step, Layer) else step for step in self.steps)
        return tuple(m for m in maps if isinstance(m, nn.Linear))


class MLPDecoder(nn.Module):
    """z (B, n) → params (B, *out); with the transposed matrices of the encoder `tied`, if given."""

    def __init__(self, part: MLP, n: int, hidden: tuple[int, ...], out: Shape, tied: MLPEncoder | None) -> None:
        super().__init__()
        self.n, self.out = n, out
        self.steps = _stack(part, (n, *hidden, math.prod(out)), tied.maps()[::-1] if tied else ())
        around = tied.bypass if tied and isinstance(tied.bypass, nn.Linear) else None
        self.bypass = affine(n, math.prod(out), tied=around) if part.bypass else None

    def forward(self, z: Tensor, skips: Skips = ()) -> Tensor:
        y = z
        for step in self.steps:
            y = step(y)
        return (y if self.bypass is None else y + self.bypass(z)).unflatten(1, self.out)

    @torch.no_grad()
    def drop_constant(self) -> None:
        """Take off the last bias what the steps make of a code of zeros."""
        y = self.steps[-1].get_parameter("bias").new_zeros(1, self.n)
        for step in self.steps:
            y = step(y)
        self.steps[-1].get_parameter("bias").sub_(y[0])


class Layer(nn.Module):
    """x (B, inputs) → (B, outputs): a(norm(W x + b)), or the shortcut x + share · a(norm(W x + b)) if `residual`.

    Where the widths differ, the shortcut is a projection of x. A sum of many layers must not grow with their number, so
    that the share is one over its square root.
    """

    def __init__(self, part: MLP, map: nn.Linear | Transposed, inputs: int, outputs: int, depth: int) -> None:
        super().__init__()
        self.map = map
        self.norm = nn.LayerNorm(outputs) if part.norm == "layer" else nn.Identity()
        self.activation = Activation(part.activation, alone=True)
        self.shortcut = _shortcut(inputs, outputs) if part.residual else None
        self.share = depth**-0.5

    def forward(self, x: Tensor) -> Tensor:
        y = self.activation(self.norm(self.map(x)))
        return y if self.shortcut is None else self.shortcut(x) + self.share * y


def _stack(part: MLP, widths: tuple[int, ...], tied: tuple[nn.Linear, ...]) -> nn.ModuleList:
    """Return the steps from width to width: layers, and an affine map at the end."""
    depth = len(widths) - 2
    steps: list[nn.Module] = []
    for k, (inputs, outputs) in enumerate(pairwise(widths)):
        scale = gain(part.activation) if k > 0 else 1.0  # the first one reads no activation
        map = affine(inputs, outputs, scale, tied[k] if tied else None)
        steps.append(Layer(part, map, inputs, outputs, depth) if k < depth else map)
    return nn.ModuleList(steps)


def _closed(steps: nn.ModuleList, path: nn.Module | None) -> Dense:
    hidden = [
        Hidden((*step.map.parameters(), *step.norm.parameters()), step.activation.name)
        for step in steps
        if isinstance(step, Layer)
    ]
    last, around = tuple(steps[-1].parameters()), () if path is None else tuple(path.parameters())
    return Dense(tuple(hidden), last, around)


def _shortcut(inputs: int, outputs: int) -> nn.Module:
    if inputs == outputs:
        return nn.Identity()
    shortcut = nn.Linear(inputs, outputs, bias=False)
    start(shortcut, inputs)
    return shortcut
