"""The net that is fine-tuned: an encoder that moves from where pretraining left it, and a head."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from diabolo.corruptions import Corruption
from diabolo.estimators.pretraining.consistencies import ConsistencyModule, corrupted
from diabolo.estimators.pretraining.targets import Target
from diabolo.flow import Batch, Code, Output


class Head(nn.Module):
    """Features (B, width) → outputs (B, K): standardised, then mapped.

    Parameters
    ----------
    shift, scale : Tensor (width,)
        Mean and standard deviation of the features.
    outputs : int
        How many there are.

    Examples
    --------
    >>> Head(torch.zeros(4), torch.ones(4), 3)(torch.ones(2, 4))
    tensor([[0., 0., 0.],
            [0., 0., 0.]], grad_fn=...)
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, shift: Tensor, scale: Tensor, outputs: int) -> None:
        super().__init__()
        self.register_buffer("shift", shift)
        self.register_buffer("scale", scale)
        self.map = cast(nn.Linear, nn.utils.skip_init(nn.Linear, len(shift), outputs))  # which draws nothing
        nn.init.zeros_(self.map.weight)
        nn.init.zeros_(self.map.bias)

    def forward(self, features: Tensor) -> Tensor:
        return self.map(self.unit(features))

    def unit(self, features: Tensor) -> Tensor:
        """Return features, standardised."""
        return (features - self.shift) / self.scale


class Tuned(nn.Module):
    """Features and a head, behind the model protocol: its loss is the cost of labels, and of a consistency.

    A weight of the features is its value at the start plus its rate times what it has moved by, which is what is
    trained. In training the mean of all that is trained follows it; where not in training, that mean predicts.

    Parameters
    ----------
    features : nn.Module
        x (B, *shape) → (B, width); it is not changed.
    head : Head
        Trained, shared.
    target : Target
        What is told.
    rates : dict of float
        How fast each weight of the features moves, by its name; those that do not are left out.
    averaging : float
        Share of the mean that a step keeps.
    weak : Corruption, optional
        Noise on labelled samples.
    consistency : ConsistencyModule, optional
        Of unlabelled samples.
    """

    count: Tensor

    def __init__(
        self,
        features: nn.Module,
        head: Head,
        target: Target,
        rates: dict[str, float],
        averaging: float,
        weak: Corruption | None,
        consistency: ConsistencyModule | None,
    ) -> None:
        super().__init__()
        self.target, self.rates, self.averaging, self.weak = target, rates, averaging, weak
        self._base = (features,)  # in a tuple: its weights are not trained, what they have moved by is
        start = dict(features.named_parameters())
        self._start = [start[name].detach() for name in rates]
        self.moved = nn.ParameterList([torch.zeros_like(value) for value in self._start])
        self.head, self.consistency = head, consistency
        self.register_buffer("count", torch.zeros((), device=head.shift.device))
        for i, weight in enumerate(self._trained()):
            self.register_buffer(f"mean{i}", weight.detach().clone())

    def forward(self, batch: Batch, noise: bool = True) -> Output:
        """Return the cost of a batch whose target holds the labels of its first samples."""
        y = batch.x[:0] if batch.target is None else batch.target
        labelled, unlabelled = batch.x[: len(y)], batch.x[len(y) :]
        costs: dict[str, Tensor] = {}
        if not (noise and self.training):
            outputs = self.teacher(labelled)
        else:
            self._follow()
            if self.consistency is None or not len(unlabelled):
                outputs = self.outputs(corrupted(labelled, self.weak))
            else:
                outputs, costs["consistency"] = self.consistency(self, labelled, y, unlabelled)
        each = self.target.cost(outputs, y)  # (L,)
        free = torch.zeros_like(each)
        return Output(y, Code(outputs, outputs, free), outputs, each, free, costs, self.target.weight(y))

    def outputs(self, x: Tensor) -> Tensor:
        """Return the outputs (B, K) of x (B, *shape)."""
        return self.head(self._features(self.moved, x)).float()

    @torch.no_grad()
    def teacher(self, x: Tensor) -> Tensor:
        """Return the outputs (B, K) of the mean of the weights."""
        moved, weights = self._means()
        return functional_call(self.head, weights, (self._features(moved, x),)).float()

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        """Return the features (B, width), standardised."""
        return self.head.unit(self._features(self.moved, x)).float()

    @torch.no_grad()
    def settle(self) -> None:
        """Give features and head the mean of the weights."""
        moved, weights = self._means()
        own = dict(self._base[0].named_parameters())
        for name, value in self._weights(moved).items():
            own[name].copy_(value)
        for name, weight in self.head.named_parameters():
            weight.copy_(weights[name])

    def _features(self, moved: Iterable[Tensor], x: Tensor) -> Tensor:
        return functional_call(self._base[0], self._weights(moved), (x,)).float()

    def _weights(self, moved: Iterable[Tensor]) -> dict[str, Tensor]:
        each = zip(self.rates.items(), self._start, moved, strict=True)
        return {name: start + rate * by for (name, rate), start, by in each}

    def _trained(self) -> list[Tensor]:
        return [*self.moved, *self.head.parameters()]

    def _means(self) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Return the mean of what the features have moved by, and of the weights of the head."""
        means = [self.get_buffer(f"mean{i}") for i in range(len(self._trained()))]
        names = [name for name, _ in self.head.named_parameters()]
        return means[: len(self.moved)], dict(zip(names, means[len(self.moved) :], strict=True))

    @torch.no_grad()
    def _follow(self) -> None:
        """Let the mean follow: at first it is that of all steps, so that it does not stay at the start."""
        count = float(self.count)
        self.count += 1
        moved, weights = self._means()
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
            [*moved, *weights.values()], self._trained(), 1 - min(count / (count + 9), self.averaging)
        )
