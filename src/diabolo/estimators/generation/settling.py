"""What a generator needs besides its model, learned from the codes of its training samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from diabolo.check import listed
from diabolo.errors import FileError, warn
from diabolo.estimators.generation.arrays import Arrays
from diabolo.estimators.generation.chain_rule import ChainRule, fits
from diabolo.estimators.generation.chained import chained
from diabolo.estimators.generation.conditions import Conditions
from diabolo.estimators.generation.rows import Rows
from diabolo.estimators.generation.tokens import built
from diabolo.estimators.sources import Sources
from diabolo.expost import fit, fit_indices
from diabolo.files import under
from diabolo.latents import Gaussian, LatentModule
from diabolo.likelihoods import Auto
from diabolo.model import Autoencoder
from diabolo.part import from_json
from diabolo.priors import Autoregressive, Joint, Mixture, Normal, Prior, TokenModule, Whitened
from diabolo.recipes import named
from diabolo.seeding import places, seeded

if TYPE_CHECKING:
    from diabolo.estimators.generation.generator import Generator

_CODES = 100_000
"""Codes that a density is fitted to, at most."""

_SOLVED = 20_000
"""Codes that a mixture is fitted to, at most."""

_COMPONENTS, _OF_ROWS, _OF_IMAGES = 10, 50, 100
"""Normal distributions that codes are drawn from, where there are enough samples for them."""

_IDLE = 0.01
"""Nats below which a dimension of the code tells nothing."""


@torch.no_grad()
def settle(generator: Generator, sources: Sources, seed: int) -> None:
    """Learn what dimensions of the code cost, a density of codes where one is wanted, and how columns go together.

    Warns
    -----
    DiaboloWarning
        If most dimensions tell nothing about the sample.
    """
    model = generator.model_
    seen = _seen(generator, sources, seed)
    spread = seen.means.std(0, correction=0)
    generator.codes_ = torch.stack([seen.means.mean(0), spread]).cpu().numpy()
    generator.kl_ = np.full(model.n, np.nan) if seen.costs is None else seen.costs.mean(0).cpu().numpy()
    idle = np.square(generator.codes_[1]) < _IDLE if seen.costs is None else generator.kl_ < _IDLE
    generator.collapsed_ = np.flatnonzero(idle).tolist() if model.has_prior else []
    generator.density_part_ = prior = _wanted(generator, len(seen.means))
    generator.density_ = None if prior is None else _density_of(prior, seen, model.latent, seed)
    rows = generator.form_ if isinstance(generator.form_, Rows) else None
    generator.columns_ = None if rows is None else chained(model, rows.sizes, sources, seed)
    if 2 * len(generator.collapsed_) > model.n:
        warn(collapse(generator))


def collapse(generator: Generator) -> str:
    """Say which dimensions of the code tell nothing, and what to do."""
    lost, n = generator.collapsed_, generator.model_.n
    return (
        f"{len(lost)} of the {n} dimensions of the code tell less than {_IDLE} nats ({listed(lost)}): they have "
        f"collapsed. If n_components={max(1, n - len(lost))} is enough, choose that; else lower recipe__latent__beta, "
        "hold them up with recipe__latent__free_bits=0.1, or train longer."
    )


def remembered(generator: Generator) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what to save besides the model: plain JSON, and arrays."""
    known, density = generator.conditions_, generator.density_
    plain = {
        "form": "rows" if isinstance(generator.form_, Rows) else "arrays",
        "samples": generator.form_.to_json(),
        "conditions": None if known is None else known.to_json(),
        "density": None if generator.density_part_ is None else generator.density_part_.to_json(),
    }
    arrays = {"kl": torch.from_numpy(generator.kl_), "codes": torch.from_numpy(generator.codes_)}
    if known is not None:
        arrays |= {"rows": torch.from_numpy(known.rows), "shares": torch.from_numpy(known.shares)}
    if density is not None:
        arrays |= {f"density.{name}": value for name, value in density.state_dict().items()}
    if generator.columns_ is not None:
        arrays |= {f"columns.{name}": value for name, value in generator.columns_.state_dict().items()}
    return plain, arrays


def recall(generator: Generator, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
    """Take up what `remembered` gave.

    Raises
    ------
    FileError
        If it is foreign or was edited.
    """
    shape, model = generator.shape_, generator.model_
    if plain["form"] == "rows":
        generator.form_ = Rows.from_json(plain["samples"])
        sound = shape == (generator.form_.width,) and generator.n_features_in_ == len(generator.form_.columns)
    else:
        generator.form_ = Arrays.from_json(plain["samples"], shape)
        sound = True
    generator.conditions_ = None
    if plain["conditions"] is not None:
        rows, shares = arrays["rows"].numpy(), arrays["shares"].numpy()
        generator.conditions_ = Conditions.from_json(plain["conditions"], rows, shares)
    told = 0 if generator.conditions_ is None else generator.conditions_.rows.shape[1]
    generator.kl_, generator.codes_ = arrays["kl"].numpy(), arrays["codes"].numpy()
    sound &= told == model.conditioner.size and generator.kl_.shape == (model.n,)
    sound &= generator.codes_.shape == (2, model.n) and bool(np.isfinite(generator.codes_).all())
    lost = generator.collapsed_
    if not sound or not isinstance(lost, list) or not set(lost) <= set(range(model.n)):
        raise FileError("what it remembers of its samples does not fit its model")
    generator.density_part_, generator.density_ = _density(plain["density"], arrays, model)
    generator.columns_ = _columns(generator.form_, under("columns.", arrays))
    for module in (generator.density_, generator.columns_):
        if module is not None:
            module.to(next(model.parameters()).device)


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


def _density(
    plain: Any, arrays: dict[str, Tensor], model: Autoencoder
) -> tuple[Prior | None, Whitened | Joint | TokenModule | None]:
    if plain is None:
        return None, None
    part = from_json(plain)
    if not isinstance(part, Prior):
        raise FileError("its density is none")
    with torch.device("meta"):
        expected = {name: value.shape for name, value in _built(part, model).state_dict().items()}
    weights = {name.removeprefix("density."): value for name, value in arrays.items() if name.startswith("density.")}
    if {name: value.shape for name, value in weights.items()} != expected:
        raise FileError("its density has weights of other shapes")
    with seeded(0):
        density = _built(part, model)
    density.load_state_dict(weights)
    return part, density.eval()


def _built(part: Prior, model: Autoencoder) -> Whitened | Joint | TokenModule:
    if isinstance(part, Autoregressive):
        return built(part, model)
    told = model.conditioner.size
    return Joint(part, model.n, told) if told and isinstance(part, Mixture) else Whitened(part, model.n)


class _Seen(NamedTuple):
    """What there is to know of the codes of training samples."""

    means: Tensor
    """As they are on average, (N, n)."""
    drawn: Tensor
    """As the decoder sees them, (N, n)."""
    costs: Tensor | None
    """Their KL (N, n), where it is known for each dimension."""
    indices: Tensor | None
    """Their tokens (N, T), where they are made of some."""
    told: Tensor | None
    """What is known about the samples, (N, C)."""


def _density_of(prior: Prior, seen: _Seen, latent: LatentModule, seed: int) -> Whitened | Joint | TokenModule:
    """Return the density of codes or of their tokens, given what is known about samples where it can take that up."""
    if isinstance(prior, Autoregressive):
        return fit_indices(prior, cast(Tensor, seen.indices), latent.kinds, seen.told, seed=seed)
    if not isinstance(prior, Mixture):
        return fit(prior, seen.drawn, seed=seed)
    some = slice(None, None, -(-len(seen.drawn) // _SOLVED))
    return fit(prior, seen.drawn[some], None if seen.told is None else seen.told[some], seed=seed)


def _seen(generator: Generator, sources: Sources, seed: int) -> _Seen:
    model, found, count = generator.model_, [], 0
    with seeded(seed, *places(model)):
        for batch in sources.train.epoch(4096, None):
            h, _ = model.hidden(batch.x, batch.condition)
            code = model.latent(h, False)
            drawn = model.latent(h, True).z[: len(h)] if model.has_prior else code.z
            cost = code.info.get("kl")
            cost = cost.double() if cost is not None and cost.shape == code.mean.shape else None
            found.append((code.mean.double(), drawn, cost, code.info.get("indices"), batch.condition))
            if (count := count + len(h)) >= _CODES:
                break
    means, drawn, *rest = zip(*found, strict=True)
    return _Seen(torch.cat(means), torch.cat(drawn), *(None if part[0] is None else torch.cat(part) for part in rest))


def _wanted(generator: Generator, count: int) -> Prior | None:
    """Return the density to fit: as said, or where the latent has no prior one of its tokens, or else a mixture.

    There is a mixture of all others too, where the recipe leaves the choice: samples are told from real ones less
    easily, show more what they were asked for, and columns go together more as they do (docs/decisions/0008, 0009).
    """
    model, latent = generator.model_, generator.model_.recipe.latent
    left = isinstance(named(generator.recipe).likelihood, Auto)
    settled = model.has_prior and not (left and isinstance(latent, Gaussian) and isinstance(latent.prior, Normal))
    if generator.density is not None or settled:
        return generator.density
    if model.recipe.latent.tokens(model.n):
        return Autoregressive()
    if len(generator.shape_) == 3:
        return Mixture(max(1, min(_OF_IMAGES, count // (20 * model.n))), "full")
    most = _OF_ROWS if isinstance(generator.form_, Rows) or generator.conditions_ is not None else _COMPONENTS
    return Mixture(max(1, min(most, count // 20)))
