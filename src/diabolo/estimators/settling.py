"""What a generator needs besides its model, learned from the codes of its training samples."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from diabolo.check import listed
from diabolo.errors import DiaboloWarning, FileError
from diabolo.estimators.arrays import Arrays
from diabolo.estimators.conditions import Conditions
from diabolo.estimators.rows import Rows
from diabolo.estimators.sources import Sources
from diabolo.expost import fit
from diabolo.part import from_json
from diabolo.priors import Mixture, Prior, Whitened

if TYPE_CHECKING:
    from diabolo.estimators.generator import Generator

_CODES = 100_000
"""Codes that a density is fitted to, at most."""

_COMPONENTS = 10
"""Normal distributions that codes without a prior are drawn from, if there are enough samples for them."""

_IDLE = 0.01
"""Nats below which a dimension of the code tells nothing."""


@torch.no_grad()
def settle(generator: Generator, sources: Sources, seed: int) -> None:
    """Learn what dimensions of the code cost and how codes lie, and a density of them where one is wanted.

    Warns
    -----
    DiaboloWarning
        If most dimensions tell nothing about the sample.
    """
    model = generator.model_
    means, drawn, costs = _seen(generator, sources, seed)
    spread = means.std(0, correction=0)
    generator.codes_ = torch.stack([means.mean(0), spread]).cpu().numpy()
    generator.kl_ = np.full(model.n, np.nan) if costs is None else costs.mean(0).cpu().numpy()
    idle = np.square(generator.codes_[1]) < _IDLE if costs is None else generator.kl_ < _IDLE
    generator.collapsed_ = np.flatnonzero(idle).tolist() if model.has_prior else []
    generator.density_part_ = prior = _wanted(generator, len(means))
    generator.density_ = None if prior is None else fit(prior, drawn, seed=seed)
    if 2 * len(generator.collapsed_) > model.n:
        warnings.warn(collapse(generator), DiaboloWarning, stacklevel=3)


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
        sound = shape == (generator.form_.schema.width,) and generator.n_features_in_ == len(generator.form_.columns)
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
    generator.density_part_, generator.density_ = _density(plain["density"], arrays, model.n)
    if generator.density_ is not None:
        generator.density_.to(next(model.parameters()).device)


def _density(plain: Any, arrays: dict[str, Tensor], n: int) -> tuple[Prior | None, Whitened | None]:
    if plain is None:
        return None, None
    part = from_json(plain)
    if not isinstance(part, Prior):
        raise FileError("its density is none")
    with torch.device("meta"):
        expected = {name: value.shape for name, value in Whitened(part, n).state_dict().items()}
    weights = {name.removeprefix("density."): value for name, value in arrays.items() if name.startswith("density.")}
    if {name: value.shape for name, value in weights.items()} != expected:
        raise FileError("its density has weights of other shapes")
    with torch.random.fork_rng([]):
        density = Whitened(part, n)
    density.load_state_dict(weights)
    return part, density.eval()


def _seen(generator: Generator, sources: Sources, seed: int) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return codes of training samples, as they are on average and as the decoder sees them, and their KL (N, n) each.

    The latter is None where it is not known for each dimension.
    """
    model, means, drawn, costs, count = generator.model_, [], [], [], 0
    devices = [p.device for p in model.parameters() if p.device.type == "cuda"][:1]
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        for batch in sources.train.epoch(4096, None):
            h, _ = model.hidden(batch.x, batch.condition)
            code = model.latent(h, False)
            means.append(code.mean)
            drawn.append(model.latent(h, True).z[: len(h)] if model.has_prior else code.z)
            costs.append(code.info.get("kl", code.mean[:0, :0]))
            if (count := count + len(h)) >= _CODES:
                break
    known = costs[0].shape == means[0].shape
    return torch.cat(means).double(), torch.cat(drawn), torch.cat(costs).double() if known else None


def _wanted(generator: Generator, count: int) -> Prior | None:
    """Return the density to fit: as said, or a mixture where the latent has no prior."""
    if generator.density is not None or generator.model_.has_prior:
        return generator.density
    return Mixture(max(1, min(_COMPONENTS, count // 20)))
