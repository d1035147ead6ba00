"""A likelihood for tables of mixed columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Many, Whole
from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.likelihoods.likelihood import Domain, Likelihood
from diabolo.likelihoods.squared_error import SquaredError
from diabolo.part import Some, knob

_MOST = 2**16  # groups of columns


@dataclass(frozen=True)
class Mixed(Likelihood):
    """One likelihood per group of consecutive columns of a table.

    References
    ----------
    Nazábal et al., "Handling incomplete heterogeneous data using VAEs", Pattern Recognition 2020, section 3.

    Examples
    --------
    >>> from diabolo.likelihoods import Categorical, SquaredError
    >>> mixed = Mixed(likelihoods=(SquaredError(), Categorical(3)), columns=(2, 3))
    >>> mixed.domains(5)
    ('real', 'real', 'one-hot', 'one-hot', 'one-hot')
    """

    likelihoods: tuple[Likelihood, ...] = knob(
        (SquaredError(),), Many(Some("likelihoods"), _MOST), "one likelihood per group"
    )
    columns: tuple[int, ...] = knob((1,), Many(Whole(1), _MOST), "number of columns of each group")

    def domains(self, channels: int) -> tuple[Domain, ...]:
        """Return what each column may hold."""
        each = zip(self.likelihoods, self.columns, strict=True)
        return tuple(domain for likelihood, width in each for domain in likelihood.domains(width))

    def shape(self, shape: Shape) -> Shape:
        """Return the number of params of all groups, as a shape."""
        if len(shape) != 1 or sum(self.columns) != shape[0] or len(self.columns) != len(self.likelihoods):
            raise ParameterError(
                f"Parameter 'columns' of Mixed must give one number of columns for each of the {len(self.likelihoods)} "
                f"likelihoods, and they must add up to the columns of a table; got {len(self.columns)} numbers adding "
                f"up to {sum(self.columns)}, for samples of shape {shape}. Count the columns after encoding."
            )
        return (sum(self._widths()),)

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return the distortion of each group, side by side."""
        groups = zip(self._groups(params), target.split(self.columns, 1), strict=True)
        return torch.cat([likelihood.distortion(p, x) for (likelihood, p), x in groups], 1)

    def mean(self, params: Tensor) -> Tensor:
        """Return the mean of each group, side by side."""
        return torch.cat([likelihood.mean(p) for likelihood, p in self._groups(params)], 1)

    def sample(self, params: Tensor) -> Tensor:
        """Draw each group, side by side."""
        return torch.cat([likelihood.sample(p) for likelihood, p in self._groups(params)], 1)

    def equation(self) -> str:
        """Return the formulas, each with its columns."""
        ends = [sum(self.columns[: i + 1]) for i in range(len(self.columns))]
        each = zip(self.likelihoods, self.columns, ends, strict=True)
        return " + ".join(f"[{likelihood.equation()}]{end - width + 1}…{end}" for likelihood, width, end in each)

    def _widths(self) -> list[int]:
        return [p.shape((width,))[0] for p, width in zip(self.likelihoods, self.columns, strict=True)]

    def _groups(self, params: Tensor) -> Iterator[tuple[Likelihood, Tensor]]:
        return zip(self.likelihoods, params.split(self._widths(), 1), strict=True)
