"""Many autoencoders as one: the members of an ensemble or of a search, computed in one batched pass."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from diabolo.check import listed, shorten
from diabolo.errors import CapabilityError, ParameterError
from diabolo.flow import Batch, total
from diabolo.model import Autoencoder, Recipe
from diabolo.posing import Held, held, pose


@dataclass
class Costs:
    """The terms of the loss of each member (M,), averaged over the batch."""

    each: dict[str, Tensor]

    @property
    def loss(self) -> Tensor:
        """The loss of each member (M,)."""
        return total(self.each)

    def terms(self) -> dict[str, Tensor]:
        """Return each term of the loss (M,)."""
        return self.each


class Members(nn.Module):
    """M autoencoders with stacked weights, behind the model protocol: all see the same batches.

    They may differ in their weights, in knobs that are numbers (the beta of a Gaussian, the weight of a penalty, the
    strength of a noise) and in the size of the code; smaller codes are padded with zeros that stay zeros.

    Parameters
    ----------
    models : sequence of Autoencoder
        The members, built; they are copied, and stay as they are.

    Raises
    ------
    ParameterError
        If there are none, or they differ in more than the above.
    CapabilityError
        If they cannot be batched, or their codes cannot be padded.

    Examples
    --------
    >>> from diabolo.latents import L1
    >>> members = Members([Recipe(latent=L1(weight)).build((5,), n) for weight, n in ((0.1, 2), (0.2, 3))])
    >>> members(Batch(torch.ones(4, 5))).loss.shape
    torch.Size([2])
    >>> members.extract(0).encode(torch.ones(4, 5)).mean.shape
    torch.Size([4, 2])
    """

    def __init__(self, models: Sequence[Autoencoder]) -> None:
        super().__init__()
        if not models:
            raise ParameterError("Parameter 'models' of Members must hold at least one autoencoder; got none.")
        widest = max(models, key=lambda model: model.n)
        self._unstacked = (copy.deepcopy(widest), tuple(copy.deepcopy(model) for model in models))  # no submodules
        self.paths, values = _varied([model.recipe for model in models])
        device = next(widest.parameters()).device
        self.knobs = nn.ParameterList(nn.Parameter(value.to(device), requires_grad=False) for value in values)
        self.names = tuple(name for name, _ in widest.named_parameters())
        self.weights = nn.ParameterList(nn.Parameter(self._stacked(models, name)) for name in self.names)
        self.kept = tuple(name for name, _ in widest.named_buffers())
        for i, name in enumerate(self.kept):
            self.register_buffer(f"memory_{i}", self._stacked(models, name))
        self.masks = tuple(self._mask(models, name) for name in self.names)
        self._held = held(self.base)
        self._compare(models)

    def __len__(self) -> int:
        return len(self._unstacked[1])

    @property
    def base(self) -> Autoencoder:
        """The composition, with the largest code; its weights mean nothing."""
        return self._unstacked[0]

    def forward(self, batch: Batch, noise: bool = True) -> Costs:
        """Return what a batch costs each member."""

        def one(weights: tuple[Tensor, ...], memory: tuple[Tensor, ...]) -> dict[str, Tensor]:
            state = dict(zip((*self.names, *self.kept), (*weights, *memory), strict=True))
            return torch.func.functional_call(self.base, state, (batch, noise)).terms()

        memory = tuple(self.get_buffer(f"memory_{i}") for i in range(len(self.kept)))
        return Costs(self.each(one, tuple(self.weights), memory))

    def each(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return `function` of each member's part of the arguments, which have M as their first axis.

        While it runs, the recipe of `base` has the member's knobs.

        Raises
        ------
        CapabilityError
            If the function cannot be batched.
        """

        def posed(knobs: tuple[Tensor, ...], *arguments: Any) -> Any:
            with _posing(self.base, self._held, dict(zip(self.paths, knobs, strict=True))):
                return function(*arguments)

        try:
            return torch.func.vmap(posed, randomness="different")(tuple(self.knobs), *arguments)
        except (RuntimeError, TypeError) as error:
            raise CapabilityError(
                f"Members of {shorten(self.base.recipe, 200)} cannot be computed in one pass "
                f"({str(error).splitlines()[0]}); train them one by one, or let them differ in other knobs."
            ) from error

    def extract(self, member: int) -> Autoencoder:
        """Return one member as an ordinary autoencoder."""
        model = copy.deepcopy(self._unstacked[1][member]).to(self.weights[0].device)
        with torch.no_grad():
            for name, own in _tensors(model).items():
                own.copy_(_corner(self._tensor(name)[member], own.shape, model.n, self.base.n).reshape(own.shape))
        return model

    def _tensor(self, name: str) -> Tensor:
        if name in self.names:
            return self.weights[self.names.index(name)]
        return self.get_buffer(f"memory_{self.kept.index(name)}")

    def _stacked(self, models: Sequence[Autoencoder], name: str) -> Tensor:
        own = [_tensors(model)[name].detach() for model in models if name in _tensors(model)]
        shape = _tensors(self.base)[name].shape
        stack = own[0].new_zeros(len(models), *shape)
        if len(own) < len(models):
            raise _unlike(name)
        for into, value, model in zip(stack, own, models, strict=True):
            corner = _corner(into, value.shape, model.n, self.base.n, name)
            corner.copy_(value.view(corner.shape))
        return stack

    def _mask(self, models: Sequence[Autoencoder], name: str) -> Tensor | None:
        """Return 1 for what a member has of a weight and 0 for padding; None where nothing is padded."""
        shape, shapes = _tensors(self.base)[name].shape, [_tensors(model)[name].shape for model in models]
        if all(own == shape for own in shapes):
            return None
        mask = torch.zeros(len(models), *shape, device=self.weights[0].device)
        for into, own, model in zip(mask, shapes, models, strict=True):
            _corner(into, own, model.n, self.base.n).fill_(1)
        return mask

    @torch.no_grad()
    def _compare(self, models: Sequence[Autoencoder]) -> None:
        """Raise unless every member costs here what it costs alone: not all can be padded, or given other knobs."""
        sizes = sorted({model.n for model in models})
        if len(sizes) == 1 and not self.paths:
            return
        probe = self._probe()
        alone = [model(probe, noise=False).terms() for model in self._unstacked[1]]
        try:
            together = self(probe, noise=False).terms()
        except CapabilityError:
            if len(sizes) > 1:
                raise
            return  # with noise, as in training, they may well be
        compared = ("distortion", "rate") if len(sizes) == 1 else tuple(together)  # penalties may draw by chance
        pairs = ((together[name], torch.stack([terms[name] for terms in alone])) for name in compared)
        if all(torch.allclose(*pair, rtol=1e-3, atol=1e-5) for pair in pairs):
            return
        if len(sizes) == 1:
            raise CapabilityError(
                f"Members of {shorten(self.base.recipe, 200)} cannot differ in {listed(self.paths)}, which their "
                "modules are built with. Train them one by one, or let them differ in other knobs."
            )
        raise CapabilityError(
            f"Codes of {shorten(self.base.recipe, 200)} cannot be padded, so members must have one size of code; "
            f"got sizes {shorten(sizes)}. Train each size by itself."
        )

    def _probe(self) -> Batch:
        """Return a batch of samples that any likelihood takes."""
        like, generator = self.weights[0], torch.Generator().manual_seed(0)
        shapes = self.base.shape, self.base.target, (self.base.conditioner.size,)
        x, target, known = (torch.randn(8, *shape, generator=generator).sigmoid().to(like) for shape in shapes)
        return Batch(
            x, x if self.base.shape == self.base.target else target, condition=known if known.numel() else None
        )


def _tensors(model: Autoencoder) -> dict[str, Tensor]:
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _corner(padded: Tensor, shape: torch.Size, n: int, widest: int, name: str = "") -> Tensor:
    """Return the view of a `padded` tensor that holds one of `shape` for a code of `n` instead of `widest` numbers.

    An axis of k · n numbers holds k of them for each of the code's, or k blocks of n, as mean and variance.
    """
    if padded.ndim != len(shape):
        raise _unlike(name)
    for axis in reversed(range(len(shape))):
        own, full = shape[axis], padded.shape[axis]
        if own != full:
            if own % n or own // n * widest != full:
                raise _unlike(name)
            padded = padded.unflatten(axis, (own // n, widest)).narrow(axis + 1, 0, n)
    return padded


def _unlike(name: str) -> ParameterError:
    return ParameterError(
        f"Members must be of one shape but for the size of the code; they differ in the weights {name!r}: give their "
        "nets the same knobs, such as explicit hidden widths."
    )


def _varied(recipes: Sequence[Recipe]) -> tuple[tuple[str, ...], list[Tensor]]:
    """Return the paths of the knobs that differ, and the values (M,) of each."""
    flat = [recipe.get_params() for recipe in recipes]
    paths = [path for path in flat[0] if any(other.get(path) != flat[0][path] for other in flat)]
    deepest = [p for p in paths if not any(other.startswith(f"{p}__") for other in paths)]
    for path in deepest:
        for params in flat:
            value = params.get(path)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ParameterError(
                    f"Members may differ in knobs that are numbers; {path!r} is {shorten(value)} in one of them: train "
                    "these apart."
                )
    return tuple(deepest), [torch.tensor([float(params[path]) for params in flat]) for path in deepest]


@contextmanager
def _posing(model: Autoencoder, modules: Held, knobs: dict[str, Tensor]) -> Iterator[None]:
    """Let the model compute with other knobs for a while."""
    if not knobs:
        yield
        return
    before = model.recipe
    pose(model, modules, before.revise(**knobs))
    try:
        yield
    finally:
        pose(model, modules, before)
