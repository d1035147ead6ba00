"""What a generator knows besides its model, and how a file holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.check import listed, several
from diabolo.errors import FileError
from diabolo.estimators.generation.arrays import Arrays
from diabolo.estimators.generation.chain_rule import ChainRule, fits
from diabolo.estimators.generation.conditions import Conditions
from diabolo.estimators.generation.rows import Rows
from diabolo.estimators.generation.tokens import built
from diabolo.files import under
from diabolo.model import Autoencoder
from diabolo.outline import outline
from diabolo.part import from_json
from diabolo.priors import Joint, Mixture, Prior, TokenModule, TokenPrior, Whitened
from diabolo.seeding import seeded

IDLE = 0.01
"""Nats below which a dimension of the code tells nothing."""

Density = Whitened | Joint | TokenModule
"""A density of codes, given what is known about samples or not, or of their tokens."""


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of training samples and of their codes.

    Parameters
    ----------
    form : Rows or Arrays
        The form of samples.
    conditions : Conditions or None
        What samples are conditioned on.
    codes : ndarray (2, n)
        Mean and standard deviation of the codes.
    kl : ndarray (n,)
        What each dimension of the code costs, in nats; NaN where that has no closed form.
    collapsed : list of int
        Dimensions that tell nothing about the sample.
    density_part : Prior or None
        What `density` is one of.
    density : Whitened, Joint, TokenModule or None
        What new codes are drawn from, if not from the latent's own prior.
    columns : ChainRule or None
        How columns of a table decide each other, beside the code.
    """

    form: Rows | Arrays
    conditions: Conditions | None
    codes: NDArray[np.float64]
    kl: NDArray[np.float64]
    collapsed: list[int]
    density_part: Prior | None
    density: Density | None
    columns: ChainRule | None

    @property
    def collapse(self) -> str:
        """Which dimensions of the code tell nothing, and what to do."""
        lost, n = self.collapsed, len(self.kl)
        return (
            f"{len(lost)} of the {n} dimensions of the code tell less than {IDLE} nats ({listed(lost)}): they have "
            f"collapsed. If n_components={max(1, n - len(lost))} is enough, choose that; else lower "
            "recipe__latent__beta, hold them up with recipe__latent__free_bits=0.1, or train longer."
        )

    def facts(self) -> dict[str, Any]:
        """Return what there is of it as plain JSON: conditions, the density of codes, the chain rule of columns."""
        of_codes = None if self.density_part is None else repr(self.density_part)
        conditions = None if self.conditions is None else several([each.about for each in self.conditions.aspects])
        columns = None if self.columns is None else f"chain rule of {len(self.columns.sizes)} columns"
        found = {"conditions": conditions, "density": of_codes, "columns": columns}
        return {name: value for name, value in found.items() if value is not None}

    def saved(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return what to save besides the model and which dimensions have collapsed: plain JSON, and arrays."""
        plain = {
            "form": "rows" if isinstance(self.form, Rows) else "arrays",
            "samples": self.form.to_json(),
            "conditions": None if self.conditions is None else self.conditions.to_json(),
            "density": None if self.density_part is None else self.density_part.to_json(),
        }
        arrays = {"kl": torch.from_numpy(self.kl), "codes": torch.from_numpy(self.codes)}
        if self.conditions is not None:
            rows, shares = self.conditions.rows, self.conditions.shares
            arrays |= {"rows": torch.from_numpy(rows), "shares": torch.from_numpy(shares)}
        for word, module in (("density", self.density), ("columns", self.columns)):
            if module is not None:
                arrays |= {f"{word}.{name}": value for name, value in module.state_dict().items()}
        return plain, arrays

    @staticmethod
    def from_saved(
        plain: dict[str, Any], arrays: dict[str, Tensor], model: Autoencoder, columns: int, collapsed: Any
    ) -> Known:
        """Return what `saved` gave, beside this model of samples of so many columns, or channels.

        Raises
        ------
        FileError
            If it is foreign or was edited.
        """
        form = _form(plain, model, columns)
        conditions = _conditions(plain["conditions"], arrays)
        kl, codes = arrays["kl"].numpy(), arrays["codes"].numpy()
        sound = (0 if conditions is None else conditions.rows.shape[1]) == model.conditioner.size
        sound &= kl.shape == (model.n,) and codes.shape == (2, model.n) and bool(np.isfinite(codes).all())
        if not sound or not isinstance(collapsed, list) or not set(collapsed) <= set(range(model.n)):
            raise _misfit()
        part, density = _density(plain["density"], arrays, model)
        rule = _columns(form, under("columns.", arrays))
        for module in (density, rule):
            if module is not None:
                module.to(next(model.parameters()).device)
        return Known(form, conditions, codes, kl, collapsed, part, density, rule)


def _misfit() -> FileError:
    return FileError("what it remembers of its samples does not fit its model")


def _form(plain: dict[str, Any], model: Autoencoder, columns: int) -> Rows | Arrays:
    if plain["form"] != "rows":
        return Arrays.from_json(plain["samples"], model.shape)
    rows = Rows.from_json(plain["samples"])
    if model.shape != (rows.width,) or columns != len(rows.columns):
        raise _misfit()
    return rows


def _conditions(plain: Any, arrays: dict[str, Tensor]) -> Conditions | None:
    if plain is None:
        return None
    return Conditions.from_json(plain, arrays["rows"].numpy(), arrays["shares"].numpy())


def _columns(form: Rows | Arrays, weights: dict[str, Tensor]) -> ChainRule | None:
    """Return how columns go together, where that is known: not of rows that are too wide, nor of older files."""
    if not weights:
        return None
    if not isinstance(form, Rows) or not fits(form.sizes):
        raise FileError("what it knows of columns is not of such samples")
    rule = ChainRule(form.sizes)
    expected = {name: value.shape for name, value in rule.state_dict().items()}
    sound = {name: value.shape for name, value in weights.items()} == expected
    sound = sound and all(bool(value.isfinite().all()) for value in weights.values())
    if not sound or weights["weight"][~rule.after].any() or (weights["share"] < 0).any():
        raise FileError("what it knows of columns does not fit them")
    rule.load_state_dict(weights)
    rule.begin(weights["share"])
    return rule.eval()


def _density(plain: Any, arrays: dict[str, Tensor], model: Autoencoder) -> tuple[Prior | None, Density | None]:
    if plain is None:
        return None, None
    part = from_json(plain)
    if not isinstance(part, Prior):
        raise FileError("its density is none")
    with outline():
        expected = {name: value.shape for name, value in _built(part, model).state_dict().items()}
    weights = under("density.", arrays)
    if {name: value.shape for name, value in weights.items()} != expected:
        raise FileError("its density has weights of other shapes")
    with seeded(0):
        density = _built(part, model)
    density.load_state_dict(weights)
    return part, density.eval()


def _built(part: Prior, model: Autoencoder) -> Density:
    if isinstance(part, TokenPrior):
        return built(part, model)
    told = model.conditioner.size
    return Joint(part, model.n, told) if told and isinstance(part, Mixture) else Whitened(part, model.n)
